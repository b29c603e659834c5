"""How much each token of the static model counts when a text is pooled into one vector.

Inverse document frequency without a corpus: function words come from a list, the rest is told by the shape of
the piece. The weights are part of the model's identity: raise POOLING_VERSION when they change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POOLING_VERSION = "p1"

WORD_START = "▁"
CONTENT, CONTINUATION, FUNCTION, NOISE = 1.0, 0.5, 0.05, 0.1

_FUNCTION_WORDS = """
a about above after again against all also am an and any are aren as at be because been before being below
between both but by can cannot could couldn did didn do does doesn doing don done down during each either else
ever few for from further get gets getting go goes going gone got had hadn has hasn have haven having he her here
hers herself hey hi him himself his how however i if in into is isn it its itself just let like ll lot m many may
me might more most much must mustn my myself neither no nor not now of off oh ok okay on once one only or other
our ours ourselves out over own really re s said same say says shall shan she should shouldn so some something
such t than thanks that the their theirs them themselves then there these they thing things this those through
thus to too under until up upon us ve very was wasn we well went were weren what when where whether which while
who whom whose why will with without won would wouldn yeah yes yet you your yours yourself yourselves
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def token_weights(pieces: Sequence[str]) -> NDArray[np.float32]:
    """The weight of every piece of a sentencepiece vocabulary, in its order.

    A word's first piece counts in full, what continues it by half (a rare word in four pieces is still one word),
    function words, punctuation and the bytes of unknown characters hardly.
    """
    import numpy as np

    return np.array([_weight(piece) for piece in pieces], dtype=np.float32)


def _weight(piece: str) -> float:
    starts_word = piece.startswith(WORD_START)
    body = piece.lstrip(WORD_START).lower()
    if not any(character.isalnum() for character in body) or _is_special(body):
        return NOISE
    if starts_word:
        return FUNCTION if body in FUNCTION_WORDS else CONTENT
    return CONTINUATION


def _is_special(body: str) -> bool:
    return body.startswith("<") and body.endswith(">")


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same rows brought to length 1; a row of zeros stays one."""
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    norms[norms == 0] = 1.0
    return (vectors / norms).astype(np.float32, copy=False)
