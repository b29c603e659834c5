from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.identity import Caller
from rookery_memory.records import NewMemory, NewTurn
from rookery_memory.search.conversation_ranking import TurnSignals, rank_turns
from rookery_memory.search.index_text import without_names
from rookery_memory.store import MemoryStore, conversation_search
from rookery_memory.store.turns import ends_in_question, place

MAY = datetime(2026, 5, 8, 13, 0, tzinfo=UTC)
TALK = [
    NewTurn(speaker="Ana", content="Hi Ben! How was the weekend?", id="D1:1", said_at=MAY),
    NewTurn(speaker="Ben", content="Great, we went climbing near the lake.", id="D1:2", said_at=MAY),
    NewTurn(speaker="Ana", content="What did you have for dinner?", id="D1:3", said_at=MAY),
    NewTurn(speaker="Ben", content="Just soup and bread.", id="D1:4", said_at=MAY),
    NewTurn(speaker="Ana", content="My sister opened a bakery.", id="D2:1", said_at=MAY + timedelta(days=40)),
]


async def found(store: MemoryStore, caller: Caller, question: str) -> list[str]:
    return [one.turn.id for one in await store.recall_conversation(caller, question, conversation="talk")]


async def test_turns_are_found_by_words_by_answers_and_by_dates(store: MemoryStore, ada: Caller) -> None:
    await store.add_turns(ada, "talk", TALK)
    assert (await found(store, ada, "Where did they go climbing?"))[0] == "D1:2"
    assert "D1:4" in (await found(store, ada, "What did Ben have for dinner?"))[:2]
    assert (await found(store, ada, "What happened in June?"))[0] == "D2:1"


async def test_the_same_turns_again_change_nothing(store: MemoryStore, ada: Caller) -> None:
    first = await store.add_turns(ada, "talk", TALK[:3])
    again = await store.add_turns(ada, "talk", TALK)
    assert (first.positions, first.known) == ([0, 1, 2], 0)
    assert (again.positions, again.known) == ([3, 4], 3)


async def test_surroundings_and_facts_come_with_a_turn(store: MemoryStore, ada: Caller) -> None:
    await store.add_turns(ada, "talk", TALK)
    await store.remember(
        ada, NewMemory(content="Ben's hobby is climbing", conversation="talk", turns=["D1:2"])
    )
    best = (await store.recall_conversation(ada, "hobby climbing", conversation="talk", around=1))[0]
    assert best.turn.id == "D1:2"
    assert ([one.id for one in best.before], [one.id for one in best.after]) == (["D1:1"], ["D1:3"])
    assert [fact.content for fact in best.facts] == ["Ben's hobby is climbing"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(st.characters(), max_size=200), st.text("&|!:*()'\"\\<->%_\u200b a", max_size=40)))
async def test_any_text_is_a_question_of_conversations_and_memories(
    store: MemoryStore, ada: Caller, question: str
) -> None:
    """Also one without a word to look for: that is answered by meaning, or by nothing."""
    await store.add_turns(ada, "talk", TALK)
    await store.remember(ada, NewMemory(content="Ben climbs", conversation="talk", turns=["D1:2"]))
    assert len(await store.recall_conversation(ada, question, conversation="talk")) <= len(TALK)
    assert len(await store.recall(ada, question)) <= 1


async def test_an_unknown_conversation_names_those_there_are(store: MemoryStore, ada: Caller) -> None:
    await store.add_turns(ada, "talk", TALK)
    with pytest.raises(NotFound) as raised:
        await store.recall_conversation(ada, "x", conversation="talc")
    assert raised.value.candidates == ("talk",)
    stranger = Caller(user="U_EVE", kind="member")
    with pytest.raises(NotFound) as raised:
        await store.recall_conversation(stranger, "x", conversation="talk")
    assert raised.value.candidates == ()


async def test_blank_turns_are_refused_as_a_whole(store: MemoryStore, ada: Caller) -> None:
    with pytest.raises(InvalidInput, match="content"):
        await store.add_turns(ada, "talk", [TALK[0], NewTurn(speaker="Ben", content=" ")])
    assert (await store.add_turns(ada, "talk", TALK)).known == 0


