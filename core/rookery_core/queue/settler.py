"""Settles what a worker's slots have finished: events leave or go back, as many as there are in one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rookery_core import telemetry
from rookery_core.queue.finishing import Finishing, Leaving
from rookery_core.queue.flight import Flight
from rookery_core.queue.line import Line
from rookery_core.queue.model import Event
from rookery_core.queue.slots import Slots
from rookery_core.queue.work import WORK_SQL, columns

if TYPE_CHECKING:
    from rookery_core.queue.claimer import Claimer
    from rookery_core.queue.queue import Queue

_log = telemetry.get_logger(__name__)
_MOST_LEAVING = 800
_BUSY_PAUSE_S = 0.003

Returned = tuple[int, int, float | None, bool, str | None]
"""id, token, delay in seconds (None: the back-off), whether the attempt does not count, error."""


class Settler(Line):
    """Takes the verdicts of the slots. Nothing it holds is lost with a connection: it is sent again."""

    def __init__(self, queue: Queue, slots: Slots, claimer: Claimer) -> None:
        super().__init__(queue)
        self._slots = slots
        self._claimer = claimer
        self._leaving: list[Leaving] = []
        self._returned: list[Returned] = []
        self._again = False  # what was sent before may have been heard
        self._finishing = Finishing(queue)
        self._freed: set[str] = set()  # topics where something may have moved up
        self.on_retry_in: Callable[[float], None] = _ignore

    # --- what the slots tell it

    def left(self, flight: Flight, outcome: str, error: str | None = None) -> None:
        """An event is to leave, or left by a transaction of its handler (`settled`)."""
        event = flight.event
        if event.ordering_key is not None or self._slots.policies[event.subscription].concurrency is not None:
            self._freed.add(event.topic)
            self._claimer.reopened(event)
        if outcome != "settled":
            known = None if outcome == "done" and event.ordering_key is None else outcome
            self._leaving.append((event.id, event.token, known, error, None, None, None))
        self.look()
        self._claimer.look()

    async def finish(self, event: Event, name: str, receipt: Any, request: Any) -> None:
        """Complete an event with an effect, in the next statement. Raises LeaseLost or Conflict."""
        entry, done = self._finishing.begin(event, name, receipt, request)
        self._leaving.append(entry)
        self.look()
        await done

    def returned(
        self, flight: Flight, delay_s: float | None, error: str | None, *, refund: bool = False
    ) -> None:
        """An event is to be given back."""
        event = flight.event
        self._claimer.reopened(event)
        self.give_back((event.id, event.token, delay_s, refund, error))
        self._claimer.look()

    def give_back(self, entry: Returned) -> None:
        """The same for what has no flight."""
        self._returned.append(entry)
        self.look()

    # --- the loop

    def has_work(self) -> bool:
        return bool(self._leaving or self._returned or self._freed)

    async def work(self) -> None:
        await asyncio.sleep(0)  # whoever was just answered gets to finish what it has next: it goes along
        if self._returned:
            await self._give_back()
        if self._leaving:
            await self._let_go()
        elif self._freed:
            freed, self._freed = self._freed, set[str]()
            await self._look_after(freed)

    async def _let_go(self) -> None:
        leaving, self._leaving = self._leaving[:_MOST_LEAVING], self._leaving[_MOST_LEAVING:]
        freed, self._freed = self._freed, set[str]()
        try:
            rows = await self._leave(leaving)
        except BaseException:
            self._leaving[:0] = leaving
            self._freed |= freed
            self._again = True
            raise
        await self._answer(leaving, {row[0]: row[1] for row in rows}, freed)
        if freed:
            await self._look_after(freed)

    async def _leave(self, leaving: list[Leaving]) -> list[Any]:
        ids, tokens, outcomes, errors, *effect = columns(leaving, 7)
        team, now = self.queue.team, self.queue.now()
        if any(outcomes):
            return await self.fetch(
                WORK_SQL["leave"], team, now, ids, tokens, outcomes, errors, False, *effect
            )
        return await self.fetch(WORK_SQL["complete"], team, now, ids, tokens)

    async def _answer(self, leaving: list[Leaving], verdicts: dict[int, str], freed: set[str]) -> None:
        """Tell who waits; what could not leave because its lane was held is sent again."""
        again, self._again = self._again, False
        for entry in leaving:
            verdict = verdicts.get(entry[0])
            if verdict == "busy":
                asyncio.get_running_loop().call_later(_BUSY_PAUSE_S, self._leave_again, entry, freed)
            elif entry[4] is not None:
                await self._finishing.answer(entry, verdict, asked_before=again)
            elif verdict == "lost" and not again:
                _log.warning("event %s was settled too late: its lease was gone", entry[0])

    def _leave_again(self, entry: Leaving, freed: set[str]) -> None:
        self._leaving.append(entry)
        self._freed |= freed
        self.look()

    async def _look_after(self, topics: set[str]) -> None:
        """Something moved up behind what left: take it, or tell others when there is no slot for it here."""
        if not self._claimer.wake_if_room():
            await self.queue.wake(topics)

    async def _give_back(self) -> None:
        returned, self._returned = self._returned, []
        try:
            rows = await self.fetch(
                WORK_SQL["reopen"], self.queue.team, self.queue.now(), *columns(returned, 5), False
            )
        except BaseException:
            self._returned[:0] = returned
            raise
        entries = {entry[0]: entry for entry in returned}
        for row in rows:
            if row["kind"] == "busy":
                loop = asyncio.get_running_loop()
                loop.call_later(_BUSY_PAUSE_S, self.give_back, entries[row["id"]])
            elif row["kind"] == "back":
                self._on_back(row["topic"], row["delay_s"])

    def _on_back(self, topic: str, delay_s: float | None) -> None:
        if delay_s:
            self.on_retry_in(delay_s)
        else:
            self._freed.add(topic)


def _ignore(_: float) -> None: ...
