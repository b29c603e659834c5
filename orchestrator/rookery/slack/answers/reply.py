"""The one answer to a question, even when its workers die: intent, post, receipt, and a check in between.

The intent is in the effect ledger before anything is posted; the message's timestamp is its receipt. A worker that finds
an intent without a receipt reads the thread first and continues what it finds (see reconciler.py). It posts only when the
thread holds nothing; because Slack may show a message late, it checks once more at the end. When the bot may not read the
thread, a part with a receipt is edited; a part in doubt is not posted again, and ThreadHidden is raised.

A worker that was paused for longer than its lease may wake up and continue. Before each write it therefore extends the
lease, which fails when another worker has the question; and a worker whose post turns out to be the second one deletes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from rookery.slack.answers.questions import QuestionStore
from rookery.slack.answers.reconciler import (
    RETRY_PAUSES_S,
    ReplyLedger,
    ReplyReconciler,
    ReplyState,
    effect_name,
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
    """A message of the answer. fresh: this call posted it, so it shows this call's text."""

    ts: str
    fresh: bool


class Reply:
    """Posts, finds and edits the messages of one answer. hold: extends the lease; raises LeaseLost when it is gone."""

    def __init__(
        self,
        api: SlackApi,
        effects: Effects,
        questions: QuestionStore,
        question: IncomingMessage,
        identity: Identity,
        *,
        after_ts: str,
        hold: Callable[[], Awaitable[None]],
        retry_pauses_s: Sequence[float] = RETRY_PAUSES_S,
    ) -> None:
        self._api = api
        self._effects = effects
        self._questions = questions
        self._question = question
        self._identity = identity
        self._after_ts = after_ts
        self._hold = hold
        self._owner = f"slack:{question.key}"
        self._reconciler = ReplyReconciler(api, questions, question, identity, retry_pauses_s)
        self._in_doubt = False

    # -- reconciling ----------------------------------------------------------------------------------------

    async def reconcile(self) -> ReplyState:
        """The answer that earlier attempts left in the thread; duplicates are deleted. Raises ThreadHidden."""
        ledger = await self._ledger()
        if ledger is None:
            return ReplyState()
        try:
            state = await self._reconciler.await_state(ledger)
        except ThreadHidden:
            if 0 not in ledger.receipts:
                raise
            return ReplyState(dict(ledger.receipts))
        await self._delete_duplicates(state.duplicates)
        if 0 in ledger.receipts:
            state.deleted = 0 not in state.parts
        elif 0 in state.parts:
            effect = await self._effects.intend(self._owner, effect_name(0), {"after_ts": ledger.after_ts})
            await self._record_receipt(effect, state.parts[0])
            await self._questions.record_reply(self._question, state.parts[0])
        return state

    async def delete_orphans(self) -> None:
        """Check once more, after the answer is complete, whether a post in doubt has appeared; delete it."""
        if self._in_doubt and (ledger := await self._ledger()):
            await self._delete_duplicates(await self._reconciler.find_orphans(ledger))

    async def _ledger(self) -> ReplyLedger | None:
        return ReplyLedger.from_effects(await self._effects.of(self._owner))

    async def _delete_duplicates(self, messages: Sequence[str]) -> None:
        for ts in messages:
            logger.warning("question %s has two answers: deleting %s", self._question.key, ts)
            await self._delete_message(ts)

    # -- posting and editing -----------------------------------------------------------------------------------------

    async def start_stream(self, text: str) -> PostedMessage:
        """Begin the answer as a stream. Raises SlackRefused where Slack offers none."""
        question = self._question

        async def start() -> str:
            answer = await self._api(
                "chat.startStream",
                wait=False,
                channel=question.channel,
                thread_ts=question.thread_ts,
                markdown_text=text,
                recipient_user_id=question.user,
                recipient_team_id=question.user_team or self._identity.team,
            )
            return str(answer["ts"])

        return await self._post_once(0, start)

    async def post_part(
        self, part: int, text: str, blocks: list[Json], state: State, parts: int = 1
    ) -> PostedMessage:
        """Post a part of the answer unless it is posted."""

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

        return await self._post_once(part, send)

    async def _post_once(self, part: int, post: Callable[[], Awaitable[str]]) -> PostedMessage:
        await self._hold()
        effect = await self._effects.intend(self._owner, effect_name(part), {"after_ts": self._after_ts})
        if effect.state == "done":
            return PostedMessage(effect.receipt["ts"], fresh=False)
        posting = asyncio.ensure_future(self._post_or_adopt(effect, part, post))
        try:
            return await asyncio.shield(posting)
        except asyncio.CancelledError:
            # Only this task can record the outcome of a call that is under way.
            await asyncio.gather(posting, return_exceptions=True)
            raise

    async def _post_or_adopt(
        self, effect: Effect, part: int, post: Callable[[], Awaitable[str]]
    ) -> PostedMessage:
        """Adopt the message of an earlier intent, else post; then record the receipt."""
        ts = await self._find_posted(part, wait=False) if effect.state == "intended" else None
        fresh = ts is None
        if ts is None:
            self._in_doubt = self._in_doubt or effect.state == "intended"
            try:
                ts = await post()
            except (SlackRefused, SlackUnavailable):
                if effect.state == "new":  # it certainly did not happen
                    await self._hold()  # an intent that another worker shares by now is not ours to withdraw
                    await self._effects.withdraw(effect)
                raise
            except SlackUncertain:
                ts = await self._find_posted(part, wait=True)
                if ts is None:
                    raise
        await self._record_receipt(effect, ts)
        if part == 0:
            await self._questions.record_reply(self._question, ts)
        return PostedMessage(ts, fresh)

    async def _find_posted(self, part: int, *, wait: bool) -> str | None:
        """The message of a part in doubt; None when the thread has none. wait: for a message shown late."""
        ledger = await self._ledger()
        assert ledger is not None  # this part was intended
        read = self._reconciler.await_state if wait else self._reconciler.read_state
        return (await read(ledger)).parts.get(part)

    async def _record_receipt(self, effect: Effect, ts: str) -> None:
        """Record which message it is. When another worker recorded one first, that one stays and this one is deleted."""
        kept = (await self._effects.receipt(effect, {"ts": ts})).receipt["ts"]
        if kept != ts:
            logger.warning("another worker answered %s: deleting %s", self._question.key, ts)
            await self._delete_message(ts)
            raise RetryLater(0.0, "another worker answered at the same time", counts=False)

    async def append_stream(self, ts: str, text: str) -> None:
        """Append text to the stream."""
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
        """Stop the stream. False when the message is not, or no longer, streaming."""
        await self._hold()
        return await self._stop_stream(
            ts, markdown_text=text or None, blocks=blocks, metadata=self.metadata(0, state, parts)
        )

    async def _stop_stream(self, ts: str, **content: Any) -> bool:
        try:
            await self._api("chat.stopStream", channel=self._question.channel, ts=ts, **content)
        except SlackRefused as refused:
            if refused.reason in ("message_not_in_streaming_state", "message_not_found", "stopped_by_user"):
                return False
            raise
        except SlackUncertain:
            # The message is edited next, which works only once the stream has ended.
            return False
        return True

    async def edit_part(
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
        """Replace a message of the answer. A message that still streams is stopped first."""
        await self._hold()
        metadata = self.metadata(part, state, parts)
        try:
            await self._update_message(ts, text, blocks, metadata, wait)
        except SlackRefused as refused:
            if refused.reason != "streaming_state_conflict":
                raise
            await self.end_stream(ts, "open")
            await self._update_message(ts, text, blocks, metadata, wait)

    async def _update_message(
        self, ts: str, text: str, blocks: list[Json], metadata: Json, wait: bool
    ) -> None:
        channel = self._question.channel
        await self._api(
            "chat.update", wait=wait, channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata
        )

    async def delete_part(self, part: int, ts: str) -> None:
        """Delete a part of the answer. Its effect is undone unless it is the first: a later answer may post it again."""
        await self._hold()
        if part:
            await self._effects.undo(self._owner, effect_name(part))
        await self._delete_message(ts)

    async def _delete_message(self, ts: str) -> None:
        """Delete a message, with or without the lease. Slack deletes no message that streams, so it is stopped first."""
        await self._stop_stream(ts)
        try:
            await self._api("chat.delete", channel=self._question.channel, ts=ts)
        except SlackRefused as refused:
            if refused.reason not in ("message_not_found", "cant_delete_message"):
                raise

    def metadata(self, part: int, state: State, parts: int) -> Json:
        payload = {"question": self._question.key, "part": part, "parts": parts, "state": state}
        return {"event_type": EVENT_TYPE, "event_payload": payload}
