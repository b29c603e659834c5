"""The messages of one day of an export, as facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from rookery_ingest.slack.cleaning import is_storable
from rookery_ingest.slack.events import event_facts
from rookery_ingest.slack.export.jsonarrays import Damaged, elements
from rookery_ingest.slack.export.report import Report
from rookery_ingest.slack.messages import message_facts
from rookery_slack.observations import Observations, Source
from rookery_slack.plausible_times import DATED_AHEAD, plausible_observations
from rookery_slackapi.message_text.shapes import mappings

_EVENTS = frozenset({"message_changed", "message_deleted", "message_replied"})
_LISTS = ("blocks", "attachments", "files", "reactions")
LONG_TEXT = 40_000
MAX_SHOWN = 40
"""Characters of a foreign value that a report repeats."""


@dataclass(slots=True)
class DayReader:
    """Reads the messages of a day, and counts and names in `report` what is left out or odd.

    snapshot_at: when the export was made. latest: the last moment that a message may name. dated_ahead: the messages
    that name a later one, as they are.
    """

    name: str
    channel: str
    snapshot_at: datetime
    latest: datetime
    report: Report
    dated_ahead: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def observations(self, data: bytes) -> Iterator[Observations]:
        """Each message of the day. Raises nothing."""
        try:
            for raw in elements(data):
                observations = self._read(raw)
                if observations is not None:
                    yield observations
        except Damaged as error:
            self.report.skip(f"rest of a day's file: {error}", self.name)

    def _read(self, raw: Any) -> Observations | None:
        if not isinstance(raw, dict):
            self._skip("entry that is not a message")
            return None
        message = cast("dict[str, Any]", raw)
        kind = message.get("type", "message")
        if kind != "message":
            self._skip(f"entry of type {str(kind)[:MAX_SHOWN]!r}, not a message")
            return None
        try:
            observations = self._converted(message)
            if observations is None:
                self._skip("message without a usable ts")
                return None
            plausible = self._plausible(message, observations)
            if plausible is not None:
                self._count(message, plausible)
            return plausible
        except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
            self._skip(f"message that is not as Slack writes them ({type(error).__name__})")
            return None

    def _skip(self, reason: str) -> None:
        self.report.skip(reason, self.name)

    def _converted(self, message: Mapping[str, Any]) -> Observations | None:
        if message.get("subtype") in _EVENTS:
            return event_facts({**message, "type": "message", "channel": self.channel}, self.snapshot_at)
        return message_facts(message, self.channel, source=Source.SNAPSHOT, snapshot_at=self.snapshot_at)

    def _plausible(self, message: dict[str, Any], observations: Observations) -> Observations | None:
        plausible, odd = plausible_observations(observations, self.latest)
        if not odd:
            return observations
        if observations.messages and plausible.messages:
            self.report.note(f"message with an edit or a thread {DATED_AHEAD}, taken without it", self.name)
            return plausible
        self.dated_ahead.append(message)
        self._skip(f"message {DATED_AHEAD}, kept aside")
        return None

    def _count(self, message: Mapping[str, Any], observations: Observations) -> None:
        oddities = [*_oddities_of_text(message), *_oddities_around_it(message, observations)]
        self.report.messages += 1
        self.report.reactions += len(observations.reactions)
        self.report.files += sum(len((m.content or {}).get("files", ())) for m in observations.messages)
        self.report.deleted += len(observations.deletions)
        for oddity in oddities:
            self.report.note(oddity, self.name)


def _oddities_of_text(message: Mapping[str, Any]) -> Iterator[str]:
    text = message.get("text")
    if not isinstance(text, str):
        return
    if not is_storable(text):
        yield "NUL or half of a surrogate pair in a text, replaced by U+FFFD"
    if len(text) > LONG_TEXT:
        yield f"text longer than Slack's {LONG_TEXT:,} characters"


def _oddities_around_it(message: Mapping[str, Any], observations: Observations) -> Iterator[str]:
    if "file" in message or "comment" in message:
        yield "file in the form of before 2018"
    if observations.messages and observations.messages[0].author is None:
        yield "message without an author"
    if any(_is_misshapen(message[name]) for name in _LISTS if message.get(name)):
        yield "message with a part that is not as Slack writes them, taken without it"
    if any(_lists_too_few(reaction) for reaction in mappings(message.get("reactions"))):
        yield "reactions whose people are not all listed"
    if any(file.get("mode") == "tombstone" for file in mappings(message.get("files"))):
        yield "file that was deleted in Slack"


def _is_misshapen(value: object) -> bool:
    return not isinstance(value, list) or len(mappings(cast("list[Any]", value))) < len(
        cast("list[Any]", value)
    )


def _lists_too_few(reaction: Mapping[str, Any]) -> bool:
    count, people = reaction.get("count"), reaction.get("users")
    listed = len(cast("list[Any]", people)) if isinstance(people, list) else 0
    return isinstance(count, int) and count > listed
