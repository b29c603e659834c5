"""BM25 over term frequencies that a statement has looked up, for rankings that go on from there in Python.

`make bench-memory` prints the figures behind the weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

K1 = 1.2
B = 0.75


def idf(documents: float, containing: Floats) -> Floats:
    """Inverse document frequency of terms that `containing` of the documents contain, never negative; as search.idf."""
    import numpy as np

    total = np.maximum(documents, containing)
    return np.log1p((total - containing + 0.5) / (containing + 0.5))


def containing(frequencies: Floats) -> Floats:
    """In how many rows each column of a matrix of term frequencies occurs."""
    import numpy as np

    return np.asarray((frequencies > 0).sum(axis=0), dtype=np.float64)


def bm25(
    frequencies: Floats, lengths: Floats, weights: Floats, average_length: float | None = None
) -> Floats:
    """The scores of documents, one a row of `frequencies`, a column a term; as search.bm25.

    average_length: of the collection; by default of these documents.
    """
    import numpy as np

    if not len(frequencies):
        return np.zeros(0)
    mean = float(lengths.mean()) if average_length is None else average_length
    norm = K1 * (1 - B + B * lengths / max(mean, 1.0))
    saturated: Any = frequencies * (K1 + 1) / (frequencies + norm[:, None])
    return np.asarray(saturated @ weights, dtype=np.float64)
