"""What operators do with the queue: look at figures and events, retry, cancel, purge, replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from rookery_core import sql
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE, QueueBase
from rookery_core.queue.claims import Claims, Finish
from rookery_core.queue.model import LAST_ID

_SQL = sql.load(PACKAGE, "sql/admin.sql")
_REPLAY_BATCH = 1_000
_PURGE_BATCH = 10_000
MAX_LIST = 1000
LIVE_STATES = ("ready", "scheduled", "blocked", "leased")
FINISHED_STATES = ("done", "cancelled", "discarded")

State = Literal["ready", "scheduled", "blocked", "leased", "dead", "done", "cancelled", "discarded"]


class Inspection:
    """Reads the queue of one team; changes nothing."""

    def __init__(self, base: QueueBase) -> None:
        self._base = base

    async def stats(self) -> dict[str, Any]:
        """Current figures: `subscriptions` (a row each), `health`, `workers`.

        A subscription's row: ready, scheduled, blocked, leased, dead (numbers of events), done_last_minute,
        mean_run_s, mean_wait_s and oldest_ready_s (seconds or None), paused, concurrency, workers.
        """
        async with self._base.connection() as connection:
            subscriptions = await connection.fetch(
                _SQL["get_subscription_stats"], self._base.team, self._base.now()
            )
            health = await connection.fetchrow(_SQL["get_health"])
            workers = await connection.fetch(_SQL["list_workers"], self._base.team, self._base.now())
        return {
            "subscriptions": [dict(row.items()) for row in subscriptions],
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
        """Events in a state, or all live ones; finished events newest first, all others oldest first.

        after: the id of the last event of the previous page. Raises InvalidInput for an unknown state or a limit that
        is not 1 to 1000, NotFound for an unknown subscription.
        """
        if not 1 <= limit <= MAX_LIST:
            raise InvalidInput(f"limit must be 1 to {MAX_LIST}, not {limit!r}.")
        if state is None or state in LIVE_STATES:
            statement, arguments = "list_live_events", (after or 0, subscription, state)
        elif state == "dead":
            statement, arguments = "list_dead_letters", (after or 0, subscription)
        elif state in FINISHED_STATES:
            statement, arguments = "list_finished_events", (after or LAST_ID, subscription, state)
        else:
            raise InvalidInput(
                f"state must be the state of an event, not {state!r}.",
                candidates=[*LIVE_STATES, "dead", *FINISHED_STATES],
            )
        async with self._base.connection() as connection:
            rows = await connection.fetch(_SQL[statement], self._base.team, *arguments, limit)
        if not rows and subscription is not None:  # a deleted one may have left dead letters and history
            await self._base.check_subscription(subscription)
        return [dict(row.items()) for row in rows]

    async def show(self, event_id: int) -> dict[str, Any]:
        """Everything recorded about one event. `found_in` is live, dead or history. Raises NotFound."""
        async with self._base.connection() as connection:
            row = await connection.fetchrow(_SQL["get_event"], self._base.team, event_id)
        if row is None:
            raise NotFound(f"No event {event_id}: it never existed, or its history was purged.")
        return {"found_in": row["found_in"], **row["event"]}

    async def events_of_trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The events of a trace, oldest first: live, dead letters and history. Scans all of them."""
        async with self._base.connection() as connection:
            rows = await connection.fetch(_SQL["list_events_of_trace"], self._base.team, trace_id)
        return [dict(row.items()) for row in rows]


