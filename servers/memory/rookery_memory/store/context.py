"""What the parts of the store share: the database, the embedder, and who makes the vectors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rookery_core import sql, telemetry
from rookery_core.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.database import Connection, Database
    from rookery_core.embedders import Embedder
    from rookery_core.queue import Queue

_FILES = (
    "writer",
    "listings",
    "search",
    "turns",
    "conversation_search",
    "upkeep",
    "portability",
    "erasure",
)
SQL = {
    name: statement
    for file in _FILES
    for name, statement in sql.load("rookery_memory.store", f"{file}.sql").items()
}
"""Every statement on schema `memory`, each in the file of the module that it belongs to."""

MOST_WORDS = 10_000
"""Of words whose vectors are kept: about 20 MB."""
EMBED_TOPIC = "memory.embed"

logger = telemetry.get_logger(__name__)


@dataclass(slots=True)
class StoreContext:
    """queue: where to ask for vectors in the background; without it they are made before a write returns.

    announces: whether new turns of conversations are told of through the event queue.
    """

    database: Database
    embedder: Embedder | None
    queue: Queue | None = None
    announces: bool = False
    _words: dict[str, NDArray[np.float64]] = field(default_factory=dict[str, "NDArray[np.float64]"])

    @property
    def embeds_inline(self) -> bool:
        return self.embedder is not None and self.queue is None

    async def vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """A vector for each text, None where there is nothing to embed, and for all when the embedder is down.

        What has no vector is found by its words, and gets its vector later.
        """
        if self.embedder is None or not texts:
            return [None] * len(texts)
        try:
            rows = await self.embedder.embed(texts)
        except Unavailable as error:
            logger.warning("no vectors for now: %s", error)
            return [None] * len(texts)
        return [row if row.any() else None for row in rows]

    async def query_vector(self, text: str) -> NDArray[np.float32] | None:
        """The vector of a query, or None when there is none: then words alone decide."""
        if self.embedder is None or not text.strip():
            return None
        try:
            row = (await self.embedder.embed([text], kind="query"))[0]
        except Unavailable as error:
            logger.warning("searching by words alone: %s", error)
            return None
        return row if row.any() else None

    async def word_vectors(self, words: Collection[str]) -> Mapping[str, NDArray[np.float64]] | None:
        """Vectors of single words, these among them; None unless the model is in this process: it is asked for hundreds of words."""
        from rookery_core.embedders.local import LocalEmbedder

        if not isinstance(self.embedder, LocalEmbedder):
            return None
        if len(self._words) > MOST_WORDS:
            self._words.clear()
        if missing := [word for word in words if word not in self._words]:
            vectors = (await self.embedder.embed(missing)).astype("float64")
            self._words.update(zip(missing, vectors, strict=True))
        return self._words

    @property
    def model(self) -> str:
        """The id of the model whose vectors are searched; empty without an embedder."""
        return self.embedder.model if self.embedder else ""

    async def ask_for_vectors(self, connection: Connection, team: str, scope: str) -> None:
        """Have a worker embed what this transaction writes, once it has committed."""
        if self.queue is not None and self.embedder is not None:
            payload: dict[str, Any] = {"team": team, "scope": scope}
            await self.queue.enqueue(
                EMBED_TOPIC, payload, ordering_key=f"{team}/{scope}"[:900], connection=connection
            )
