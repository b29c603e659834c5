"""Questions through the event queue to a worker, as they come from Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rookery.agent import Agent, Answer, Question
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.queue import Attempt, Event

TOPIC, SUBSCRIPTION = "demo-questions", "demo"
Answered = Callable[["Event", Question, Answer], Awaitable[None]]


async def answer_through_queue(
    database: Database, agent: Agent, questions: Sequence[str], answered: Answered, team: str
) -> None:
    """Publish one question after the other and let a worker answer them. Returns when all are answered.

    Raises what the agent raised for a question that could not be answered.
    """
    from rookery_core.queue import Queue, Worker

    queue = Queue(database, team=team)
    await queue.subscribe(TOPIC, SUBSCRIPTION, max_attempts=2)
    run, waiting = new_trace_id(), _Waiting()

    async def answer(event: Event, attempt: Attempt) -> None:
        if event.payload.get("run") != run:
            return  # of an earlier demo that was stopped
        question = Question(text=event.payload["question"], trace_id=event.trace_id)
        with waiting.settling():
            await answered(event, question, await agent.answer(question))

    worker = asyncio.ensure_future(Worker(queue, {SUBSCRIPTION: answer}, concurrency=1).run())
    try:
        for number, text in enumerate(questions):
            waiting.expect()
            await queue.enqueue(
                TOPIC, {"question": text, "run": run}, key=f"{run}-{number}", trace_id=new_trace_id()
            )
            await asyncio.wait({worker, waiting.future}, return_when=asyncio.FIRST_COMPLETED)
            waiting.future.result() if waiting.future.done() else worker.result()
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


class _Waiting:
    """For the answer that is expected next."""

    future: asyncio.Future[None]

    def expect(self) -> None:
        self.future = asyncio.get_running_loop().create_future()

    @contextmanager
    def settling(self) -> Generator[None]:
        """Whoever waits learns how the block ended."""
        try:
            yield
        except Exception as error:
            if not self.future.done():
                self.future.set_exception(error)
            raise
        if not self.future.done():
            self.future.set_result(None)