class Operations:
    """Changes the events of one team."""

    def __init__(self, base: QueueBase, claims: Claims) -> None:
        self._base = base
        self._claims = claims

    async def retry(self, event_ids: Sequence[int]) -> list[int]:
        """Run dead letters again, with all their attempts, and scheduled events now.

        Returns the ids that will run; events in another state are left alone.
        """
        ids = list(event_ids)
        async with self._base.transaction() as connection:
            await connection.fetch(_SQL["lock_blocked_lanes"], self._base.team, ids)
            revived = await connection.fetch(
                _SQL["retry_dead_letters"], self._base.team, self._base.now(), ids
            )
            revived_ids = [row["id"] for row in revived]
            if revived_ids:
                await connection.fetch(_SQL["unblock_lanes"], self._base.team, self._base.now(), revived_ids)
            promoted = await connection.fetch(_SQL["promote_events"], self._base.team, ids)
        await self._base.notify({row["topic"] for row in [*revived, *promoted]})
        return sorted({*revived_ids, *(row["id"] for row in promoted)})

    async def cancel(self, event_ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """Cancel events; returns (ids cancelled now, ids that are running and asked to stop).

        The worker of a running event stops its handler within a heartbeat; an event that completes before is done.
        """
        ids = list(event_ids)
        cancelled: set[int] = set()
        requested: list[int] = []
        for _ in range(3):  # an event may be claimed, or released, between one statement and the next
            async with self._base.connection() as connection:
                rows = await connection.fetch(_SQL["list_unleased_events"], self._base.team, ids)
            unleased = [row["id"] for row in rows]
            cancelled |= await self._claims.finish_many(
                [Finish(event_id, None, "cancelled") for event_id in unleased], strict=False
            )
            async with self._base.connection() as connection:
                rows = await connection.fetch(_SQL["request_cancellation"], self._base.team, ids)
            requested = [row["id"] for row in rows]
            if cancelled.issuperset(unleased):
                break
        return sorted(cancelled), sorted(requested)

    async def purge(
        self,
        what: str,
        *,
        event_ids: Sequence[int] | None = None,
        subscription: str | None = None,
        older_than_s: float | None = None,
    ) -> int:
        """Discard dead letters (`dead`: they move to the history) or delete history (`history`); returns how many.

        Raises NotFound for an unknown subscription, InvalidInput for another `what` or for history by event ids.
        """
        if what == "dead":
            purged = await self._discard(event_ids, subscription, older_than_s)
        elif what != "history":
            raise InvalidInput(f"what must be dead or history, not {what!r}.", candidates=["dead", "history"])
        elif event_ids is not None:
            raise InvalidInput(
                "History cannot be deleted by event ids.", hint="Select it by a subscription or an age."
            )
        else:
            purged = await self._delete_history(subscription, older_than_s or 0.0)
        if not purged and subscription is not None:
            await self._base.check_subscription(subscription)
        return purged

    async def _delete_history(self, subscription: str | None, older_than_s: float) -> int:
        purged = 0
        while True:
            async with self._base.connection() as connection:
                status = await connection.execute(
                    _SQL["purge_history"], self._base.team, self._base.now(), subscription, older_than_s,
                    _PURGE_BATCH,
                )  # fmt: skip
            number = int(status.split()[-1])
            purged += number
            if number < _PURGE_BATCH:
                return purged

    async def _discard(
        self, event_ids: Sequence[int] | None, subscription: str | None, older_than_s: float | None
    ) -> int:
        ids = None if event_ids is None else list(event_ids)
        async with self._base.transaction() as connection:
            rows = await connection.fetch(
                _SQL["discard_dead_letters"],
                self._base.team,
                self._base.now(),
                ids,
                subscription,
                older_than_s,
            )
            discarded = [row["id"] for row in rows]
            await connection.fetch(_SQL["lock_blocked_lanes"], self._base.team, discarded)
            unblocked = await connection.fetch(
                _SQL["unblock_lanes"], self._base.team, self._base.now(), discarded
            )
        await self._base.notify({row["topic"] for row in unblocked})
        return len(discarded)

    async def replay(
        self,
        *,
        event_ids: Sequence[int] | None = None,
        subscription: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Publish finished events again from the history, oldest first, to the subscription they had.

        They get new ids, so their effects happen again, and keep their key for the record. Returns how many. Raises
        InvalidInput when no argument selects events, NotFound for an unknown subscription.
        """
        if event_ids is None and subscription is None and since is None:
            raise InvalidInput(
                "A replay needs event ids, a subscription or since.",
                hint="Select what to replay; all of the history cannot be replayed at once.",
            )
        ids = None if event_ids is None else list(event_ids)
        last_id, replayed, newest = 0, 0, await self._newest_id()
        while True:
            async with self._base.connection() as connection:
                rows = await connection.fetch(
                    _SQL["list_replayable_events"], self._base.team, ids, subscription, since, until, last_id, newest,
                    _REPLAY_BATCH,
                )  # fmt: skip
                finished = [row["event_id"] for row in rows]
                copies = (
                    await connection.fetch(_SQL["replay_events"], self._base.team, self._base.now(), finished)
                    if finished
                    else []
                )
            replayed += len(copies)
            await self._base.notify({row["topic"] for row in copies})
            if len(finished) < _REPLAY_BATCH:
                break
            last_id = finished[-1]
        if not replayed and subscription is not None:
            await self._base.check_subscription(subscription)
        return replayed

    async def _newest_id(self) -> int:
        """The last id when the replay begins, so that it never replays its own copies."""
        async with self._base.connection() as connection:
            return await connection.fetchval(_SQL["get_newest_finished_id"], self._base.team) or 0
