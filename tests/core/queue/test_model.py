"""The state machine against a model of it in plain Python: whatever is done in whatever order, both agree."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from rookery_core.database import Database
from rookery_core.queue import Backoff, Event, LeaseLost, Queue
from rookery_core.queue.worker.maintenance import Maintenance
from rookery_core.settings import CoreSettings

T = TypeVar("T")
LEASE_S, BASE_S, CAP_S = 30.0, 4.0, 10.0
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Policy:
    name: str
    max_attempts: int = 3
    width: int = 1
    concurrency: int | None = None
    on_dead: Any = "continue"
    expires_s: float | None = None


POLICIES = {
    policy.name: policy
    for policy in (
        Policy("plain"),
        Policy("bars", max_attempts=2, on_dead="block"),
        Policy("wide", width=2, concurrency=2),
        Policy("hasty", expires_s=50.0),
    )
}


@dataclass
class Copy:
    """An event as the model has it."""

    id: int
    policy: Policy
    lane: str | None
    place: int
    priority: int
    expires_at: datetime | None
    state: str = "ready"
    attempts: int = 0
    run_at: datetime | None = None
    lease_until: datetime | None = None
    token: int | None = None
    stop: bool = False


@dataclass
class Model:
    """What the queue promises, said again without SQL."""

    now: datetime = START
    live: dict[int, Copy] = field(default_factory=dict[int, Copy])
    dead: dict[int, Copy] = field(default_factory=dict[int, Copy])
    past: dict[int, str] = field(default_factory=dict[int, str])
    keys: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    bars: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    paused: set[str] = field(default_factory=set[str])
    places: int = 0

    def lane_of(self, copy: Copy) -> list[Copy]:
        same = (c for c in self.live.values() if c.policy is copy.policy and c.lane == copy.lane)
        return sorted(same, key=lambda c: c.place)

    def may_go(self, copy: Copy) -> bool:
        if copy.lane is None:
            return True
        if (copy.policy.name, copy.lane) in self.bars:
            return False
        return self.lane_of(copy).index(copy) < copy.policy.width

    def open(self, copy: Copy) -> None:
        """An event that is not leased takes the state that its time and its lane give it."""
        due = copy.run_at is None or copy.run_at <= self.now
        if not self.may_go(copy):
            copy.state = "blocked"
        else:
            copy.state = "ready" if due else "scheduled"
            copy.run_at = None if due else copy.run_at

    def add(self, copy: Copy, delay_s: float = 0.0) -> None:
        self.live[copy.id] = copy
        copy.run_at = self.now + timedelta(seconds=delay_s) if delay_s else None
        self.open(copy)

    def leave(self, copy: Copy, outcome: str) -> None:
        del self.live[copy.id]
        if outcome in ("done", "cancelled"):
            self.past[copy.id] = outcome
        else:
            self.dead[copy.id] = copy
            if copy.lane and copy.policy.on_dead == "block" and outcome != "expired":
                self.bars.setdefault((copy.policy.name, copy.lane), copy.id)
        self.move_up(copy)

    def move_up(self, copy: Copy) -> None:
        for other in self.lane_of(copy) if copy.lane else []:
            if other.state == "blocked":
                self.open(other)

    def reopen(self, copy: Copy, delay_s: float, *, refund: bool = False) -> None:
        copy.attempts -= refund
        copy.run_at = self.now + timedelta(seconds=delay_s) if delay_s > 0 else None
        copy.token = copy.lease_until = None
        copy.stop = False
        self.open(copy)

    def backoff(self, copy: Copy) -> float:
        return min(CAP_S, BASE_S * 2 ** (copy.attempts - 1))

    def claim(self, policy: Policy, limit: int) -> list[Copy]:
        if policy.name in self.paused:
            return []
        if policy.concurrency is not None:
            running = sum(
                c.policy is policy and c.state == "leased" and c.lease_until > self.now  # type: ignore[operator]
                for c in self.live.values()
            )
            limit = min(limit, policy.concurrency - running)
        ready = [
            c
            for c in self.live.values()
            if c.policy is policy and c.state == "ready" and not (c.expires_at and c.expires_at <= self.now)
        ]
        ready.sort(key=lambda c: (-c.priority, c.id))
        return ready[: max(0, limit)]

    def maintain(self) -> None:
        for copy in list(self.live.values()):
            if copy.state == "scheduled" and copy.run_at and copy.run_at <= self.now:
                copy.state, copy.run_at = "ready", None
        over = [c for c in self.live.values() if c.state == "leased" and c.lease_until <= self.now]  # type: ignore[operator]
        for copy in over:
            if copy.stop:
                self.leave(copy, "cancelled")
            elif copy.attempts >= copy.policy.max_attempts:
                self.leave(copy, "exhausted")
        for copy in over:
            if copy.id in self.live:
                self.reopen(copy, self.backoff(copy))
        for copy in list(self.live.values()):
            if copy.state != "leased" and copy.expires_at and copy.expires_at <= self.now:
                self.leave(copy, "expired")

    def revive(self, ids: list[int]) -> None:
        for event_id in sorted(ids):
            copy = self.dead.pop(event_id)
            lane = (copy.policy.name, copy.lane or "")
            if self.bars.get(lane) != event_id:
                self.places += 1
                copy.place = self.places
            copy.attempts, copy.token, copy.lease_until, copy.run_at, copy.stop = 0, None, None, None, False
            copy.expires_at = self.expiry(copy.policy)
            self.live[copy.id] = copy
            copy.state = "blocked" if copy.lane else "ready"
        self.lift(ids)

    def lift(self, ids: list[int]) -> None:
        self.bars = {lane: by for lane, by in self.bars.items() if by not in ids}
        for copy in list(self.live.values()):
            if copy.state == "blocked" and self.may_go(copy):
                self.open(copy)

    def expiry(self, policy: Policy) -> datetime | None:
        return self.now + timedelta(seconds=policy.expires_s) if policy.expires_s else None


class QueueMachine(RuleBasedStateMachine):
    """Does the same to the queue and to the model."""

    core_settings: CoreSettings
    owner_dsn: str
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def begin(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        self.owner = await asyncpg.connect(self.owner_dsn)
        await self.owner.execute(
            "truncate queue.subscription, queue.event, queue.lane, queue.spent_key, queue.history, queue.dead_letter"
        )
        self.database = await Database.open(self.core_settings, "rookery_agent", "model", max_connections=2)
        self.queue = Queue(self.database, clock=lambda: self.model.now)
        self.maintenance = Maintenance(self.queue, None)
        for policy in POLICIES.values():
            await self.queue.subscribe(
                "topic",
                policy.name,
                max_attempts=policy.max_attempts,
                lease_s=LEASE_S,
                backoff=Backoff(BASE_S, CAP_S, 0.0),
                concurrency=policy.concurrency,
                key_concurrency=policy.width,
                on_dead=policy.on_dead,
                expires_after_s=policy.expires_s,
            )

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.run(self.database.close())
            self.run(self.owner.close())
        self.runner.close()

    @rule(
        key=st.one_of(st.none(), st.sampled_from(["k1", "k2", "k3"])),
        lane=st.one_of(st.none(), st.sampled_from(["x", "y"])),
        priority=st.integers(-1, 1),
        delay_s=st.sampled_from([0.0, 0.0, 7.0]),
    )
    def enqueue(self, key: str | None, lane: str | None, priority: int, delay_s: float) -> None:
        answer = self.run(
            self.queue.enqueue(
                "topic", {"a": 1}, key=key, ordering_key=lane, priority=priority, delay_s=delay_s
            )
        )
        assert answer.duplicate == (key in self.model.keys)
        if key is not None:
            assert answer.ids == self.model.keys.setdefault(key, answer.ids)
        if answer.duplicate:
            return
        self.model.places += 1
        for event_id, name in zip(answer.ids, sorted(POLICIES), strict=True):
            policy = POLICIES[name]
            copy = Copy(event_id, policy, lane, self.model.places, priority, self.model.expiry(policy))
            self.model.add(copy, delay_s)

    @rule(target=claims, name=st.sampled_from(sorted(POLICIES)), limit=st.integers(1, 3))
    def claim(self, name: str, limit: int) -> Any:
        expected = self.model.claim(POLICIES[name], limit)
        events = self.run(self.queue.claim([name], limit))
        assert [event.id for event in events] == [copy.id for copy in expected]
        for event, copy in zip(events, expected, strict=True):
            copy.state, copy.token, copy.run_at = "leased", event.token, None
            copy.attempts += 1
            copy.lease_until = self.model.now + timedelta(seconds=LEASE_S)
            assert event.attempt == copy.attempts
        return multiple(*events)

    def holder(self, event: Event) -> Copy | None:
        copy = self.model.live.get(event.id)
        return copy if copy and copy.token == event.token else None

    @rule(event=claims)
    def complete(self, event: Event) -> None:
        if copy := self.holder(event):
            self.run(self.queue.complete(event))
            self.model.leave(copy, "done")
        else:
            with pytest.raises(LeaseLost):
                self.run(self.queue.complete(event))

    @rule(event=consumes(claims), permanent=st.booleans())
    def fail(self, event: Event, permanent: bool) -> None:
        copy = self.holder(event)
        if copy is None:
            with pytest.raises(LeaseLost):
                self.run(self.queue.fail(event, "it broke", permanent=permanent))
            return
        again = self.run(self.queue.fail(event, "it broke", permanent=permanent))
        assert again == (not permanent and copy.attempts < copy.policy.max_attempts)
        if again:
            self.model.reopen(copy, self.model.backoff(copy))
        else:
            self.model.leave(copy, "failed" if permanent else "exhausted")

    @rule(event=claims)
    def release(self, event: Event) -> None:
        if copy := self.holder(event):
            self.run(self.queue.release(event))
            self.model.reopen(copy, 0, refund=True)
        else:
            with pytest.raises(LeaseLost):
                self.run(self.queue.release(event))

    @rule(event=claims)
    def extend(self, event: Event) -> None:
        if copy := self.holder(event):
            assert self.run(self.queue.extend(event)) == copy.stop
            copy.lease_until = self.model.now + timedelta(seconds=LEASE_S)
        else:
            with pytest.raises(LeaseLost):
                self.run(self.queue.extend(event))

    @rule(seconds=st.sampled_from([1.0, 7.0, 31.0]))
    def advance(self, seconds: float) -> None:
        self.model.now += timedelta(seconds=seconds)

    @rule()
    def maintain(self) -> None:
        async def once() -> None:
            async with self.database.acquire() as line:
                await self.maintenance.run_once(line)

        self.run(once())
        self.model.maintain()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.model.live:
            return
        copy = self.model.live[data.draw(st.sampled_from(sorted(self.model.live)))]
        cancelled, asked = self.run(self.queue.cancel([copy.id]))
        if copy.state == "leased":
            assert (cancelled, asked) == ([], [copy.id])
            copy.stop = True
        else:
            assert (cancelled, asked) == ([copy.id], [])
            self.model.leave(copy, "cancelled")

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        if not self.model.dead:
            return
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.model.dead)), min_size=1, unique=True))
        assert self.run(self.queue.retry(chosen)) == sorted(chosen)
        self.model.revive(chosen)

    @rule()
    def purge(self) -> None:
        dead = sorted(self.model.dead)
        assert self.run(self.queue.purge("dead")) == len(dead)
        self.model.past.update(dict.fromkeys(dead, "discarded"))
        self.model.dead.clear()
        self.model.lift(dead)

    @rule(name=st.sampled_from(sorted(POLICIES)))
    def pause_or_resume(self, name: str) -> None:
        if name in self.model.paused:
            self.run(self.queue.resume(name))
        else:
            self.run(self.queue.pause(name))
        self.model.paused ^= {name}

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "database"):
            return
        live = self.run(self.owner.fetch("select id, state, attempts, run_at, token from queue.event"))
        assert {row["id"]: tuple(row)[1:] for row in live} == {
            copy.id: (copy.state, copy.attempts, copy.run_at, copy.token) for copy in self.model.live.values()
        }
        dead = self.run(self.owner.fetch("select id from queue.dead_letter"))
        assert {row["id"] for row in dead} == set(self.model.dead)
        past = self.run(self.owner.fetch("select event_id, outcome from queue.history"))
        assert {row["event_id"]: row["outcome"] for row in past} == self.model.past
        lanes = self.run(
            self.owner.fetch("select subscription, ordering_key, live, blocked_by from queue.lane")
        )
        counted = {(c.policy.name, c.lane) for c in self.model.live.values() if c.lane} | set(self.model.bars)
        assert {(row[0], row[1]) for row in lanes} == counted
        assert {(row[0], row[1]): row[3] for row in lanes if row[3]} == self.model.bars
        for row in lanes:
            inside = [c for c in self.model.live.values() if (c.policy.name, c.lane) == (row[0], row[1])]
            assert row["live"] == len(inside)


@pytest.mark.slow
def test_the_queue_and_its_model_agree(settings: CoreSettings, owner_dsn: str) -> None:
    _run(settings, owner_dsn, examples=25, steps=40)


def test_the_queue_and_its_model_agree_at_a_glance(settings: CoreSettings, owner_dsn: str) -> None:
    _run(settings, owner_dsn, examples=3, steps=15)


def _run(core_settings: CoreSettings, dsn: str, *, examples: int, steps: int) -> None:
    machine = type("Machine", (QueueMachine,), {"core_settings": core_settings, "owner_dsn": dsn})
    run_state_machine_as_test(  # pyright: ignore[reportUnknownMemberType]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
            ],
        ),
    )
