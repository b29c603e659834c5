"""What a new fact replaces is among the first candidates, however it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.identity import Caller
from rookery_memory.records import NewMemory
from rookery_memory.search.counterparts import NAME, NUMBER, ORDINARY, shares_with_counterparts, telling_words
from rookery_memory.search.replacement_ranking import Shared, rank_replaced, subject_terms, words_of
from rookery_memory.store import MemoryStore

PEOPLE = [
    "Alice",
    "Bjorn",
    "Chidi",
    "Dalia",
    "Emeka",
    "Farah",
    "Goran",
    "Hana",
    "Imran",
    "Kofi",
    "Leila",
    "Mateo",
    "Noor",
    "Oskar",
    "Priya",
    "Rosa",
]
CITIES = ("Oslo", "Lisbon", "Hanoi", "Quebec")
EMPLOYERS = ("Google", "Meta", "Siemens", "Lufthansa")


def workspace() -> list[str]:
    """Facts about many people, each with a home, an employer, a drink and what happened once."""
    facts: list[str] = []
    for number, name in enumerate(PEOPLE):
        facts += [
            f"{name} lives in {CITIES[number % 4]}.",
            f"{name} works at {EMPLOYERS[number % 4]}.",
            f"{name} drinks {('tea', 'coffee', 'cocoa')[number % 3]} in the morning.",
            f"{name} plays {('chess', 'tennis', 'cello')[number % 3]} with friends.",
            f"{name} gave a talk about the {('bridge', 'harbour', 'garden')[number % 3]} in May.",
            f"{name} was late because of the snow.",
            f"{name} helped {PEOPLE[number - 1]} to move a piano.",
        ]
    return facts


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("Alice joined Meta as an engineer", "Alice works at Google."),
        ("Since March Hanoi is home to Alice", "Alice lives in Oslo."),
        ("Alice does not drink tea any more", "Alice drinks tea in the morning."),
        ("Siemens hired Bjorn", "Bjorn works at Meta."),
        ("In the morning Chidi drinks coffee now", "Chidi drinks cocoa in the morning."),
    ],
)
@pytest.mark.parametrize("embeds", [True, False])
async def test_the_replaced_fact_is_among_the_first_three(
    store: MemoryStore, ada: Caller, open_database: Any, new: str, old: str, embeds: bool
) -> None:
    chosen = store if embeds else MemoryStore(await open_database("rookery_memory"), None)
    await chosen.remember_many(ada, [NewMemory(content=fact) for fact in workspace()])
    answer = await chosen.remember(ada, NewMemory(content=new))
    assert old in [one.memory.content for one in answer.similar]
    assert [one.score for one in answer.similar] == sorted(
        (one.score for one in answer.similar), reverse=True
    )
    assert all(0 <= one.score <= 1 for one in answer.similar)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("Maren came back from two weeks in Japan.", "Maren has never been to Asia."),
        ("Falcon will go live on 30 June.", "The launch of Falcon is planned for 12 May."),
        ("Alice is trained for the flute by a neighbour", "Alice plays chess with friends."),
        ("Maren weighs 61 kg", "Maren is at 64 kilos."),
    ],
)
async def test_a_value_that_nobody_has_had_replaces_one_of_its_kind(
    store: MemoryStore, ada: Caller, new: str, old: str
) -> None:
    facts = [
        *workspace(), "Maren has never been to Asia.", "Maren is at 64 kilos.", "Maren has a black belt in judo.",
        "Maren's office is on the third floor.", "Maren takes the 7:40 train.", "Ida has two cats.",
        "The launch of Falcon is planned for 12 May.", "Falcon is written in Python 3.11.",
        "Falcon's budget is 80,000 euros.", "Falcon is led by Petra.", "Logs are kept for 30 days.",
        "Standup is at 9:30.", "Support is open for 30 customers.", "The office has two doors.",
    ]  # fmt: skip
    await store.remember_many(ada, [NewMemory(content=fact) for fact in facts])
    answer = await store.remember(ada, NewMemory(content=new))
    assert old in [one.memory.content for one in answer.similar]


async def test_a_new_fact_without_a_word_in_common_is_held_against_what_means_the_like(
    store: MemoryStore, ada: Caller
) -> None:
    facts = ["Alice lives in Oslo.", "Bjorn has three parrots.", "Backups are kept for 30 days."]
    await store.remember_many(ada, [NewMemory(content=fact) for fact in facts])
    answer = await store.remember(ada, NewMemory(content="My home is Lisbon now"))
    assert answer.similar[0].memory.content == facts[0]


def test_numbers_names_and_words_have_counterparts_among_their_like() -> None:
    vectors = {
        word: np.eye(8)[at]
        for at, word in enumerate(["lives", "moved", "Oslo", "Lisbon", "12", "30", "9,000"])
    }
    new = telling_words("Ann moved to Lisbon on 30", ["ann"])
    assert [word.kind for word in new] == [ORDINARY, NAME, NUMBER]
    old = [
        telling_words(f"Ann's {what}", ["ann"])
        for what in ("12", "9,000", "Oslo", "lives", "30", "Lisbon", "")
    ]
    number, other_form, name, word, same_number, same_name, nothing = shares_with_counterparts(
        old, new, vectors
    )
    assert 1.0 == same_number == same_name > number > other_form > name > word == nothing == 0.0
    assert shares_with_counterparts([[]], new, vectors).tolist() == [0.0]


async def test_other_scopes_and_what_no_longer_holds_are_no_candidates(
    store: MemoryStore, ada: Caller
) -> None:
    await store.remember(ada, NewMemory(content="Alice works at Google"), "team")
    gone = await store.remember(ada, NewMemory(content="Alice works at Siemens"))
    await store.forget(ada, [gone.id], "wrong")
    first = await store.remember(ada, NewMemory(content="Alice works at Meta"))
    assert first.similar == []
    second = await store.remember(ada, NewMemory(content="Alice works at Lufthansa", replaces=[first.id]))
    assert second.similar == []
    third = await store.remember(ada, NewMemory(content="Alice works at home"))
    assert [one.memory.id for one in third.similar] == [second.id]


@pytest.mark.parametrize("content", ["", "the of and", "🙂🙂", "遅い 動き", "a" * 5000, "x\u202ey", "?!"])
async def test_anything_may_be_the_new_fact(store: MemoryStore, ada: Caller, content: str) -> None:
    await store.remember_many(ada, [NewMemory(content=fact) for fact in workspace()[:20]])
    answer = await store.remember(ada, NewMemory(content=content or "x"))
    assert len(answer.similar) <= 3


def test_names_are_no_words_and_scripts_without_spaces_are_cut_in_pairs() -> None:
    assert words_of("Alice now Works at a Bakery in old town") == {"old", "town"}
    assert words_of("動きが遅い") >= {"動き", "遅い"}


FACTS = st.lists(
    st.sampled_from(["lives", "works", "cat", "tea", "old", "new", "Ann", "Bob", "Oslo"]), max_size=5
)


@given(st.lists(FACTS, min_size=1, max_size=12), FACTS, st.booleans(), st.randoms())
def test_ranking_is_bounded_and_does_not_depend_on_the_order(
    facts: list[list[str]], new: list[str], embedded: bool, chance: Any
) -> None:
    terms = list(dict.fromkeys(new)) or ["none"]
    random = np.random.default_rng(3)
    rows = list(range(len(facts)))
    frequencies = np.array([[float(fact.count(term)) for term in terms] for fact in facts])
    lengths = np.array([float(len(fact)) for fact in facts])
    vectors = random.normal(size=(len(facts), 4))
    vectors[: len(facts) // 3] = np.nan
    words = [words_of(" ".join(fact)) for fact in facts]
    counts = (frequencies > 0).sum(axis=0).astype(float)
    weights = np.ones(len(terms))
    counterparts = random.uniform(-1, 1, len(facts))

    def scores(order: list[int]) -> Any:
        own = [words[row] for row in order]
        subject = subject_terms(frequencies[order], own, terms, counts, float(len(facts)))
        shared = Shared(frequencies[order], lengths[order], own, vectors[order])
        vector, parts = (np.ones(4), counterparts[order]) if embedded else (None, None)
        return rank_replaced(shared, terms, weights, subject, vector, 0.4, parts)

    found = scores(rows)
    assert ((found >= 0) & (found <= 1 + 1e-9)).all()
    chance.shuffle(rows)
    assert np.allclose(scores(rows), found[rows])
