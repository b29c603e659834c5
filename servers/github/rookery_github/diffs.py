"""Patches as GitHub gives them for a file, in hunks that put together are the patch again."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADER = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk: its whole text with header, and the lines it covers before and after (first, last; from 1)."""

    text: str
    old: tuple[int, int]
    new: tuple[int, int]

    @property
    def removes_all(self) -> bool:
        """Whether nothing of it is left afterwards, so that only the old file can be linked."""
        return self.new[1] < self.new[0]


def hunks(patch: str) -> list[Hunk]:
    """The hunks of a patch in order. Joined with line ends they are the patch, byte for byte.

    Text before the first header (there is none in GitHub's patches) stays with the first hunk.
    """
    starts = [match.start() for match in _HEADER.finditer(patch)]
    if not starts:
        return [Hunk(patch, (0, -1), (0, -1))] if patch else []
    starts[0] = 0
    ends = [start - 1 for start in starts[1:]] + [len(patch)]
    return [_hunk(patch[start:end]) for start, end in zip(starts, ends, strict=True)]


def _hunk(text: str) -> Hunk:
    match = _HEADER.search(text)
    assert match is not None
    old_start, old_count, new_start, new_count = (
        int(group) if group is not None else 1 for group in match.groups()
    )
    return Hunk(text, (old_start, old_start + old_count - 1), (new_start, new_start + new_count - 1))
