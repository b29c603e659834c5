"""Schedules: a cron expression in a time zone publishes an event once, no matter how many workers run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rookery_core import sql, telemetry
from rookery_core.errors import InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE, QueueBase
from rookery_core.queue.model import Message, check_name, encode_message
from rookery_core.queue.publish import Publisher

_SQL = sql.load(PACKAGE, "sql/schedules.sql")
logger = telemetry.get_logger(__name__)


class Schedules:
    """The schedules of one team."""

    def __init__(self, base: QueueBase, publisher: Publisher) -> None:
        self._base = base
        self._publisher = publisher

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
        """Publish `payload` to `topic` at the times of a cron expression; returns the next one.

        cron: five fields, or six with seconds first. A time that a clock change skips runs just after it, one that
        occurs twice runs once. All times missed while no worker ran are made up for by one event. Raises
        InvalidInput for a wrong cron expression, time zone, name or payload.
        """
        check_name(name, "schedule")
        check_name(topic, "topic")
        message = encode_message(Message(payload, None, ordering_key, priority), None)
        async with self._base.connection() as connection:
            now = await connection.fetchval(_SQL["get_time"], self._base.now())
            return await connection.fetchval(
                _SQL["upsert_schedule"], self._base.team, name, topic, cron, time_zone, message.payload, ordering_key,
                priority, next_time(cron, time_zone, now),
            )  # fmt: skip

    async def remove(self, name: str) -> None:
        """Delete a schedule. Raises NotFound."""
        await self._change("delete_schedule", name)

    async def pause(self, name: str, paused: bool = True) -> None:
        """Pause a schedule, or resume it at its next time. Raises NotFound."""
        await self._change("pause_schedule", name, paused)

    async def _change(self, statement: str, name: str, *arguments: Any) -> None:
        async with self._base.connection() as connection:
            if await connection.fetchval(_SQL[statement], self._base.team, name, *arguments) is None:
                raise NotFound(f"No schedule {name!r}.")

    async def list(self) -> list[dict[str, Any]]:
        """All schedules: name, topic, cron, time_zone, payload, ordering_key, priority, next_at, last_at, paused."""
        async with self._base.connection() as connection:
            rows = await connection.fetch(_SQL["list_schedules"], self._base.team)
        return [dict(row.items()) for row in rows]

    async def fire_due(self) -> int:
        """Publish what is due; returns how many events this process published.

        Advancing the schedule and publishing are one transaction, only one process advances it from a given time, and
        the idempotency key is made of name and time. A schedule that cannot be published is logged and delays no
        other.
        """
        async with self._base.connection() as connection:
            due = await connection.fetch(_SQL["list_due_schedules"], self._base.team, self._base.now())
        fired = 0
        for row in due:
            try:
                fired += await self._fire(dict(row.items()))
            except InvalidInput as error:  # a time zone that this machine does not know
                logger.warning("schedule %r published nothing: %s", row["name"], error)
        return fired

    async def _fire(self, due: dict[str, Any]) -> bool:
        upcoming = next_time(due["cron"], due["time_zone"], due["now"])
        async with self._base.transaction() as connection:
            advanced = await connection.fetchval(
                _SQL["advance_schedule"], self._base.team, due["name"], due["next_at"], upcoming
            )
            if advanced is None:
                return False
            try:
                result = await self._publisher.enqueue(
                    due["topic"],
                    due["payload"],
                    key=f"schedule:{due['name']}:{due['next_at'].isoformat()}",
                    ordering_key=due["ordering_key"],
                    priority=due["priority"],
                    connection=connection,
                )
            except NotFound as error:  # the schedule advances nevertheless
                logger.warning("schedule %r published nothing: %s", due["name"], error)
                return False
        return not result.duplicate


def next_time(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first time of a cron expression after `after`, in its time zone. Raises InvalidInput."""
    from cronsim import CronSim, CronSimError

    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"time_zone must be a known time zone, not {time_zone!r}.",
            hint="Use a name such as Europe/Vienna.",
        ) from None
    try:
        return next(CronSim(cron, after.astimezone(zone)))
    except CronSimError as error:
        raise InvalidInput(
            f"cron must be a cron expression, not {cron!r}: {error}.",
            hint="Example: '0 9 * * 1-5' for 9:00 on weekdays.",
        ) from None
    except StopIteration:
        raise InvalidInput(f"cron must match some time; {cron!r} never does.") from None
