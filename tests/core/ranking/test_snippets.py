from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.ranking import best_snippet

LONG = (
    "Nothing here. " * 60
    + "The deploy failed because the canary lost its database connection. "
    + "More filler. " * 60
)


@given(st.text(max_size=600), st.text(max_size=60), st.integers(1, 200))
def test_a_snippet_is_a_part_of_the_text_as_it_stands(source: str, query: str, width: int) -> None:
    snippet = best_snippet(source, query, max_characters=width)
    assert snippet.text == source[snippet.start : snippet.end]
    assert len(snippet.text) <= width
    assert snippet.cut_before == (snippet.start > 0)
    assert snippet.cut_after == (snippet.end < len(source))


@given(st.text(min_size=1, max_size=20), st.integers(20, 120))
def test_a_word_that_is_there_is_shown(padding: str, width: int) -> None:
    source = f"{padding} " * 40 + "zygomorphic " + f"{padding} " * 40
    assert "zygomorphic" in best_snippet(source, "zygomorphic", max_characters=width).text


def test_the_window_with_most_of_the_query_wins() -> None:
    snippet = best_snippet(LONG, "why did the canary fail to connect to its database?", max_characters=120)
    assert "canary lost its database connection" in snippet.text
    assert snippet.cut_before
    assert snippet.cut_after


def test_words_match_by_their_stems_and_wide_characters_singly() -> None:
    assert best_snippet("x " * 200 + "connecting", "connection", max_characters=40).matches == 1
    assert "遅い" in best_snippet("あ" * 500 + "動きが遅いです" + "う" * 500, "遅い", max_characters=30).text


def test_without_a_match_it_is_the_beginning() -> None:
    snippet = best_snippet(LONG, "xylophone", max_characters=50)
    assert (snippet.start, snippet.matches) == (0, 0)


def test_a_width_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        best_snippet("a", "a", max_characters=0)
