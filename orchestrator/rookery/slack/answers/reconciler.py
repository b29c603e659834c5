"""What of an answer is in its thread. Every message of the bot there, newer than the intent, is told by its metadata, else
by the receipt in the ledger; what has neither (a stream cannot carry metadata before it is stopped) and answers no
other question is the part whose posting was begun and not written down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.thread import pages_of_thread
from rookery.slack.errors import ThreadHidden
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.directory import Identity
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.web import SlackApi

Json = dict[str, Any]
LOOKS_S = (0.3, 1.0, 2.0)
"""Pauses before another look for a message that Slack may be about to show."""


@dataclass(slots=True)
class ReplyState:
    """What of the answer is in the thread. parts: number of the part to ts; part 0 begins the answer.

    surplus: further messages of the same parts, which nobody should have posted.
    """

    parts: dict[int, str] = field(default_factory=dict[int, str])
    surplus: list[str] = field(default_factory=list[str])
    complete: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ReplyLedger:
    """What was written down of an answer. after_ts: the newest message of the thread before it was begun.

    receipts: number of the part to the ts of its message. missing: the part whose posting was begun and not written
    down; there is one at most, since parts follow one another.
    """

    after_ts: str
    receipts: Mapping[int, str]
    missing: int | None

    @classmethod
    def of(cls, effects: Iterable[Json]) -> ReplyLedger | None:
        """None when nothing was begun."""
        rows = {part: row for row in effects if (part := part_of(row["name"])) is not None}
        if 0 not in rows:
            return None
        receipts = {part: str(row["receipt"]["ts"]) for part, row in rows.items() if row["receipt"]}
        return cls(
            str(rows[0]["request"]["after_ts"]), receipts, min(rows.keys() - receipts.keys(), default=None)
        )


class ReplyReconciler:
    """Looks for the messages of one answer."""

    def __init__(
        self,
        api: SlackApi,
        questions: QuestionStore,
        question: IncomingMessage,
        own: Identity,
        looks_s: Sequence[float] = LOOKS_S,
    ) -> None:
        self._api = api
        self._questions = questions
        self._question = question
        self._own = own
        self._looks_s = looks_s

    async def look(self, ledger: ReplyLedger) -> ReplyState:
        """What Slack shows now. Raises ThreadHidden when it does not let the bot look."""
        found, sizes, unmarked = ReplyState(), set[int](), list[str]()
        whose = {ts: part for part, ts in ledger.receipts.items()}
        for message in await self._own_messages(ledger.after_ts):
            ts, mark = str(message["ts"]), _mark(message)
            if mark is not None and mark.get("question") == self._question.key:
                _count(ts, int(mark.get("part", 0)), found, ledger)
                sizes.add(int(mark.get("parts", 1)) if mark.get("state") == "final" else 0)
            elif ts in whose:
                found.parts[whose[ts]] = ts
            elif mark is None and not message.get("files"):
                unmarked.append(ts)
        # The parts after the first bear a mark from their beginning, where Slack shows any.
        if ledger.missing is not None and not (ledger.missing and sizes):
            await self._adopt(unmarked, ledger.missing, found)
        found.complete = any(sizes) and set(range(max(sizes))) <= set(found.parts)
        return found

    async def orphans(self, ledger: ReplyLedger) -> list[str]:
        """Messages of an answer with receipts that nobody will finish: what has a receipt was posted in their place."""
        streaming = [
            str(message["ts"])
            for message in await self._own_messages(ledger.after_ts)
            if message.get("streaming_state") == "in_progress"
            and message["ts"] not in ledger.receipts.values()
        ]
        return [*(await self.look(ledger)).surplus, *await self._nobodys(streaming)]

    async def look_patiently(self, ledger: ReplyLedger) -> ReplyState:
        """Look until everything is there that should or may be: Slack shows what was just posted late at times."""
        expected = {*ledger.receipts, *([] if ledger.missing is None else [ledger.missing])}
        found = await self.look(ledger)
        for pause in self._looks_s:
            if expected <= set(found.parts):
                break
            await asyncio.sleep(pause)
            found = await self.look(ledger)
        return found

    async def _adopt(self, unmarked: list[str], part: int, found: ReplyState) -> None:
        """Take the bot's own unmarked message as this part. Of several the oldest stays, the others go."""
        if part not in found.parts and (candidates := await self._nobodys(unmarked)):
            found.parts[part] = candidates[0]
            found.surplus += candidates[1:]

    async def _nobodys(self, messages: list[str]) -> list[str]:
        """Those that answer no other question."""
        taken = await self._questions.answers_of_others(self._question, messages) if messages else ()
        return [ts for ts in messages if ts not in taken]

    async def _own_messages(self, after_ts: str) -> list[Json]:
        question = self._question
        try:
            thread = await pages_of_thread(
                self._api, question.channel, question.thread_ts, oldest=after_ts, metadata=True
            )
        except SlackRefused as refused:
            if refused.reason == "thread_not_found":
                return []
            raise ThreadHidden(refused.method, refused.reason) from None
        return [
            message
            for message in thread
            if float(message["ts"]) > float(after_ts)
            and self._own.user == message.get("user", self._own.user if self._is_own_bot(message) else None)
        ]

    def _is_own_bot(self, message: Json) -> bool:
        return bool(self._own.bot_id) and message.get("bot_id") == self._own.bot_id


def effect_of(part: int) -> str:
    """The name of a part in the ledger."""
    return "reply" if part == 0 else f"part:{part}"


def part_of(name: str) -> int | None:
    """The part that an effect is, None for another effect."""
    if name == "reply":
        return 0
    kind, _, number = name.partition(":")
    return int(number) if kind == "part" else None


def _count(ts: str, part: int, found: ReplyState, ledger: ReplyLedger) -> None:
    """One message stands for each part: the one with the receipt, else the oldest."""
    other = found.parts.setdefault(part, ts)
    if other != ts:
        kept, surplus = (ts, other) if ts == ledger.receipts.get(part) else (other, ts)
        found.parts[part] = kept
        found.surplus.append(surplus)


def _mark(message: Json) -> Json | None:
    metadata: Json = message.get("metadata") or {}
    if not str(metadata.get("event_type", "")).startswith("rookery_"):
        return None
    return metadata.get("event_payload") or {}
