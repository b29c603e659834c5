"""Questions through the event queue to a worker, as they come from Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
    """Publish the questions in order and let a worker answer them. Returns when all are answered.

    Raises what the agent raised for a question that could not be answered.
    """
    from rookery_core.queue import Queue, Worker

    queue = Queue(database, team=team)
    await queue.subscribe(TOPIC, SUBSCRIPTION, max_attempts=2)
    run = new_trace_id()
    left = set(range(len(questions)))
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def answer(event: Event, attempt: Attempt) -> None:
        if event.payload.get("run") != run:
            return  # of an earlier demo that was stopped
        question = Question(text=event.payload["question"], trace_id=event.trace_id)
        try:
            await answered(event, question, await agent.answer(question))
        except Exception as error:
            if not done.done():
                done.set_exception(error)
            raise
        left.discard(event.payload["number"])
        if not left and not done.done():
            done.set_result(None)

    for number, text in enumerate(questions):
        await queue.enqueue(
            TOPIC,
            {"question": text, "number": number, "run": run},
            key=f"{run}-{number}",
            ordering_key=run,
            trace_id=new_trace_id(),
        )
    await _work_until(Worker(queue, {SUBSCRIPTION: answer}, concurrency=1).run(), done)


async def _work_until(working: Awaitable[None], done: asyncio.Future[None]) -> None:
    worker = asyncio.ensure_future(working)
    await asyncio.wait({worker, done}, return_when=asyncio.FIRST_COMPLETED)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    if done.done():
        done.result()
    else:
        worker.result()
