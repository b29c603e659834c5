"""How often each term occurs in each field of a text, packed for storage and for the index in memory.

A posting is the term's 64-bit hash and one count (at most 255) for each field. A value in the database is all hashes
(little-endian, ascending), then all counts.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from rookery_docs.search.analysis import PAIR
from rookery_docs.search.fields import FIELDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTH = len(FIELDS)
_RECORD = 8 + _WIDTH


@lru_cache(maxsize=300_000)
def term_hash(term: str) -> int:
    """The term's identity in every index: 64 bits, the same on every machine; odd for a pair of terms."""
    digest = int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return digest | 1 if PAIR in term else digest & ~1


def pack(fields: dict[str, list[str]]) -> bytes:
    """The postings of a text as they are stored."""
    counts: dict[str, list[int]] = {}
    for column, name in enumerate(FIELDS):
        for term, count in Counter(fields[name]).items():
            counts.setdefault(term, [0] * _WIDTH)[column] = min(count, 255)
    rows = sorted((term_hash(term), bytes(row)) for term, row in counts.items())
    return b"".join(key.to_bytes(8, "little") for key, _ in rows) + b"".join(row for _, row in rows)


def unpack(packed: bytes) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """(hashes, counts): n hashes and an n x fields matrix. Views, not copies."""
    import numpy as np

    size = len(packed) // _RECORD
    hashes = np.frombuffer(packed, dtype="<u8", count=size)
    counts = np.frombuffer(packed, dtype=np.uint8, offset=size * 8, count=size * _WIDTH)
    return hashes, counts.reshape(size, _WIDTH)
