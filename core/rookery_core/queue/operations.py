"""What operators do: pause and resume, retry, cancel, purge, replay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rookery_core import sql
from rookery_core.errors import InvalidInput
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.work import Working

_SQL = sql.load(PACKAGE, "operate.sql")
_BATCH = 1_000


class Operating(Working):
    """What operators do."""

    async def pause(self, subscription: str) -> None:
        """Claim nothing more of a subscription; what is running goes on. Raises NotFound."""
        await self._set_paused(subscription, True)

    async def resume(self, subscription: str) -> None:
        """Claim from a subscription again. Raises NotFound."""
        await self._set_paused(subscription, False)

    async def _set_paused(self, subscription: str, paused: bool) -> None:
        async with self.connection() as own:
            row = await own.fetchrow(_SQL["pause"], self.team, subscription, paused)
        if row is None:
            await self.check_subscription(subscription)
        elif not paused:
            await self.wake({row["topic"]})

    async def retry(self, event_ids: Sequence[int]) -> list[int]:
        """Run dead letters again, with all their attempts before them, and scheduled events now.

        Returns the ids that will run; what is neither (running, done, unknown) is left alone.
        """
        ids = list(event_ids)
        async with self.transaction() as own:
            await own.fetch(_SQL["bars"], self.team, ids)
            revived = await own.fetch(_SQL["revive"], self.team, self.now(), ids)
            back = [row["id"] for row in revived]
            if back:
                await own.fetch(_SQL["lift_bars"], self.team, self.now(), back)
            hurried = await own.fetch(_SQL["hurry"], self.team, ids)
        await self.wake({row["topic"] for row in [*revived, *hurried]})
        return sorted({*back, *(row["id"] for row in hurried)})

    async def cancel(self, event_ids: Sequence[int]) -> tuple[list[int], list[int]]:
        """Cancel events: returns (cancelled now, running and asked to stop).

        A running one is cancelled by its worker, which has its handler stop within a heartbeat; if it
        completes before that, it is done.
        """
        ids = list(event_ids)
        cancelled: set[int] = set()
        asked: list[int] = []
        for _ in range(3):  # an event may be claimed, or given back, between one statement and the next
            async with self.connection() as own:
                waiting = [row["id"] for row in await own.fetch(_SQL["waiting"], self.team, ids)]
            cancelled |= await self.leave([(one, None, "cancelled", None) for one in waiting], strict=False)
            async with self.connection() as own:
                asked = [row["id"] for row in await own.fetch(_SQL["ask_to_stop"], self.team, ids)]
            if cancelled.issuperset(waiting):
                break
        return sorted(cancelled), sorted(asked)

    async def purge(
        self,
        what: str,
        *,
        event_ids: Sequence[int] | None = None,
        subscription: str | None = None,
        older_than_s: float | None = None,
    ) -> int:
        """Discard dead letters (`dead`: they move to the history) or delete history (`history`); how many.

        Raises NotFound for an unknown subscription, InvalidInput for history by ids.
        """
        if what == "dead":
            purged = await self._discard(event_ids, subscription, older_than_s)
        elif what != "history":
            raise InvalidInput(f"Nothing to purge is called {what!r}.", candidates=["dead", "history"])
        elif event_ids is not None:
            raise InvalidInput(
                "History is not deleted by event ids.", hint="Narrow it by a subscription or an age."
            )
        else:
            purged = await self._delete_history(subscription, older_than_s or 0.0)
        if not purged and subscription is not None:
            await self.check_subscription(subscription)
        return purged

    async def _delete_history(self, subscription: str | None, older_than_s: float) -> int:
        purged = 0
        while True:
            async with self.connection() as own:
                status = await own.execute(
                    _SQL["purge_history"],
                    self.team,
                    self.now(),
                    subscription,
                    older_than_s,
                    10 * _BATCH,
                )
            number = int(status.split()[-1])
            purged += number
            if number < 10 * _BATCH:
                return purged

    async def _discard(
        self, event_ids: Sequence[int] | None, subscription: str | None, older_than_s: float | None
    ) -> int:
        ids = None if event_ids is None else list(event_ids)
        async with self.transaction() as own:
            gone = await own.fetch(_SQL["discard"], self.team, self.now(), ids, subscription, older_than_s)
            discarded = [row["id"] for row in gone]
            await own.fetch(_SQL["bars"], self.team, discarded)
            opened = await own.fetch(_SQL["lift_bars"], self.team, self.now(), discarded)
        await self.wake({row["topic"] for row in opened})
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

        They get new ids (so their effects happen anew) and keep their key for the record; returns how many.
        Raises InvalidInput when nothing narrows the choice, NotFound for an unknown subscription.
        """
        if event_ids is None and subscription is None and since is None:
            raise InvalidInput(
                "A replay of everything is refused.", hint="Give event ids, a subscription or since."
            )
        ids = None if event_ids is None else list(event_ids)
        last, replayed, newest = 0, 0, await self._newest_past()
        while True:
            async with self.connection() as own:
                rows = await own.fetch(
                    _SQL["past"], self.team, ids, subscription, since, until, last, newest, _BATCH
                )
                past = [row["event_id"] for row in rows]
                again = await own.fetch(_SQL["again"], self.team, self.now(), past) if past else []
            replayed += len(again)
            await self.wake({row["topic"] for row in again})
            if len(past) < _BATCH:
                break
            last = past[-1]
        if not replayed and subscription is not None:
            await self.check_subscription(subscription)
        return replayed

    async def _newest_past(self) -> int:
        """The last id when the replay begins, so that it never replays its own replays."""
        async with self.connection() as own:
            return await own.fetchval(_SQL["newest_past"], self.team) or 0
