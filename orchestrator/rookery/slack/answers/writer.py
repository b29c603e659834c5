"""Writes an answer while the model produces it: as a stream, or by editing a message where streams are not offered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from rookery.slack.answers.reconciler import ReplyState
from rookery.slack.answers.reply import Reply, State
from rookery.slack.text import blocks as block
from rookery.slack.text.markup import calm, notification, to_mrkdwn
from rookery.slack.text.split import MAX_CHARACTERS, split
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused, SlackUnavailable, SlackUncertain

Json = dict[str, Any]
_BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
_EDIT_INTERVAL_S = 2.0
"""chat.update has a tighter limit than the streaming methods."""
logger = get_logger(__name__)


class StoppedByReader(Exception):
    """A reader pressed Slack's stop button: the answer ends where it is."""


class ReplyWriter:
    """Shows the text of one answer in its thread. state: what earlier attempts posted."""

    def __init__(
        self,
        reply: Reply,
        state: ReplyState,
        *,
        streaming: bool,
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reply = reply
        self._parts = dict(state.parts)
        self._mode: Literal["none", "stream", "edit"] = "edit" if 0 in state.parts else "none"
        self._resumed = 0 in state.parts
        self.replaces_answer = state.complete
        """Whether the thread held a complete answer before this attempt."""
        self._streaming = streaming
        self._interval_s = interval_s
        self._clock = clock
        self._next = 0.0
        self._text: str = ""
        self._shown: str = ""
        self._mixed = False
        self.finished = False
        """Whether the whole answer is in the thread."""

    @property
    def begun(self) -> bool:
        """Whether there is a message in the thread."""
        return 0 in self._parts

    # -- while the model writes -----------------------------------------------------------------------

    async def add_text(self, text: str) -> None:
        """Add text to the answer. It is shown at most once per interval, and later when Slack is unavailable."""
        self._text += text
        if self._clock() < self._next or len(self._text) > MAX_CHARACTERS:
            return
        try:
            await self._show()
        except SlackUnavailable as error:
            self._next = self._clock() + (error.retry_after_s or self._interval_s)
        else:
            pause = max(self._interval_s, _EDIT_INTERVAL_S) if self._mode == "edit" else self._interval_s
            self._next = self._clock() + pause

    async def discard_text(self) -> None:
        """Discard the text so far: it is not the answer."""
        self._mixed = self._mixed or bool(self._shown)
        self._text = ""

    async def _show(self) -> None:
        text = calm(self._text)
        if not text.strip():  # Slack accepts no message without visible text
            return
        if self._mode == "none" and self._streaming:
            await self._begin_stream(text)
        elif self._mode == "stream":
            await self._extend_stream(text)
        elif self._mode == "edit":
            await self._edit_open(text)
        else:
            await self._post(0, text, [block.body(text)], "open")
            self._mode = "edit"

    async def _begin_stream(self, text: str) -> None:
        try:
            placed = await self._reply.start_stream(text)
        except SlackRefused as refused:
            logger.info("no streaming here (%s): editing the answer instead", refused.reason)
            self._streaming = False
            await self._show()
            return
        self._parts[0] = placed.ts
        self._mode, self._shown = "stream", text
        self._mixed = self._mixed or not placed.fresh

    async def _extend_stream(self, text: str) -> None:
        """Append the new text. When later text changes how earlier text is shown, appending ends and an edit follows."""
        self._mixed = self._mixed or not text.startswith(self._shown)
        added = text[len(self._shown) :]
        if self._mixed or not added.strip():
            return
        try:
            await self._reply.append_stream(self._parts[0], added)
        except SlackUncertain:
            self._mixed = True  # it is unknown what is shown: the end replaces it
        except SlackRefused as refused:
            if refused.reason == "stopped_by_user":
                raise StoppedByReader from None
            self._mode, self._mixed = "edit", True
        self._shown = text

    async def _edit_open(self, text: str) -> None:
        if self._resumed and len(text) < 200:
            return  # the notice of the failed attempt stays until there is enough text
        await self._reply.edit_part(
            self._parts[0], notification(text), [block.body(text)], "open", wait=False
        )

    # -- at the end -------------------------------------------------------------------------------------

    async def finish_answer(self, markdown: str, tail: Sequence[Json]) -> None:
        """Make the thread hold exactly this answer, with the blocks `tail` below its last part."""
        texts = split(calm(markdown)) or ["(no text)"]
        count = len(texts)
        for part, text in enumerate(texts):
            blocks = list(tail) if part == count - 1 else []
            if part == 0 and self._mode == "stream" and await self._finish_stream(text, blocks, count):
                continue
            await self._place_or_simplify(part, text, blocks, count)
        for part in [number for number in self._parts if number >= count]:
            await self._reply.delete_part(part, self._parts.pop(part))
        await self._reply.delete_orphans()
        self.finished = True

    async def _finish_stream(self, text: str, tail: list[Json], parts: int) -> bool:
        """Stop the stream with the rest of the text. False when the text must be replaced by an edit."""
        self._mode = "edit"
        fits = not self._mixed and (text.startswith(self._shown) or text == self._shown.rstrip())
        if not fits:
            await self._reply.end_stream(self._parts[0], "open")
            return False
        rest = text[len(self._shown) :]
        try:
            return await self._reply.end_stream(
                self._parts[0], "final", text=rest, blocks=tail or None, parts=parts
            )
        except SlackRefused as refused:
            if refused.reason not in _BAD_BLOCKS:
                raise
            await self._reply.end_stream(self._parts[0], "open")
            return False

    async def _place_or_simplify(self, part: int, text: str, tail: list[Json], parts: int) -> None:
        try:
            await self._place_part(part, text, [block.body(text), *tail], parts)
        except SlackRefused as refused:
            if refused.reason not in _BAD_BLOCKS:
                raise
            logger.warning(
                "Slack refused the blocks of an answer (%s): posting plain sections", refused.reason
            )
            await self._place_part(part, text, [*block.sections(to_mrkdwn(text)), *tail][:50], parts)

    async def _place_part(self, part: int, text: str, blocks: list[Json], parts: int) -> None:
        if part in self._parts:
            await self._reply.edit_part(
                self._parts[part], notification(text), blocks, "final", part=part, parts=parts
            )
        else:
            await self._post(part, text, blocks, "final", parts)

    async def _post(self, part: int, text: str, blocks: list[Json], state: State, parts: int = 1) -> None:
        shown = notification(text)
        placed = await self._reply.post_part(part, shown, blocks, state, parts)
        self._parts[part] = placed.ts
        if not placed.fresh:
            await self._reply.edit_part(placed.ts, shown, blocks, state, part=part, parts=parts)

    async def show_notice(self, text: str, *, final: bool) -> None:
        """Show a notice in the place of the answer: one message, edited for later notices."""
        text = calm(text)
        if self._mode == "stream":
            await self._reply.end_stream(self._parts[0], "open")
        self._mode = "edit"
        state: State = "final" if final else "open"
        if 0 in self._parts:
            await self._reply.edit_part(self._parts[0], notification(text), [block.body(text)], state)
        else:
            await self._post(0, text, [block.body(text)], state)
        for part in [number for number in self._parts if number > 0]:
            await self._reply.delete_part(part, self._parts.pop(part))

    async def delete_answer(self) -> None:
        """Delete all messages of the answer."""
        for part in sorted(self._parts, reverse=True):
            await self._reply.delete_part(part, self._parts.pop(part))
        self._mode = "none"
