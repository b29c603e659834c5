"""Compares the effect ledger of an answer with the messages in its thread.

A message of the bot that is newer than the intent belongs to an answer when its metadata say so or its ts is a receipt
in the ledger. A stream cannot carry metadata before it is stopped: a message with neither, which begins the answer to no
other question, is the part whose posting was begun and has no receipt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.thread import read_messages
from rookery.slack.errors import ThreadHidden
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.directory import Identity
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.web import SlackApi

Json = dict[str, Any]
RETRY_PAUSES_S = (0.3, 1.0, 2.0)
"""Pauses before the thread is read again: Slack may show a new message late."""


@dataclass(slots=True)
class ReplyState:
    """The answer as it is in the thread. parts: ts by number of the part; part 0 begins the answer.

    duplicates: further messages of the same parts. deleted: the first part has a receipt, but its message is gone.
    """

    parts: dict[int, str] = field(default_factory=dict[int, str])
    duplicates: list[str] = field(default_factory=list[str])
    complete: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class ReplyLedger:
    """The ledger of an answer. after_ts: the newest message of the thread before the answer was begun.

    receipts: ts by number of the part. in_doubt: the part with an intent and without a receipt; there is at most one,
    because parts are posted one after the other.
    """

    after_ts: str
    receipts: Mapping[int, str]
    in_doubt: int | None

    @classmethod
    def from_effects(cls, effects: Iterable[Json]) -> ReplyLedger | None:
        """The ledger; None when no answer was begun."""
        rows = {part: row for row in effects if (part := part_number(row["name"])) is not None}
        if 0 not in rows:
            return None
        receipts = {part: str(row["receipt"]["ts"]) for part, row in rows.items() if row["receipt"]}
        return cls(
            str(rows[0]["request"]["after_ts"]), receipts, min(rows.keys() - receipts.keys(), default=None)
        )


class ReplyReconciler:
    """Finds the messages of one answer."""

    def __init__(
        self,
        api: SlackApi,
        questions: QuestionStore,
        question: IncomingMessage,
        identity: Identity,
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
    ) -> None:
        self._api = api
        self._questions = questions
        self._question = question
        self._identity = identity
        self._retry_pauses_s = retry_pauses_s

    async def read_state(self, ledger: ReplyLedger) -> ReplyState:
        """The answer as Slack shows it now. Raises ThreadHidden when the bot may not read the thread."""
        state, sizes, unmarked = ReplyState(), set[int](), list[str]()
        part_by_ts = {ts: part for part, ts in ledger.receipts.items()}
        for message in await self._own_messages(ledger.after_ts):
            ts, mark = str(message["ts"]), _mark(message)
            if mark is not None and mark.get("question") == self._question.key:
                _add_part(state, ts, int(mark.get("part", 0)), ledger)
                sizes.add(int(mark.get("parts", 1)) if mark.get("state") == "final" else 0)
            elif ts in part_by_ts:
                state.parts[part_by_ts[ts]] = ts
            elif mark is None and not message.get("files"):
                unmarked.append(ts)
        # Only the first part can be without metadata, unless Slack shows none at all.
        if ledger.in_doubt is not None and not (ledger.in_doubt and sizes):
            await self._adopt_unmarked(state, unmarked, ledger.in_doubt)
        state.complete = any(sizes) and set(range(max(sizes))) <= set(state.parts)
        return state

    async def find_orphans(self, ledger: ReplyLedger) -> list[str]:
        """Messages that duplicate parts with receipts, streams that nobody will finish among them."""
        streaming = [
            str(message["ts"])
            for message in await self._own_messages(ledger.after_ts)
            if message.get("streaming_state") == "in_progress"
            and message["ts"] not in ledger.receipts.values()
        ]
        return [*(await self.read_state(ledger)).duplicates, *await self._unclaimed(streaming)]

    async def await_state(self, ledger: ReplyLedger) -> ReplyState:
        """Read until every part with an intent is shown, or the pauses are used up."""
        expected = {*ledger.receipts, *([] if ledger.in_doubt is None else [ledger.in_doubt])}
        state = await self.read_state(ledger)
        for pause in self._retry_pauses_s:
            if expected <= set(state.parts):
                break
            await asyncio.sleep(pause)
            state = await self.read_state(ledger)
        return state

    async def _adopt_unmarked(self, state: ReplyState, unmarked: list[str], part: int) -> None:
        """Take a message without metadata as this part. Of several the oldest stays, the others are duplicates."""
        if part not in state.parts and (candidates := await self._unclaimed(unmarked)):
            state.parts[part] = candidates[0]
            state.duplicates += candidates[1:]

    async def _unclaimed(self, messages: list[str]) -> list[str]:
        """The messages (ts) that begin the answer to no other question."""
        others = await self._questions.replies_to_others(self._question, messages) if messages else ()
        return [ts for ts in messages if ts not in others]

    async def _own_messages(self, after_ts: str) -> list[Json]:
        question = self._question
        try:
            thread = await read_messages(
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
            and self._identity.user
            == message.get("user", self._identity.user if self._is_own_bot(message) else None)
        ]

    def _is_own_bot(self, message: Json) -> bool:
        return bool(self._identity.bot_id) and message.get("bot_id") == self._identity.bot_id


def effect_name(part: int) -> str:
    """The name of a part's effect in the ledger."""
    return "reply" if part == 0 else f"part:{part}"


def part_number(name: str) -> int | None:
    """The part whose effect has this name; None for other effects."""
    if name == "reply":
        return 0
    kind, _, number = name.partition(":")
    return int(number) if kind == "part" else None


def _add_part(state: ReplyState, ts: str, part: int, ledger: ReplyLedger) -> None:
    """Add a message of a part. The one with the receipt stands for the part, else the oldest."""
    other = state.parts.setdefault(part, ts)
    if other != ts:
        kept, duplicate = (ts, other) if ts == ledger.receipts.get(part) else (other, ts)
        state.parts[part] = kept
        state.duplicates.append(duplicate)


def _mark(message: Json) -> Json | None:
    metadata: Json = message.get("metadata") or {}
    if not str(metadata.get("event_type", "")).startswith("rookery_"):
        return None
    return metadata.get("event_payload") or {}
