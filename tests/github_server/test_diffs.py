"""Hunks put together are the patch again, and know the lines they cover."""

from __future__ import annotations

import difflib

from hypothesis import given
from hypothesis import strategies as st

from rookery_github.diffs import hunks

lines = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12), max_size=40
)


def patch_of(before: list[str], after: list[str]) -> str:
    return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=1))[2:])


@given(lines, lines)
def test_hunks_together_are_the_patch(before: list[str], after: list[str]) -> None:
    patch = patch_of(before, after)
    assert "\n".join(hunk.text for hunk in hunks(patch)) == patch


@given(lines, lines)
def test_hunks_know_their_lines(before: list[str], after: list[str]) -> None:
    for hunk in hunks(patch_of(before, after)):
        body = hunk.text.split("\n")[1:]
        kept = [line[1:] for line in body if line[:1] != "-"]
        first, last = hunk.new
        assert after[first - 1 if kept else first : last] == kept
        assert hunk.removes_all == (not kept)


@given(st.text(max_size=200))
def test_any_text_comes_back_whole(patch: str) -> None:
    assert "\n".join(hunk.text for hunk in hunks(patch)) == patch
