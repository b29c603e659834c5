"""How values of PostgreSQL become Python's: JSON its objects, vectors numpy arrays of float32."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rookery_core import sql

if TYPE_CHECKING:
    import asyncpg
    import numpy as np

_HEADER = struct.Struct(">HH")  # dimensions, and two bytes of which pgvector wants nothing


async def register(connection: asyncpg.Connection[Any]) -> None:
    """Register the codecs on a connection; those for vectors only when the database knows the types."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_dump_json, decoder=json.loads)
    schema = await connection.fetchval(sql.load("rookery_core.database", "session.sql")["vector_schema"])
    if schema is None:
        return
    for name, element in (("vector", ">f4"), ("halfvec", ">f2")):
        await connection.set_type_codec(
            name, schema=schema, format="binary", encoder=_encoder(element), decoder=_decoder(element)
        )


def vector_array(vectors: Iterable[Any | None]) -> list[Any]:
    """Vectors as one parameter of type `halfvec[]` or `vector[]`; the driver takes bare arrays for a matrix."""
    import numpy as np

    def element(vector: Any) -> Any:
        return np.ascontiguousarray(vector, np.float32).data

    return [None if vector is None else element(vector) for vector in vectors]


def _dump_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoder(element: str) -> Any:
    def encode(value: Any) -> bytes:
        import numpy as np

        array = np.asarray(value, dtype=element)
        if array.ndim != 1:
            raise ValueError(f"a vector has one dimension, not {array.ndim}")
        return _HEADER.pack(array.size, 0) + array.tobytes()

    return encode


def _decoder(element: str) -> Any:
    def decode(value: bytes) -> np.ndarray[Any, np.dtype[np.float32]]:
        import numpy as np

        return np.frombuffer(value, dtype=element, offset=_HEADER.size).astype(np.float32)

    return decode
