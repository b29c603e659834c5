"""Looking into the queue: figures, lists, one event wherever it is. Changes nothing."""

from __future__ import annotations

from typing import Any, Literal

from rookery_core import sql
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE, Base
from rookery_core.queue.model import LAST_ID

_SQL = sql.load(PACKAGE, "inspect.sql")
_LIVE = ("ready", "scheduled", "blocked", "leased")
_PAST = ("done", "cancelled", "discarded")

State = Literal["ready", "scheduled", "blocked", "leased", "dead", "done", "cancelled", "discarded"]


class Inspecting(Base):
    """What operators look at."""

    async def stats(self) -> dict[str, Any]:
        """Figures of now: `subscriptions` (a row each), `health`, `workers`.

        A subscription's row: ready, scheduled, blocked, leased, dead (numbers of events), done_last_minute,
        mean_run_s, mean_wait_s and oldest_ready_s (seconds or None), paused, concurrency, workers.
        """
        async with self.connection() as own:
            depths = await own.fetch(_SQL["depths"], self.team, self.now())
            health = await own.fetchrow(_SQL["health"])
            workers = await own.fetch(_SQL["workers"], self.team, self.now())
        return {
            "subscriptions": [dict(row.items()) for row in depths],
            "health": dict(health.items()) if health else {},
            "workers": [dict(row.items()) for row in workers],
        }

    async def list(
        self,
        state: State | None = None,
        *,
        subscription: str | None = None,
        limit: int = 50,
        after: int | None = None,
    ) -> list[dict[str, Any]]:
        """Events in a state, or all live ones; the history newest first, all others oldest first.

        after: the id of the last event of the page before. Raises InvalidInput for an unknown state,
        NotFound for an unknown subscription.
        """
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit {limit!r} is not between 1 and 1000.")
        if state is None or state in _LIVE:
            query, arguments = "live_events", (after or 0, subscription, state)
        elif state == "dead":
            query, arguments = "dead_events", (after or 0, subscription)
        elif state in _PAST:
            query, arguments = "past_events", (after or LAST_ID, subscription, state)
        else:
            raise InvalidInput(f"state {state!r} is unknown.", candidates=[*_LIVE, "dead", *_PAST])
        async with self.connection() as own:
            rows = await own.fetch(_SQL[query], self.team, *arguments, limit)
        if not rows and subscription is not None:  # one that ended may have left dead letters and history
            await self.check_subscription(subscription)
        return [dict(row.items()) for row in rows]

    async def show(self, event_id: int) -> dict[str, Any]:
        """One event with everything known of it. `found_in` is live, dead or history. Raises NotFound."""
        async with self.connection() as own:
            row = await own.fetchrow(_SQL["one_event"], self.team, event_id)
        if row is None:
            raise NotFound(f"No event {event_id}: never was, or its history was purged.")
        return {"found_in": row["place"], **row["event"]}

    async def events_of_trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The events under a trace id, oldest first: live ones, dead letters and history. Looks through all."""
        async with self.connection() as own:
            rows = await own.fetch(_SQL["events_of_trace"], self.team, trace_id)
        return [dict(row.items()) for row in rows]
