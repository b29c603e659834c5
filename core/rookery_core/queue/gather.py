"""Group commit: what is published while a statement is under way goes together in the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from rookery_core.errors import InvalidInput
from rookery_core.queue.model import Enqueued, Outgoing

_MOST = 200

Publish = Callable[[str, Sequence[Outgoing]], Awaitable[list[Enqueued]]]
_Waiting = tuple[Outgoing, "asyncio.Future[Enqueued]"]


class Gatherer:
    """Publishes single messages of concurrent callers, each of whom waits for the commit of its own."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._waiting: dict[str, list[_Waiting]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def enqueue(self, topic: str, message: Outgoing) -> Enqueued:
        """Publish with the next statement, which begins at once when none is under way."""
        answer: asyncio.Future[Enqueued] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(topic, []).append((message, answer))
        task = self._tasks.get(topic)
        if task is None or task.done():
            self._tasks[topic] = asyncio.create_task(self._flush(topic), name=f"publishing to {topic}")
        return await answer

    async def _flush(self, topic: str) -> None:
        while waiting := self._waiting.pop(topic, None):
            for start in range(0, len(waiting), _MOST):
                await self._send(topic, waiting[start : start + _MOST])

    async def _send(self, topic: str, batch: list[_Waiting]) -> None:
        try:
            answers = await self._publish(topic, [message for message, _ in batch])
        except InvalidInput as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:  # one of them cannot be stored; the others can
                for one in batch:
                    await self._send(topic, [one])
        except BaseException as error:
            _fail(batch, error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
        else:
            for (_, answer), enqueued in zip(batch, answers, strict=True):
                if not answer.done():
                    answer.set_result(enqueued)


def _fail(batch: list[_Waiting], error: BaseException) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(error)