@pytest.mark.parametrize("embeds", [True, False])
async def test_an_old_answer_is_found_in_a_conversation_beyond_what_is_ranked_whole(
    store: MemoryStore, ada: Caller, open_database: Any, monkeypatch: pytest.MonkeyPatch, *, embeds: bool
) -> None:
    """The same before and beyond the border, with a name that every turn has and words that many have."""
    monkeypatch.setattr(conversation_search, "RANKED_TURNS", 200)
    chosen = store if embeds else MemoryStore(await open_database("rookery_memory"), None)
    first = [
        NewTurn(speaker="Ben", content="Which painting hung in the hall?"),
        NewTurn(speaker="Ben", content="It showed a lighthouse, I think."),
    ]
    talk = [
        NewTurn(speaker="Ben", content=f"The weather of day {number} was like the hall of a station.")
        for number in range(600)
    ]
    question = "What did Ben say about the lighthouse painting in the hall, was it like a station?"
    for turns in (first, talk[:100], talk[100:]):
        await chosen.add_turns(ada, "talk", turns)
        found = await chosen.recall_conversation(ada, question, conversation="talk", limit=3, around=1)
        assert {one.turn.position for one in found[:2]} == {0, 1}
        assert len(await chosen.recall_conversation(ada, question, limit=50)) == (50 if turns != first else 2)
    assert await chosen.recall_conversation(ada, "", conversation="talk") == []


def test_a_pause_or_a_name_begins_another_sitting() -> None:
    def at(minutes: int) -> NewTurn:
        return NewTurn(speaker="a", content="b", said_at=MAY + timedelta(minutes=minutes))

    assert [one.session for one in place([at(0), at(30), at(200), at(210)], 0, None, None)] == [0, 0, 1, 1]
    named = [NewTurn(speaker="a", content="b", session=name) for name in ("one", "one", "two")]
    assert [one.session for one in place(named, 0, None, None)] == [0, 0, 1]


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("How are you?", True),
        ("元気ですか？", True),
        ("Really? Tell me!", True),
        ("I asked why? and then we went on to talk about many other things for hours.", False),
        ("Fine.", False),
    ],
)
def test_what_asks(text: str, asks: bool) -> None:
    assert ends_in_question(text) == asks


def test_names_are_kept_out_but_never_all_of_a_text() -> None:
    assert without_names("Ana's cat met Ben Ford", ["Ana", "Ben Ford"]).split() == ["cat", "met"]
    assert without_names("Ana", ["Ana"]) == "Ana"
    assert without_names("ask the user", ["user", "assistant"]) == "ask the user"
    assert without_names("will WILL", ["Will"], any_case=False) == "will WILL"


@given(st.integers(1, 30), st.integers(1, 5), st.data())
def test_any_signals_rank_between_0_and_1(turns: int, terms: int, data: st.DataObject) -> None:
    def numbers(low: float, high: float, count: int) -> list[float]:
        return data.draw(st.lists(st.floats(low, high, allow_nan=False), min_size=count, max_size=count))

    signals = TurnSignals(
        conversation=np.zeros(turns, dtype=np.int64),
        position=np.arange(turns, dtype=np.int64),
        session=np.sort(
            np.array(data.draw(st.lists(st.integers(0, 3), min_size=turns, max_size=turns)), dtype=np.int64)
        ),
        asks=np.array(data.draw(st.lists(st.booleans(), min_size=turns, max_size=turns))),
        lengths=np.array(numbers(0, 500, turns)),
        frequencies=np.array(numbers(0, 9, turns * terms)).round().reshape(turns, terms),
        similarity=np.array([value if value > -0.5 else np.nan for value in numbers(-1, 1, turns)]),
    )
    scores = rank_turns(signals, np.ones(terms), 0.4, np.array(numbers(0, 1, turns)))
    assert scores.shape == (turns,)
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= 1 + 1e-9)).all()
