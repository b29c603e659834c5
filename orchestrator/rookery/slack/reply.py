"""The one answer to a question, however often its workers die: intent, act, receipt, and a look in between.

Before anything is posted the intent is in the ledger; when Slack has answered, its timestamp is. A worker
that finds an intent without a receipt reads the thread before it does anything else. What it looks for: a message
of the bot, newer than the intent, that carries this question's metadata; or one without any metadata of ours (a
stream cannot carry metadata before it is stopped) that is not known as the answer to another question. It
finishes what it finds. Only when there is nothing does it post. When Slack does not show the thread, what has a receipt
is edited; what has none may be there or not, so nothing is posted, and whoever asked raises ThreadHidden.

A worker that was paused for longer than its lease may wake up and go on. Before whatever it writes it therefore asks
whether the question is still its own; and a post that turns out to be the second one is taken back by whoever made it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rookery.slack.api import SlackApi
from rookery.slack.directory import Identity
from rookery.slack.errors import SlackRefused, SlackUnavailable, SlackUncertain, ThreadHidden
from rookery.slack.incoming import Written
from rookery.slack.questions import QuestionStore
from rookery.slack.thread import pages_of_thread
from rookery_core.queue import RetryLater
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery_core.queue import Effect
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
State = Literal["open", "final"]
EVENT_TYPE = "rookery_answer"
_LOOKS_S = (0.3, 1.0, 2.0)
"""Pauses before looking for a post whose answer got lost: Slack may still be about to show it."""
_log = get_logger(__name__)


@dataclass(slots=True)
class Found:
    """What of the answer is in the thread. parts: number of the part to ts; part 0 begins the answer.

    surplus: further messages of the same parts, which nobody should have posted.
    """

    parts: dict[int, str] = field(default_factory=dict[int, str])
    surplus: list[str] = field(default_factory=list[str])
    complete: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A message of the answer. fresh: this call posted it, so that its text is what the call said."""

    ts: str
    fresh: bool


