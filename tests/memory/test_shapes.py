"""Conversations of every shape: whoever speaks, however long, with dates or without, the answer is found."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.memory.conversations import read

from rookery_core.errors import InvalidInput
from rookery_core.identity import Caller
from rookery_memory.records import NewTurn
from rookery_memory.store import MemoryStore

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WORDS = """
train platform ticket dentist guitar recipe pepper oven laptop charger meeting budget invoice garden tomato football
match weather storm novel chapter cinema actor jacket colour painting museum river hiking boots camera lens mortgage
"""
TOPICS = WORDS.split()
ANSWER = "In the end we called our dog Biscuit, because of her fur."
QUESTION = "What is the name of the dog?"


def small_talk(chance: random.Random, words: int = 14) -> str:
    return f"I thought about the {' and the '.join(chance.choices(TOPICS, k=words // 3))} again."


def friends(chance: random.Random) -> list[NewTurn]:
    """Two people with names, in sittings of their own days."""
    return [
        NewTurn(
            speaker=("Ana", "Ben")[at % 2], content=small_talk(chance), said_at=START + timedelta(hours=at)
        )
        for at in range(120)
    ]


def assistant(chance: random.Random) -> list[NewTurn]:
    """Short questions and very long answers, without dates."""
    return [
        NewTurn(speaker="user", content=small_talk(chance))
        if at % 2 == 0
        else NewTurn(speaker="assistant", content=" ".join(small_talk(chance) for _ in range(120)))
        for at in range(120)
    ]


def channel(chance: random.Random) -> list[NewTurn]:
    """Thirty people, whose names are words too, talking at once."""
    people = [name.title() for name in TOPICS[:30]]
    return [
        NewTurn(
            speaker=chance.choice(people), content=small_talk(chance), said_at=START + timedelta(minutes=at)
        )
        for at in range(200)
    ]


def diary(chance: random.Random) -> list[NewTurn]:
    """One who speaks alone, a sitting a day, by name only."""
    return [
        NewTurn(speaker="me", content=small_talk(chance, 60), session=f"day {at // 4}") for at in range(120)
    ]


def out_of_order(chance: random.Random) -> list[NewTurn]:
    """Dates that come and go, and ids that are anything."""
    turns = friends(chance)
    return [
        NewTurn(
            speaker=turn.speaker,
            content=turn.content,
            id=f"#{at}/ü\u202e",
            said_at=turn.said_at if chance.random() < 0.5 else None,
        )
        for at, turn in enumerate(chance.sample(turns, len(turns)))
    ]


@pytest.mark.parametrize("shape", [friends, assistant, channel, diary, out_of_order])
@pytest.mark.parametrize("inside", ["alone", "in a long turn"])
async def test_the_answer_is_found_in_any_shape(
    store: MemoryStore, ada: Caller, shape: Callable[[random.Random], list[NewTurn]], inside: str
) -> None:
    chance = random.Random(5)
    turns = shape(chance)
    at = len(turns) // 3
    around = "" if inside == "alone" else " ".join(small_talk(chance) for _ in range(400))
    turns[at] = NewTurn(
        speaker=turns[at].speaker,
        content=f"{around} {ANSWER} {around}",
        id=turns[at].id,
        said_at=turns[at].said_at,
        session=turns[at].session,
    )
    await store.add_turns(ada, "talk", turns)
    found = await store.recall_conversation(ada, QUESTION, conversation="talk", limit=3, around=1)
    assert at in [one.turn.position for one in found]


LONG_MEMORY: dict[str, Any] = {
    "question_id": "q1", "question_type": "single-session-user", "question": QUESTION,
    "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/30 (Tue) 23:40"],
    "haystack_sessions": [
        [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": ""}],
        [{"role": "user", "content": ANSWER, "has_answer": True}, {"role": "assistant", "content": "Nice."}],
    ],
}  # fmt: skip
CHAT_LOG: dict[str, Any] = {
    "conversation": {
        "session_1_date_time": "2023-05-20T02:21:00Z",
        "session_1": [{"name": "Ana", "message": "Hello", "id": "m1"}, {"author": "Ben", "body": ANSWER, "id": "m2"}],
    },
    "qa": [{"question": QUESTION, "evidence": ["m2"], "category": "names"}],
}  # fmt: skip


@pytest.mark.parametrize(("entry", "speaker", "category"), [
    (LONG_MEMORY, "user", "single-session-user"), (CHAT_LOG, "Ben", "names"),
])  # fmt: skip
def test_other_formats_of_judged_conversations_are_read(
    tmp_path: Path, entry: dict[str, Any], speaker: str, category: str
) -> None:
    for written in (entry, [entry], {"one": entry}):
        file = tmp_path / "set.json"
        file.write_text(json.dumps(written))
        (conversation,) = read(file)
        (question,) = conversation.questions
        (answer,) = [turn for turn in conversation.turns if turn.id in question.evidence]
        assert (answer.text, answer.speaker, question.category) == (ANSWER, speaker, category)
        assert answer.at is not None
        assert answer.at.year == 2023


def test_a_set_without_a_judged_turn_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "set.json"
    file.write_text(json.dumps([{**LONG_MEMORY, "haystack_sessions": [[{"role": "user", "content": "x"}]]}]))
    with pytest.raises(InvalidInput, match="no question"):
        read(file)
    file.write_text(json.dumps([{**LONG_MEMORY, "haystack_sessions": "none"}]))
    with pytest.raises(InvalidInput, match="conversation 0"):
        read(file)
