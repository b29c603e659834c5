"""The one loop of a worker that talks to the queue: what is finished goes, what is next comes, in one statement."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rookery_core import telemetry
from rookery_core.database.failures import explain, is_lost_connection
from rookery_core.errors import RookeryError
from rookery_core.queue.attempt import Attempt
from rookery_core.queue.finishing import Finishing, Leaving
from rookery_core.queue.marks import Marks
from rookery_core.queue.model import Event, Subscription
from rookery_core.queue.slots import Flight, Slots
from rookery_core.queue.work import WORK_SQL, event_of, new_token

if TYPE_CHECKING:
    import asyncpg

    from rookery_core.database import Row
    from rookery_core.queue.queue import Queue

_log = telemetry.get_logger(__name__)
_BATCH = 200
_MOST_LEAVING = 400
_BUSY_PAUSE_S = 0.003
_SUSPECT_PAUSE_S = 0.005  # until a slot may be free for an event that had an attempt before

Finish = Callable[[Event, str, Any, Any], Awaitable[None]]
"""Completes an event with the name, receipt and request of an effect."""
Returned = tuple[int, int, float | None, bool, str | None]


class Fetcher:
    """Claims for the slots and settles what they finished. Survives a lost connection: nothing it holds is lost."""

    def __init__(
        self, queue: Queue, slots: Slots, worker_id: str, policies: Mapping[str, Subscription]
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._worker_id = worker_id
        self.policies = policies
        self._marks = Marks(sorted(policies))
        self._wanted = True
        self._scan_s = 0.0
        self._accepting = True
        self._closing = False
        self._signal = asyncio.Event()
        self._leaving: list[Leaving] = []
        self._returned: list[Returned] = []
        self._doubtful: list[int] = []  # tokens of claims whose answer never came
        self._again = False  # acknowledgements sent before may have been heard
        self._line: asyncpg.Connection[Any] | None = None
        self._turn: Any = None
        self._finishing = Finishing(queue)
        self._freed: set[str] = set()  # topics where something may have moved up
        self.on_retry_in: Callable[[float], None] = _ignore

    # --- what the slots and the keeper tell it

    def left(self, flight: Flight, outcome: str, error: str | None = None) -> None:
        """An event is to leave."""
        event = flight.event
        policy = self.policies[event.subscription]
        if event.ordering_key is not None or policy.concurrency is not None:
            self._freed.add(event.topic)
            self._marks.reopened(event.subscription, event.priority, event.id)
        if outcome == "settled":
            if self._freed:
                self.wake()
            elif self._room():
                self._signal.set()
        else:
            state = None if outcome == "done" else outcome
            self._leaving.append((event.id, event.token, state, error, None, None, None))
            self._signal.set()

    async def finish(self, event: Event, name: str, receipt: Any, request: Any) -> None:
        """Complete an event with an effect, in the next turn. Raises LeaseLost or Conflict."""
        entry, done = self._finishing.begin(event, name, receipt, request)
        self._leaving.append(entry)
        self._signal.set()
        await done

    def returned(
        self, flight: Flight, delay_s: float | None, error: str | None, *, refund: bool = False
    ) -> None:
        """An event is to be given back."""
        event = flight.event
        self._marks.reopened(event.subscription, event.priority, event.id)
        self._returned.append((event.id, event.token, delay_s, refund, error))
        self._signal.set()

    def wake(self) -> None:
        """There may be work."""
        self._wanted = True
        self._signal.set()

    def stop_accepting(self) -> None:
        """Claim nothing more."""
        self._accepting = False

    def close(self) -> None:
        """End the loop once everything is settled."""
        self._closing = True
        self._signal.set()

    @property
    def settled(self) -> bool:
        return not (self._leaving or self._returned)

    # --- the loop

    async def open(self) -> None:
        """Connect and prepare, so that the first event waits for nothing."""
        self._line = await self._queue.database.connect()
        await _settle_plans(self._line)
        self._turn = await self._line.prepare(WORK_SQL["turn"])

    async def run(self) -> None:
        """Until closed and settled. Never ends for an error: it waits and goes on."""
        pause = 0.02
        while not (self._closing and self.settled):
            try:
                if self._line is None or self._line.is_closed():
                    await self.open()
                await self._recover()
                await self._step()
                pause = 0.02
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, the events wait, not end)
                self._report(error)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
                pause = min(pause * 2, 2.0)
        if self._line is not None:
            await self._line.close(timeout=5)

    def _report(self, error: Exception) -> None:
        from asyncpg import PostgresError

        lost = is_lost_connection(error) or isinstance(error, OSError)
        known = explain(error, connecting=lost) or (error if isinstance(error, RookeryError) else None)
        _log.warning("the queue waits: %s", known or error, exc_info=None if known else error)
        if self._line is not None and (lost or not isinstance(error, PostgresError)):
            self._line.terminate()  # a driver that lost track of its connection never finds it again
            self._line = None

    async def _step(self) -> None:
        while not self._has_something_to_do():
            self._signal.clear()
            await self._signal.wait()
        await asyncio.sleep(0)  # whoever was just answered gets to finish what it has next: it goes along
        if self._returned:
            await self._give_back()
        if self._leaving or self._room():
            await self._exchange()

    def _has_something_to_do(self) -> bool:
        return bool(self._leaving or self._returned or self._room() or self._closing)

    def _room(self) -> int:
        return min(self._slots.room, _BATCH) if self._wanted and self._accepting else 0

    async def _exchange(self) -> None:
        """One turn: the finished leave, the next come."""
        room = self._room()
        leaving, self._leaving = self._leaving[:_MOST_LEAVING], self._leaving[_MOST_LEAVING:]
        freed, self._freed = self._freed, set[str]()
        token, begun = new_token(), time.monotonic()
        full, names, priorities, marks = self._marks.probes()
        columns = _columns(leaving, 7)
        if room:
            self._wanted = False  # before the claim: a hint that comes meanwhile is not forgotten
            self._doubtful.append(token)
        try:
            rows = await self._turn.fetch(
                self._queue.team, self._queue.now(), *columns[:4], False, names, priorities, marks,
                room, self._slots.follow, token, self._worker_id, *columns[4:], self._slots.free,
            )  # fmt: skip
        except BaseException:
            self._leaving[:0] = leaving
            self._freed |= freed
            self._again = self._wanted = True
            raise
        if room:
            self._doubtful.remove(token)
        claimed = await self._sort_answers(rows, leaving)
        if room:
            self._marks.scanned(full=full, cost_s=self._scan_s)
            self._wanted = self._wanted or len(claimed) >= room
        if claimed:
            self._hand_over(claimed, begun)
        if freed:
            await self._look_after(freed)

    async def _sort_answers(self, rows: list[Row], leaving: list[Leaving]) -> list[Event]:
        """The events that came; who should have left is told, or sent again when its lane was held."""
        claimed: list[Event] = []
        verdicts: dict[int, str] = {}
        loop = asyncio.get_running_loop()
        for row in rows:
            kind, event_id = row[0], row[1]
            if kind == "claimed":
                claimed.append(event_of(row))
            elif kind == "scan":
                self._scan_s = event_id / 1e6
                if row[9] > 0:
                    loop.call_later(_SUSPECT_PAUSE_S, self.wake)
            elif kind == "contended":
                loop.call_later(random.uniform(0.001, 0.005), self.wake)  # noqa: S311
            else:
                verdicts[event_id] = kind
        again, self._again = self._again, False
        for entry in leaving:
            verdict = verdicts.get(entry[0])
            if verdict == "busy":
                loop.call_later(_BUSY_PAUSE_S, self._leave_again, entry)
            elif entry[4] is not None:
                await self._finishing.answer(entry, verdict, asked_before=again)
            elif verdict == "lost" and not again:
                _log.warning("event %s was settled too late: its lease was gone", entry[0])
        return claimed

    def _leave_again(self, entry: Leaving) -> None:
        self._leaving.append(entry)
        self._signal.set()

    async def _look_after(self, topics: set[str]) -> None:
        """Something moved up behind what left: take it, or tell others when there is no slot for it here."""
        if self._slots.room and self._accepting:
            self.wake()
        else:
            await self._queue.wake(topics)

    async def _give_back(self) -> None:
        returned, self._returned = self._returned, []
        try:
            assert self._line is not None
            rows = await self._line.fetch(
                WORK_SQL["reopen"], self._queue.team, self._queue.now(), *_columns(returned, 5), False
            )
        except BaseException:
            self._returned[:0] = returned
            raise
        for row in rows:
            if row["kind"] == "busy":
                entry = next(entry for entry in returned if entry[0] == row["id"])
                asyncio.get_running_loop().call_later(_BUSY_PAUSE_S, self._return_again, entry)
            elif row["kind"] == "back":
                self._on_back(row["topic"], row["delay_s"])

    def _return_again(self, entry: Returned) -> None:
        self._returned.append(entry)
        self._signal.set()

    def _on_back(self, topic: str, delay_s: float | None) -> None:
        if delay_s:
            self.on_retry_in(delay_s)
        elif self._accepting:
            self.wake()
        else:
            self._freed.add(topic)

    async def _recover(self) -> None:
        """Give back what a claim leased whose answer was lost with its connection."""
        for token in list(self._doubtful):
            assert self._line is not None
            rows = await self._line.fetch(WORK_SQL["claim_of"], self._queue.team, list(self.policies), token)
            self._returned += [(row["id"], row["token"], 0.0, True, None) for row in rows]
            self._doubtful.remove(token)

    def _hand_over(self, claimed: list[Event], begun: float) -> None:
        claimed.sort(key=lambda event: (-event.priority, event.id))
        lanes: dict[tuple[str, str], list[Flight]] = {}
        for event in claimed:
            policy = self.policies[event.subscription]
            attempt = Attempt(self._queue, event, event.attempt >= policy.max_attempts, self.finish)
            flight = Flight(event, attempt, begun + policy.lease_s)
            if event.ordering_key is None:
                self._marks.took(event.subscription, event.priority, event.id)
                self._slots.offer([flight])
            elif policy.key_concurrency > 1:
                self._slots.offer([flight])
            else:
                lanes.setdefault((event.subscription, event.ordering_key), []).append(flight)
        for run in lanes.values():
            run.sort(key=lambda flight: flight.event.place or 0)
            head = run[0].event
            self._marks.took(head.subscription, head.priority, head.id)
            self._slots.offer(run)


def _ignore(_: float) -> None: ...


def _columns(entries: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*entries, strict=True)] if entries else [[] for _ in range(width)]


async def _settle_plans(line: asyncpg.Connection[Any]) -> None:
    """Plan once, and by the indexes: tables that are empty one moment and full the next fool the planner."""
    for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "jit"):
        await line.execute(f"set {setting} = off")
    await line.execute("set plan_cache_mode = force_generic_plan")
