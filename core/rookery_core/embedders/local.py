"""The embedder that needs no network and no key."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rookery_core.embedders.pooling import POOLING_VERSION
from rookery_core.embedders.protocol import EmbeddingKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rookery_core.embedders.static_table import StaticTable

BATCH = 256
MAX_CHARACTERS = 50_000


class LocalEmbedder:
    """wordllama's table of token vectors, pooled by how much each token says. Loaded once, when first used."""

    model = f"wordllama-l2-supercat-256-{POOLING_VERSION}"
    dimensions = 256
    weak = True

    def __init__(self) -> None:
        self._table: StaticTable | None = None
        self._loading = threading.Lock()

    async def embed(self, texts: Sequence[str], kind: EmbeddingKind = "document") -> NDArray[np.float32]:
        """Embed in a thread; both kinds alike. What lies beyond 50,000 characters of a text is left out."""
        return await asyncio.to_thread(self._embed, list(texts))

    async def close(self) -> None:
        """Nothing to let go of."""

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        import numpy as np

        table = self._loaded()
        clipped = [_encodable(text[:MAX_CHARACTERS]) for text in texts]
        batches = [table.embed(clipped[start : start + BATCH]) for start in range(0, len(clipped), BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, self.dimensions), dtype=np.float32)

    def _loaded(self) -> StaticTable:
        with self._loading:
            if self._table is None:
                from rookery_core.embedders.static_table import load_static_table

                self._table = load_static_table()
            return self._table


def _encodable(text: str) -> str:
    """Lone surrogates cannot reach the tokenizer, which takes UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
