"""Conversations with questions and the turns that answer them, in LoCoMo's or LongMemEval's format, plain or gzipped.

Chat logs name their fields in many ways; whoever spoke and what was said is found under any of the usual names.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from rookery_core.errors import InvalidInput

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
FORMAT = (
    'Each conversation is {"conversation": {"session_1": [{"speaker", "dia_id", "text"}], "session_1_date_time"}, '
    '"qa": [{"question", "evidence", "category"}]}, or {"question", "haystack_dates", '
    '"haystack_sessions": [[{"role", "content", "has_answer"}]]}.'
)
SPEAKER = ("speaker", "role", "name", "author", "user", "sender", "from")
TEXT = ("text", "content", "message", "utterance", "body")
ID = ("dia_id", "id", "turn_id", "message_id")
_ID = re.compile(r"D:?(\d+):(\d+)")
_DATES = ("%I:%M %p on %d %B, %Y", "%d %B, %Y", "%Y/%m/%d", "%Y/%m/%d (%a) %H:%M", "%Y/%m/%d %H:%M")


@dataclass(frozen=True, slots=True)
class Said:
    """A turn: its id, who said what in which session, and when that was, if known."""

    id: str
    speaker: str
    text: str
    session: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the ids of the turns that answer it."""

    text: str
    evidence: frozenset[str]
    category: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation. facts: sentences drawn from its turns, with the ids of these."""

    name: str
    turns: list[Said]
    questions: list[Question]
    facts: list[tuple[str, list[str]]]

    @property
    def speakers(self) -> list[str]:
        return sorted({turn.speaker for turn in self.turns})


def read(path: Path) -> list[Conversation]:
    """The conversations of a file; questions without evidence that exists are left out.

    Raises InvalidInput, which says what is wrong and where, for a file in another format.
    """
    conversations: list[Conversation] = []
    for number, entry in enumerate(_entries(path)):
        try:
            conversations.append(_conversation(entry, number))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"{path}: conversation {number} is not in LoCoMo's format ({type(error).__name__}: {error}).",
                hint=FORMAT,
            ) from None
    if not any(conversation.questions for conversation in conversations):
        raise InvalidInput(f"{path}: holds no question whose evidence names a turn in it.", hint=FORMAT)
    return [conversation for conversation in conversations if conversation.questions]


def _entries(path: Path) -> list[Any]:
    """The conversations of a list, of an object that holds them by name, or the one that stands alone."""
    try:
        data = path.read_bytes()
        document: Any = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read ({error.strerror or error}).") from None
    except (ValueError, EOFError) as error:
        raise InvalidInput(f"{path}: is not JSON ({error}).", hint=FORMAT) from None
    if isinstance(document, dict):
        table = cast(dict[str, Any], document)
        return [table] if {"conversation", "haystack_sessions"} & table.keys() else list(table.values())
    if isinstance(document, list):
        return cast(list[Any], document)
    raise InvalidInput(f"{path}: is neither a list nor an object of conversations.", hint=FORMAT)


def _conversation(entry: dict[str, Any], number: int) -> Conversation:
    if "haystack_sessions" in entry:
        return _haystack(entry, number)
    turns = [
        turn for name in _sessions(entry["conversation"]) for turn in _session(entry["conversation"], name)
    ]
    known = {turn.id for turn in turns}
    asked: list[dict[str, Any]] = entry.get("qa") or []
    questions = [_question(item, known) for item in asked if item.get("question")]
    return Conversation(
        name=str(entry.get("sample_id", number)),
        turns=turns,
        questions=[one for one in questions if one.evidence],
        facts=_facts(entry.get("observation") or {}, known),
    )


def _haystack(entry: dict[str, Any], number: int) -> Conversation:
    """One question about sessions of its own, whose turns say themselves whether they hold the answer."""
    dates: list[Any] = entry.get("haystack_dates") or []
    sessions: list[list[dict[str, Any]]] = entry["haystack_sessions"]
    turns: list[Said] = []
    evidence: set[str] = set()
    for place, session in enumerate(sessions, start=1):
        found = _turns(session, str(place), _date(dates[place - 1]) if place <= len(dates) else None)
        turns += found
        said = (turn for turn in session if _text(turn))
        evidence |= {own.id for own, turn in zip(found, said, strict=True) if turn.get("has_answer")}
    category = str(entry.get("question_type") or "all questions")
    asked = [Question(str(entry["question"]), frozenset(evidence), category)] if evidence else []
    return Conversation(str(entry.get("question_id", number)), turns, asked, [])


def _sessions(conversation: dict[str, Any]) -> list[str]:
    names = [name for name, value in conversation.items() if re.fullmatch(r"session_\d+", name) and value]
    return sorted(names, key=lambda name: int(name.rpartition("_")[2]))


def _session(conversation: dict[str, Any], name: str) -> list[Said]:
    at = _date(conversation.get(f"{name}_date_time"))
    return _turns(conversation[name], name.rpartition("_")[2], at)


def _turns(session: Sequence[dict[str, Any]], number: str, at: datetime | None) -> list[Said]:
    return [
        Said(
            str(_first(turn, ID) or f"D{number}:{place}"),
            str(_first(turn, SPEAKER) or "somebody"),
            text,
            f"session_{number}",
            at,
        )
        for place, turn in enumerate(session, start=1)
        if (text := _text(turn))
    ]


def _first(turn: dict[str, Any], names: Sequence[str]) -> Any:
    """What a turn has under the first of these names that it has."""
    return next((turn[name] for name in names if turn.get(name) not in (None, "")), None)


def _text(turn: dict[str, Any]) -> str:
    caption = turn.get("blip_caption")
    shared = f" [shares a photo: {caption}]" if caption else ""
    return (str(_first(turn, TEXT) or "") + shared).strip()


def _date(text: str | None) -> datetime | None:
    for form in _DATES:
        try:
            return datetime.strptime(str(text).strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        parsed = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _question(item: dict[str, Any], known: set[str]) -> Question:
    evidence_told: Any = item.get("evidence") or []
    listed = cast(list[Any], evidence_told if isinstance(evidence_told, list) else [evidence_told])
    evidence = frozenset(one for text in listed for one in _ids(str(text), known))
    category = item.get("category")
    named = CATEGORIES.get(category, str(category)) if isinstance(category, int) else str(category)
    return Question(str(item["question"]), evidence, named)


def _ids(text: str, known: set[str]) -> list[str]:
    """The ids in a piece of evidence; some name several, or write them a little differently."""
    if text in known:
        return [text]
    return [one for match in _ID.finditer(text) if (one := f"D{int(match[1])}:{int(match[2])}") in known]


def _facts(observation: dict[str, Any], known: set[str]) -> list[tuple[str, list[str]]]:
    facts: list[tuple[str, list[str]]] = []
    for by_speaker in observation.values():
        for entries in by_speaker.values():
            for fact, evidence in entries:
                sources = cast(list[Any], evidence if isinstance(evidence, list) else [evidence])
                facts.append((str(fact), [one for text in sources for one in _ids(str(text), known)]))
    return facts
