"""Cursors, budgets and fences: what every answer is made with."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.errors import InvalidInput
from rookery_core.serving.paging import Page
from rookery_core.text import clip, estimate_tokens, fence, hidden_characters, new_nonce

positions = st.dictionaries(
    st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers()), max_size=5
)


@given(positions)
def test_a_cursor_comes_back_as_the_position_it_was(position: dict[str, Any]) -> None:
    encoded = Page.open("tool", [], "", 1000).cursor(**position)
    if len(encoded) <= 4096:
        assert Page.open("tool", [], encoded, 1000).position == position
    assert encoded.isascii()


@given(st.text())
def test_a_foreign_cursor_is_an_error_with_a_remedy(text: str) -> None:
    if text:
        with pytest.raises(InvalidInput, match="next_cursor"):
            Page.open("tool", [], text, 1000)


@pytest.mark.parametrize(
    "text", ["c2.", "c2.W10", "c2.bm90IGpzb24", "c2." + "W1tb" * 900, "c2.é", "c0.e30", "c2.e30" * 2000]
)
def test_what_looks_like_a_cursor_is_checked_too(text: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        Page.open("tool", [], text, 1000)


@given(st.text(), st.integers(min_value=0, max_value=200))
def test_a_clipped_text_is_a_beginning_that_fits_and_counts_the_rest(text: str, max_tokens: int) -> None:
    kept, omitted = clip(text, max_tokens)
    assert text.startswith(kept)
    assert estimate_tokens(kept) <= max_tokens
    assert (omitted == 0) == (kept == text)


@given(st.text(), st.text())
def test_an_estimate_never_shrinks_when_text_is_added(first: str, second: str) -> None:
    assert estimate_tokens(first + second) >= estimate_tokens(first)


def test_scripts_without_spaces_cost_a_token_a_character() -> None:
    assert estimate_tokens("データベースが遅い") == 9
    assert estimate_tokens("database") == 2


def test_a_clip_prefers_the_end_of_a_line() -> None:
    assert clip("first line\nsecond line that is longer", 5) == ("first line", 7)


@given(st.text())
def test_a_fence_changes_no_character_and_cannot_be_closed_from_inside(text: str) -> None:
    nonce = new_nonce()
    fenced = fence(text, author="U1 <b>", kind="member", nonce=nonce)
    opening, _, rest = fenced.partition("\n")
    assert rest == f"{text}\n</untrusted {nonce}>"
    assert opening == f"<untrusted {nonce} from U1 b (member)>"


def test_hidden_characters_are_named_and_ordinary_ones_are_not() -> None:
    assert hidden_characters("a\u202eb\u200bc\u202e") == [
        "RIGHT-TO-LEFT OVERRIDE",
        "ZERO WIDTH SPACE",
    ]
    assert hidden_characters("tag \U000e0041") == ["TAG LATIN CAPITAL LETTER A"]
    assert hidden_characters("family 👨‍👩‍👧 naïve 日本") == []
