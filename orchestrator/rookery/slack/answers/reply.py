"""The one answer to a question, however often its workers die: intent, act, receipt, and a look in between.

Before anything is posted the intent is in the ledger; when Slack has answered, its timestamp is. A worker
that finds an intent without a receipt reads the thread before it does anything else, and finishes what it finds
(reconciler.py says how). Only when there is nothing does it post; Slack may show the first message after all, and so it looks
again in the end. When Slack does not show the thread, what has a receipt is edited; what has none may be there or not, so
nothing is posted, and whoever asked raises ThreadHidden.

A worker that was paused for longer than its lease may wake up and go on. Before whatever it writes it therefore asks
whether the question is still its own; and a post that turns out to be the second one is taken back by whoever made it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.reconciler import (
    LOOKS_S,
    ReplyLedger,
    ReplyReconciler,
    ReplyState,
    effect_of,
)
from rookery.slack.errors import ThreadHidden
from rookery.slack.event_types import IncomingMessage
from rookery.slack.people.directory import Identity
from rookery_core.queue import RetryLater
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery_core.queue import Effect
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
State = Literal["open", "final"]
EVENT_TYPE = "rookery_answer"
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PostedMessage:
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
        question: IncomingMessage,
        own: Identity,
        *,
        after_ts: str,
        hold: Callable[[], Awaitable[None]],
        looks_s: Sequence[float] = LOOKS_S,
    ) -> None:
        self._api = api
        self._effects = effects
        self._questions = questions
        self._question = question
        self._own = own
        self._after_ts = after_ts
        self._hold = hold
        self._owner = f"slack:{question.key}"
        self._finder = ReplyReconciler(api, questions, question, own, looks_s)
        self._doubtful = False

    # -- finding ----------------------------------------------------------------------------------------

    async def find(self) -> ReplyState:
        """What earlier attempts left in the thread."""
        ledger = await self._ledger()
        if ledger is None:
            return ReplyState()
        try:
            found = await self._finder.look_patiently(ledger)
        except ThreadHidden:
            if 0 not in ledger.receipts:
                raise
            return ReplyState(dict(ledger.receipts))
        await self._remove_surplus(found.surplus)
        if 0 in ledger.receipts:
            found.gone = 0 not in found.parts
        elif 0 in found.parts:
            effect = await self._effects.intend(self._owner, effect_of(0), {"after_ts": ledger.after_ts})
            await self._receipt(effect, found.parts[0])
            await self._questions.replied(self._question, found.parts[0])
        return found

    async def settle(self) -> None:
        """The answer is whole. Of what was posted in doubt the first may have shown up by now: it goes."""
        if self._doubtful and (ledger := await self._ledger()):
            await self._remove_surplus(await self._finder.orphans(ledger))

    async def _ledger(self) -> ReplyLedger | None:
        return ReplyLedger.of(await self._effects.of(self._owner))

    async def _remove_surplus(self, messages: Sequence[str]) -> None:
        for ts in messages:
            logger.warning("two answers in %s: %s goes", self._question.key, ts)
            await self._take_back(ts)

    # -- acting -----------------------------------------------------------------------------------------

    async def start_stream(self, text: str) -> PostedMessage:
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

    async def post(
        self, part: int, text: str, blocks: list[Json], state: State, parts: int = 1
    ) -> PostedMessage:
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

    async def _once(self, part: int, act: Callable[[], Awaitable[str]]) -> PostedMessage:
        await self._hold()
        effect = await self._effects.intend(self._owner, effect_of(part), {"after_ts": self._after_ts})
        if effect.state == "done":
            return PostedMessage(effect.receipt["ts"], fresh=False)
        posting = asyncio.ensure_future(self._act(effect, part, act))
        try:
            return await asyncio.shield(posting)
        except asyncio.CancelledError:
            # Nobody else will ever know what became of a call that is under way, and whether it was one too many.
            await asyncio.gather(posting, return_exceptions=True)
            raise

    async def _act(self, effect: Effect, part: int, act: Callable[[], Awaitable[str]]) -> PostedMessage:
        """Look for what an earlier intent left, else act; then the receipt."""
        ts = await self._left(part, patiently=False) if effect.state == "intended" else None
        fresh = ts is None
        if ts is None:
            self._doubtful = self._doubtful or effect.state == "intended"
            try:
                ts = await act()
            except (SlackRefused, SlackUnavailable):
                if effect.state == "new":  # it certainly did not happen
                    await self._hold()  # an intent that another worker shares by now is not ours to withdraw
                    await self._effects.withdraw(effect)
                raise
            except SlackUncertain:
                ts = await self._left(part, patiently=True)
                if ts is None:
                    raise
        await self._receipt(effect, ts)
        if part == 0:
            await self._questions.replied(self._question, ts)
        return PostedMessage(ts, fresh)

    async def _left(self, part: int, *, patiently: bool) -> str | None:
        """The message that was posted for a part, though nobody wrote down which it is."""
        ledger = await self._ledger()
        assert ledger is not None  # this part was intended
        look = self._finder.look_patiently if patiently else self._finder.look
        return (await look(ledger)).parts.get(part)

    async def _receipt(self, effect: Effect, ts: str) -> None:
        """Write down which message it is. Another worker may have been first with another one: that one stays."""
        kept = (await self._effects.receipt(effect, {"ts": ts})).receipt["ts"]
        if kept != ts:
            logger.warning("another worker answered %s meanwhile: %s goes", self._question.key, ts)
            await self._take_back(ts)
            raise RetryLater(0.0, "another worker answered at the same time", counts=False)

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

    async def remove(self, part: int, ts: str) -> None:
        """Delete a part of the answer; gone is gone. A later answer may need it again, unless it is the first."""
        await self._hold()
        if part:
            await self._effects.undo(self._owner, effect_of(part))
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
