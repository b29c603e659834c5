"""The messages of one day of an export, as facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from rookery_ingest.slack.cleaning import is_storable
from rookery_ingest.slack.events import event_facts
from rookery_ingest.slack.export.jsonarrays import Damaged, elements
from rookery_ingest.slack.export.report import Report
from rookery_ingest.slack.messages import message_facts
from rookery_slack.observations import Observations, Source

_EVENTS = frozenset({"message_changed", "message_deleted", "message_replied"})
LONG_TEXT = 40_000


def day_facts(
    data: bytes, name: str, channel: str, snapshot_at: datetime, report: Report
) -> Iterator[Observations]:
    """Each message of the day; what cannot be stored is reported. Raises nothing."""
    try:
        for raw in elements(data):
            facts = _facts(raw, name, channel, snapshot_at, report)
            if facts is not None:
                yield facts
    except Damaged as error:
        report.skip(f"rest of a day's file: {error}", name)


def _facts(raw: Any, name: str, channel: str, snapshot_at: datetime, report: Report) -> Observations | None:
    if not isinstance(raw, dict):
        report.skip("entry that is not a message", name)
        return None
    message = cast("dict[str, Any]", raw)
    if message.get("type", "message") != "message":
        report.skip(f"entry of type {message.get('type')!r}, not a message", name)
        return None
    report.messages += 1
    try:
        facts = _read(message, channel, snapshot_at)
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        report.messages -= 1
        report.skip(f"message that is not as Slack writes them ({type(error).__name__})", name)
        return None
    if facts is None:
        report.messages -= 1
        report.skip("message without a usable ts", name)
        return None
    _count(message, facts, name, report)
    return facts


def _read(message: Mapping[str, Any], channel: str, snapshot_at: datetime) -> Observations | None:
    if message.get("subtype") in _EVENTS:
        return event_facts({**message, "type": "message", "channel": channel}, snapshot_at)
    return message_facts(message, channel, source=Source.SNAPSHOT, snapshot_at=snapshot_at)


def _count(message: Mapping[str, Any], facts: Observations, name: str, report: Report) -> None:
    report.reactions += len(facts.reactions)
    report.files += sum(len((each.content or {}).get("files", ())) for each in facts.messages)
    report.deleted += len(facts.deletions)
    for oddity in (*_oddities_of_text(message), *_oddities_around_it(message, facts)):
        report.note(oddity, name)


def _oddities_of_text(message: Mapping[str, Any]) -> Iterator[str]:
    text = message.get("text")
    if not isinstance(text, str):
        return
    if not is_storable(text):
        yield "NUL or half of a surrogate pair in a text, replaced by U+FFFD"
    if len(text) > LONG_TEXT:
        yield f"text longer than Slack's {LONG_TEXT:,} characters"


def _oddities_around_it(message: Mapping[str, Any], facts: Observations) -> Iterator[str]:
    if "file" in message or "comment" in message:
        yield "file in the form of before 2018"
    if facts.messages and facts.messages[0].author is None:
        yield "message without an author"
    if any(each.get("count", 0) > len(each.get("users") or ()) for each in message.get("reactions") or ()):
        yield "reactions whose people are not all listed"
    if any(file.get("mode") == "tombstone" for file in message.get("files") or ()):
        yield "file that was deleted in Slack"
