"""Schedules: a cron line in a time zone publishes an event, once, however many processes watch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rookery_core import sql, telemetry
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.model import Message, check_name, outgoing

if TYPE_CHECKING:
    from rookery_core.queue.publish import Publishing

_SQL = sql.load(PACKAGE, "schedules.sql")
_log = telemetry.get_logger(__name__)


class Schedules:
    """The schedules of one team."""

    def __init__(self, queue: Publishing) -> None:
        self._queue = queue

    async def set(
        self,
        name: str,
        topic: str,
        cron: str,
        payload: Mapping[str, Any],
        *,
        time_zone: str = "UTC",
        ordering_key: str | None = None,
        priority: int = 0,
    ) -> datetime:
        """Publish `payload` to `topic` at the times of a cron line; returns the next one.

        cron: five fields, or six with seconds first. An hour that a change of clocks leaves out runs just after
        it, one that comes twice runs once. Times missed while nothing ran are made up for by one event.
        Raises InvalidInput.
        """
        check_name(name, "schedule")
        check_name(topic, "topic")
        message = outgoing(Message(payload, None, ordering_key, priority), None)
        async with self._queue.connection() as own:
            now = await own.fetchval(_SQL["now"], self._queue.now())
            return await own.fetchval(
                _SQL["set_schedule"], self._queue.team, name, topic, cron, time_zone, message.payload, ordering_key,
                priority, next_time(cron, time_zone, now),
            )  # fmt: skip

    async def remove(self, name: str) -> None:
        """End a schedule. Raises NotFound."""
        await self._change("remove_schedule", name)

    async def pause(self, name: str, paused: bool = True) -> None:
        """Stop a schedule, or let it go on with its next time. Raises NotFound."""
        await self._change("pause_schedule", name, paused)

    async def _change(self, statement: str, name: str, *arguments: Any) -> None:
        async with self._queue.connection() as own:
            if await own.fetchval(_SQL[statement], self._queue.team, name, *arguments) is None:
                raise NotFound(f"No schedule {name!r}.")

    async def list(self) -> list[dict[str, Any]]:
        """Every schedule: name, topic, cron, time_zone, payload, ordering_key, priority, next_at, last_at, paused."""
        async with self._queue.connection() as own:
            rows = await own.fetch(_SQL["schedules"], self._queue.team)
        return [dict(row.items()) for row in rows]

    async def fire_due(self) -> int:
        """Publish what is due; returns how many events this process published.

        Moving the schedule on and publishing are one transaction, and only one process moves it on from a given
        time; the key, made of name and time, makes doubly sure. One that cannot be published says so in the log, and
        keeps no other from its time.
        """
        async with self._queue.connection() as own:
            due = await own.fetch(_SQL["due_schedules"], self._queue.team, self._queue.now())
        fired = 0
        for row in due:
            try:
                fired += await self._fire(dict(row.items()))
            except InvalidInput as error:  # a time zone that this machine does not know
                _log.warning("schedule %r published nothing: %s", row["name"], error)
        return fired

    async def _fire(self, due: dict[str, Any]) -> bool:
        upcoming = next_time(due["cron"], due["time_zone"], due["now"])
        async with self._queue.transaction() as own:
            mine = await own.fetchval(
                _SQL["advance_schedule"], self._queue.team, due["name"], due["next_at"], upcoming
            )
            if mine is None:
                return False
            try:
                answer = await self._queue.enqueue(
                    due["topic"],
                    due["payload"],
                    key=f"schedule:{due['name']}:{due['next_at'].isoformat()}",
                    ordering_key=due["ordering_key"],
                    priority=due["priority"],
                    connection=own,
                )
            except NotFound as error:  # its time is over all the same
                _log.warning("schedule %r published nothing: %s", due["name"], error)
                return False
        return not answer.duplicate


def next_time(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first time of a cron line after `after`, with its time zone. Raises InvalidInput."""
    from cronsim import CronSim, CronSimError

    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"time_zone {time_zone!r} is unknown.", hint="Use a name such as Europe/Vienna."
        ) from None
    try:
        return next(CronSim(cron, after.astimezone(zone)))
    except CronSimError as error:
        raise InvalidInput(
            f"cron {cron!r} is not a cron line: {error}.", hint="Such as '0 9 * * 1-5' for 9:00 on weekdays."
        ) from None
    except StopIteration:
        raise InvalidInput(f"cron {cron!r} never comes.") from None
