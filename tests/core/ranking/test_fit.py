"""Scores mean the same in every answer."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from rookery_core.ranking.fit import best_fit, fit, is_unfit, scaled


@dataclass(frozen=True)
class Embedder:
    weak: bool


SHARES = st.floats(-1, 3, allow_nan=False)


@given(SHARES, SHARES)
def test_the_fit_is_a_share_and_never_less_than_the_words(words: float, meaning: float) -> None:
    assert min(max(words, 0.0), 1.0) <= fit(words, meaning) <= 1.0


@given(st.lists(st.floats(0, 5), max_size=20), st.floats(0, 1))
def test_scaling_keeps_the_order_and_gives_the_first_result_the_best_fit(
    scores: list[float], best: float
) -> None:
    ranked = list(enumerate(sorted(scores, reverse=True)))
    values = [score for _, score in scaled(ranked, best)]
    assert [key for key, _ in scaled(ranked, best)] == [key for key, _ in ranked]
    assert values == sorted(values, reverse=True)
    assert all(0 <= value <= best for value in values)


def test_the_best_of_the_first_results_counts() -> None:
    assert best_fit([1, 2], {1: 0.2, 2: 0.7}, {}) == 0.7
    assert best_fit([], {}, {}) == 0.0


def test_a_strong_embedder_is_not_measured_by_the_scale_of_a_small_one() -> None:
    assert is_unfit(0.1, 0.3, None)
    assert is_unfit(0.1, 0.3, Embedder(weak=True))
    assert not is_unfit(0.1, 0.3, Embedder(weak=False))