class Reply:
    """Posts, finds and edits the messages of one answer. `hold` raises when the lease on the question is gone."""

    def __init__(
        self,
        api: SlackApi,
        effects: Effects,
        questions: QuestionStore,
        question: Written,
        own: Identity,
        *,
        after_ts: str,
        hold: Callable[[], Awaitable[None]],
    ) -> None:
        self._api = api
        self._effects = effects
        self._questions = questions
        self._question = question
        self._own = own
        self._after_ts = after_ts
        self._hold = hold
        self._owner = f"slack:{question.key}"

    # -- finding ----------------------------------------------------------------------------------------

    async def find(self) -> Found:
        """What earlier attempts left in the thread."""
        effects = {row["name"]: row for row in await self._effects.of(self._owner)}
        main = effects.get(_name(0))
        if main is None:
            return Found()
        receipt: Json | None = main["receipt"]
        try:
            found = await self._look(
                str(main["request"]["after_ts"]), known=receipt["ts"] if receipt else None
            )
        except ThreadHidden:
            if receipt is None:
                raise
            return Found(_receipted(effects))
        for ts in found.surplus:
            _log.warning("two answers in %s: %s goes", self._question.key, ts)
            await self._take_back(ts)
        if receipt and 0 not in found.parts:
            found.gone = True
        elif 0 in found.parts and not receipt:
            effect = await self._effects.intend(self._owner, _name(0), main["request"])
            await self._receipt(effect, found.parts[0])
            await self._questions.replied(self._question, found.parts[0])
        return found

    async def _look(self, after_ts: str, known: str | None) -> Found:
        messages = await self._own_messages(after_ts)
        found, sizes, unmarked = Found(), set[int](), list[str]()
        for message in messages:
            mark = self._mark(message)
            if mark is not None and mark.get("question") == self._question.key:
                self._count(message["ts"], int(mark.get("part", 0)), found, known)
                if mark.get("state") == "final":
                    sizes.add(int(mark.get("parts", 1)))
            elif message["ts"] == known:
                found.parts[0] = message["ts"]
            elif mark is None and not message.get("files"):
                unmarked.append(message["ts"])
        if 0 not in found.parts and unmarked:
            await self._adopt(unmarked, found)
        found.complete = bool(sizes) and set(range(max(sizes))) <= set(found.parts)
        return found

    def _count(self, ts: str, part: int, found: Found, known: str | None) -> None:
        """One message stands for each part: the one with the receipt, else the oldest."""
        other = found.parts.setdefault(part, ts)
        if other != ts:
            kept, surplus = (ts, other) if ts == known else (other, ts)
            found.parts[part] = kept
            found.surplus.append(surplus)

    async def _adopt(self, unmarked: list[str], found: Found) -> None:
        """Take the bot's own unfinished message as this answer's. Of several the oldest stays, the others go."""
        taken = await self._questions.answers_of_others(self._question, unmarked)
        candidates = [ts for ts in unmarked if ts not in taken]
        if not candidates:
            return
        found.parts[0] = candidates[0]
        found.surplus += candidates[1:]

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

    def _mark(self, message: Json) -> Json | None:
        metadata: Json = message.get("metadata") or {}
        if not str(metadata.get("event_type", "")).startswith("rookery_"):
            return None
        return metadata.get("event_payload") or {}

    # -- acting -----------------------------------------------------------------------------------------

    async def start_stream(self, text: str) -> Placed:
        """Begin the answer as a stream."""
        question = self._question

        async def start() -> str:
            answer = await self._api(
                "chat.startStream",
                wait=False,
                channel=question.channel,
                thread_ts=question.thread_ts,
                markdown_text=text,
                recipient_user_id=question.user,
                recipient_team_id=question.user_team or self._own.team,
            )
            return str(answer["ts"])

        return await self._once(0, start)

    async def post(self, part: int, text: str, blocks: list[Json], state: State, parts: int = 1) -> Placed:
        """Post a part of the answer, unless it is there."""

        async def send() -> str:
            answer = await self._api(
                "chat.postMessage",
                channel=self._question.channel,
                thread_ts=self._question.thread_ts,
                text=text,
                blocks=blocks,
                metadata=self.metadata(part, state, parts),
                unfurl_links=False,
                unfurl_media=False,
            )
            return str(answer["ts"])

        return await self._once(part, send)

    async def _once(self, part: int, act: Callable[[], Awaitable[str]]) -> Placed:
        await self._hold()
        effect = await self._effects.intend(self._owner, _name(part), {"after_ts": self._after_ts})
        if effect.state == "done":
            return Placed(effect.receipt["ts"], fresh=False)
        posting = asyncio.ensure_future(self._act(effect, part, act))
        try:
            return await asyncio.shield(posting)
        except asyncio.CancelledError:
            # Nobody else will ever know what became of a call that is under way, and whether it was one too many.
            await asyncio.gather(posting, return_exceptions=True)
            raise

    async def _act(self, effect: Effect, part: int, act: Callable[[], Awaitable[str]]) -> Placed:
        """Look for what an earlier intent left, else act; then the receipt."""
        ts: str | None = None
        if effect.state == "intended":
            ts = (await self._look(str(effect.request["after_ts"]), None)).parts.get(part)
        fresh = ts is None
        if ts is None:
            try:
                ts = await act()
            except (SlackRefused, SlackUnavailable):
                if effect.state == "new":  # it certainly did not happen
                    await self._hold()  # an intent that another worker shares by now is not ours to withdraw
                    await self._effects.withdraw(effect)
                raise
            except SlackUncertain:
                ts = await self._appeared(part)
                if ts is None:
                    raise
        await self._receipt(effect, ts)
        if part == 0:
            await self._questions.replied(self._question, ts)
        return Placed(ts, fresh)

    async def _receipt(self, effect: Effect, ts: str) -> None:
        """Write down which message it is. Another worker may have been first with another one: that one stays."""
        kept = (await self._effects.receipt(effect, {"ts": ts})).receipt["ts"]
        if kept != ts:
            _log.warning("another worker answered %s meanwhile: %s goes", self._question.key, ts)
            await self._take_back(ts)
            raise RetryLater(0.0, "another worker answered at the same time", counts=False)

    async def _appeared(self, part: int) -> str | None:
        for pause in _LOOKS_S:
            await asyncio.sleep(pause)
            found = await self._look(self._after_ts, None)
            if part in found.parts:
                return found.parts[part]
        return None

    async def append(self, ts: str, text: str) -> None:
        await self._api(
            "chat.appendStream", wait=False, channel=self._question.channel, ts=ts, markdown_text=text
        )

    async def end_stream(
        self,
        ts: str,
        state: State,
        *,
        text: str | None = None,
        blocks: list[Json] | None = None,
        parts: int = 1,
    ) -> bool:
        """Stop the stream. False when the message is not streaming (any more)."""
        await self._hold()
        return await self._end_stream(
            ts, markdown_text=text or None, blocks=blocks, metadata=self.metadata(0, state, parts)
        )

    async def _end_stream(self, ts: str, **content: Any) -> bool:
        try:
            await self._api("chat.stopStream", channel=self._question.channel, ts=ts, **content)
        except SlackRefused as refused:
            if refused.reason in ("message_not_in_streaming_state", "message_not_found", "stopped_by_user"):
                return False
            raise
        except SlackUncertain:
            # Whatever happened, the message is edited next, which works only once the stream has ended.
            return False
        return True

    async def edit(
        self,
        ts: str,
        text: str,
        blocks: list[Json],
        state: State,
        *,
        part: int = 0,
        parts: int = 1,
        wait: bool = True,
    ) -> None:
        """Replace a message of the answer. One that still streams is stopped first."""
        await self._hold()
        metadata = self.metadata(part, state, parts)
        try:
            await self._edit(ts, text, blocks, metadata, wait)
        except SlackRefused as refused:
            if refused.reason != "streaming_state_conflict":
                raise
            await self.end_stream(ts, "open")
            await self._edit(ts, text, blocks, metadata, wait)

    async def _edit(self, ts: str, text: str, blocks: list[Json], metadata: Json, wait: bool) -> None:
        channel = self._question.channel
        await self._api(
            "chat.update", wait=wait, channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata
        )

    async def remove(self, ts: str) -> None:
        """Delete one of the bot's messages; gone is gone."""
        await self._hold()
        await self._take_back(ts)

    async def _take_back(self, ts: str) -> None:
        """Remove a message, whoever holds the lease now. Slack deletes none that streams, so that is ended first."""
        await self._end_stream(ts)
        try:
            await self._api("chat.delete", channel=self._question.channel, ts=ts)
        except SlackRefused as refused:
            if refused.reason not in ("message_not_found", "cant_delete_message"):
                raise

    def metadata(self, part: int, state: State, parts: int) -> Json:
        payload = {"question": self._question.key, "part": part, "parts": parts, "state": state}
        return {"event_type": EVENT_TYPE, "event_payload": payload}


def _name(part: int) -> str:
    return "reply" if part == 0 else f"part:{part}"


def _receipted(effects: Mapping[str, Json]) -> dict[int, str]:
    """The parts of which Slack said that it has them: number to ts."""
    parts = {0: effects.get("reply")}
    parts |= {
        int(name.removeprefix("part:")): row for name, row in effects.items() if name.startswith("part:")
    }
    return {part: row["receipt"]["ts"] for part, row in parts.items() if row and row["receipt"]}
