from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.ranking import fuse, semantic_weight

finite = st.floats(-1e6, 1e6, allow_nan=False)
legs = st.dictionaries(st.integers(0, 30), finite, max_size=20)


@given(legs, legs, st.floats(0, 1))
def test_every_candidate_is_ranked_once_between_0_and_1(
    lexical: dict[int, float], semantic: dict[int, float], weight: float
) -> None:
    fused = fuse(lexical, semantic, weight)
    assert sorted(key for key, _ in fused) == sorted(lexical.keys() | semantic.keys())
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(-1e-9 <= score <= 1 + 1e-9 for score in scores)


@given(legs, st.floats(0, 1))
def test_an_empty_leg_leaves_the_order_of_the_other(leg: dict[int, float], weight: float) -> None:
    for fused in (fuse(leg, {}, weight), fuse({}, leg, weight)):
        assert len(fused) == len(leg)
        ranked = [leg[key] for key, _ in fused]
        assert all(one >= next_one - 1e-6 * max(map(abs, ranked)) for one, next_one in pairwise(ranked))


@given(legs.filter(lambda leg: len(leg) > 1), st.floats(0, 1), finite)
def test_a_leg_that_tells_nothing_apart_has_no_say(leg: dict[int, float], weight: float, same: float) -> None:
    flat = dict.fromkeys(leg, same)
    alone = [key for key, _ in fuse(leg, {}, weight)]
    assert [key for key, _ in fuse(leg, flat, weight)] == alone
    assert [key for key, _ in fuse(flat, leg, weight)] == alone


@given(legs, legs, st.floats(0, 1), st.integers(1, 100), st.integers(-1000, 1000))
def test_the_scale_of_a_leg_does_not_matter(
    lexical: dict[int, float], semantic: dict[int, float], weight: float, factor: int, offset: int
) -> None:
    lexical = {key: abs(round(value)) for key, value in lexical.items()}
    semantic = {key: round(value) for key, value in semantic.items()}
    before = dict(fuse(lexical, semantic, weight))
    more = {key: value * factor for key, value in lexical.items()}
    moved = {key: value * factor + offset for key, value in semantic.items()}
    assert before == pytest.approx(dict(fuse(more, moved, weight)), abs=1e-6)


def test_the_least_of_the_matches_is_more_than_no_match() -> None:
    assert dict(fuse({"a": 4.0, "b": 2.0}, {"a": 0.1, "b": 0.3, "c": 0.3}, 0.4))["b"] > 0.4


@given(legs, legs, st.floats(0, 1))
def test_what_both_legs_put_first_is_first(
    lexical: dict[int, float], semantic: dict[int, float], weight: float
) -> None:
    lexical, semantic = {**lexical, 99: 2e6}, {**semantic, 99: 2e6}
    assert fuse(lexical, semantic, weight)[0][1] == pytest.approx(1.0)


def test_the_weak_model_counts_less() -> None:
    class Weak:
        weak = True

    class Strong:
        weak = False

    assert 0 == semantic_weight(None) < semantic_weight(Weak()) < 0.5 < semantic_weight(Strong()) <= 1


@pytest.mark.slow
async def test_fused_is_never_below_its_best_leg_on_judged_questions() -> None:
    """Over the judged questions, mean reciprocal rank and recall@3 of the fusion reach those of either leg."""
    import numpy as np

    from rookery_core.embedders.local import LocalEmbedder
    from rookery_core.ranking.bm25 import bm25, containing, idf

    judged: Any = json.loads((Path(__file__).parent / "judged.json").read_text("utf-8"))
    passages: list[str] = judged["passages"]
    tokens = [_stems(passage) for passage in passages]
    vectors = await LocalEmbedder().embed(passages)
    found: dict[str, list[float]] = {"words": [], "meaning": [], "fused": []}
    for question in judged["questions"]:
        terms = sorted(set(_stems(question["text"])))
        frequencies = np.array([[one.count(term) for term in terms] for one in tokens], dtype=np.float64)
        lengths = np.array([len(one) for one in tokens], dtype=np.float64)
        weights = idf(len(passages), containing(frequencies))
        words = bm25(frequencies, lengths, weights)
        coverage = float(((frequencies > 0) @ weights).max() / weights.sum())
        meaning = vectors @ (await LocalEmbedder().embed([question["text"]]))[0]
        lexical = {at: float(score) for at, score in enumerate(words) if score > 0}
        semantic = {at: float(score) for at, score in enumerate(meaning)}
        for name, ranking in (
            ("words", sorted(lexical, key=lambda at: -lexical[at])),
            ("meaning", sorted(semantic, key=lambda at: -semantic[at])),
            ("fused", [at for at, _ in fuse(lexical, semantic, coverage=coverage)]),
        ):
            found[name].append(
                1 / (1 + ranking.index(question["answer"])) if question["answer"] in ranking else 0
            )
    means = {name: sum(values) / len(values) for name, values in found.items()}
    top = {name: sum(value >= 1 / 3 for value in values) for name, values in found.items()}
    assert means["fused"] >= max(means["words"], means["meaning"]), means
    assert top["fused"] >= max(top["words"], top["meaning"]), top


def _stems(text: str) -> list[str]:
    import re

    from rookery_core.embedders.pooling import FUNCTION_WORDS

    words = re.findall(r"\w+", text.lower())
    return [re.sub(r"(ing|ed|es|s)$", "", word) for word in words if word not in FUNCTION_WORDS]
