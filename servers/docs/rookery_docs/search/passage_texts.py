"""The texts of passages, packed one after another: what is found is shown without asking the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class PassageText(NamedTuple):
    """What a passage says, under which headings, and the anchor that leads to it."""

    heading_path: tuple[str, ...]
    anchor: str | None
    text: str


class PassageTexts:
    """Passages by number. Each is read when it is asked for: few of those ranked are shown."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.arrays = arrays
        self._packed, self._starts = arrays["packed"], arrays["starts"]

    @classmethod
    def build(cls, texts: Iterable[PassageText]) -> PassageTexts:
        """The passages in their order."""
        parts = [json.dumps(text, ensure_ascii=False).encode() for text in texts]
        starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return cls({"packed": np.frombuffer(b"".join(parts), dtype=np.uint8), "starts": starts})

    def __getitem__(self, number: int) -> PassageText:
        heading_path, anchor, text = json.loads(
            self._packed[self._starts[number] : self._starts[number + 1]].tobytes()
        )
        return PassageText(tuple(heading_path), anchor, text)
