"""What every embedder offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EmbeddingKind = Literal["document", "query"]
"""What a text is for: some models prepare the two differently."""


class Embedder(Protocol):
    """Turns texts into vectors of one model.

    Names of speakers and users are for the caller to leave out: in a short text they would dominate the vector.
    """

    @property
    def model(self) -> str:
        """A stable id of model, size and pooling, stored beside every vector; vectors of different ids never meet."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of a vector; 0 while it is not known, which is until the first answer of an unlisted model."""
        ...

    @property
    def weak(self) -> bool:
        """Whether this is a small static model, whose ranking must not outvote the words that match."""
        ...

    async def embed(self, texts: Sequence[str], kind: EmbeddingKind = "document") -> NDArray[np.float32]:
        """Return the vectors, one row a text, each of length 1, float32.

        A text in which there is nothing to embed has a row of zeros: store null in its place. Raises Unavailable
        when the model cannot be reached, ConfigurationError when it refuses the key or is unknown.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. The embedder can be used again."""
        ...
