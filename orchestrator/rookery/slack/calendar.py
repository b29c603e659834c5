"""The organisation's calendar as a tool, read from a configured ICS address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Any

from rookery.agent.local_tools import LocalTool
from rookery_core.errors import InvalidInput, Unavailable

MAX_BYTES = 20_000_000
MAX_EVENTS = 100
_FRESH_S = 600.0

PARAMETERS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "start": {
            "type": "string",
            "description": "Start, ISO 8601 (2026-11-20 or 2026-11-20T09:00Z).",
        },
        "end": {
            "type": "string",
            "description": "End, exclusive, ISO 8601; at most 366 days after the start.",
        },
        "query": {
            "type": "string",
            "description": "Only events whose title, place or description contains this text.",
        },
    },
    "required": ["start", "end"],
    "additionalProperties": False,
}


class Calendar:
    """Fetches the calendar at most every ten minutes; uses the last copy while the address is unavailable."""

    def __init__(self, url: str, *, clock: Callable[[], float] = monotonic) -> None:
        self._url = url
        self._clock = clock
        self._content = b""
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    def tool(self) -> LocalTool:
        return LocalTool(
            name="calendar_events",
            description=(
                "Events of the organisation's calendar in a time range: meetings, holidays, absences, on-call "
                "duty. Recurring events are expanded. Use it for questions about who is away or what is planned."
            ),
            parameters=PARAMETERS,
            run=self.events,
        )

    async def events(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The events in order of their start. Raises InvalidInput for an invalid time range, Unavailable."""
        start, end = _moment(arguments, "start"), _moment(arguments, "end")
        if not start < end <= start + timedelta(days=366):
            raise InvalidInput("end must be after start and within 366 days.")
        content = await self._current()
        matching, unreadable = await asyncio.to_thread(
            events_in, content, start, end, str(arguments.get("query") or "")
        )
        answer: dict[str, Any] = {
            "events": matching[:MAX_EVENTS],
            "left_out": max(0, len(matching) - MAX_EVENTS),
        }
        return {**answer, "unreadable": unreadable} if unreadable else answer

    async def _current(self) -> bytes:
        async with self._lock:
            if self._clock() - self._fetched > _FRESH_S:
                try:
                    self._content = await _fetch(self._url)
                    self._fetched = self._clock()
                except Unavailable:
                    if not self._content:
                        raise
            return self._content


def events_in(content: bytes, start: datetime, end: datetime, query: str) -> tuple[list[dict[str, Any]], int]:
    """(events of an ICS file in a time range, number of unreadable events).

    Raises InvalidInput when the file is not a calendar.
    """
    import icalendar
    import recurring_ical_events  # pyright: ignore[reportMissingTypeStubs]

    class Readable(recurring_ical_events.CalendarQuery):
        suppressed_errors = (Exception,)  # pyright: ignore[reportAssignmentType]

    try:
        calendar: Any = icalendar.Calendar.from_ical(content)
        series: Any = Readable(calendar, skip_bad_series=True)
        occurrences = sorted(series.between(start, end), key=_order)
    except ValueError as error:
        raise InvalidInput(f"The calendar is not valid ICS: {error}.") from None
    shapes = [_shape(event) for event in occurrences if event.get("STATUS") != "CANCELLED"]
    needle = query.casefold()
    matching = [s for s in shapes if needle in " ".join(str(value) for value in s.values()).casefold()]
    written = {event.get("UID", id(event)) for event in calendar.walk("VEVENT")}
    return matching, len(written) - len(series.series)


def _order(event: Any) -> tuple[datetime, str]:
    """Sort key: start in any time zone, then title. Days and times without a zone are taken as UTC."""
    start: date | datetime = event["DTSTART"].dt
    moment = start if isinstance(start, datetime) else datetime.combine(start, time.min)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)), str(event.get("SUMMARY", ""))


def _shape(event: Any) -> dict[str, Any]:
    shape: dict[str, Any] = {"title": str(event.get("SUMMARY", "")), "start": _written(event, "DTSTART")}
    for name, field in (("end", "DTEND"), ("place", "LOCATION"), ("description", "DESCRIPTION")):
        value = _written(event, field) if field == "DTEND" else str(event.get(field, ""))[:500]
        if value:
            shape[name] = value
    return shape


def _written(event: Any, field: str) -> str:
    value = event.get(field)
    moment: date | datetime | None = getattr(value, "dt", None)
    return moment.isoformat() if moment is not None else ""


def _moment(arguments: Mapping[str, Any], name: str) -> datetime:
    text = str(arguments.get(name) or "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{name} {text!r} is not a date or time in ISO 8601, such as 2026-11-20."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _fetch(url: str) -> bytes:
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.get(url.replace("webcal://", "https://", 1)) as response,
        ):
            if response.status != 200:
                raise Unavailable(f"The calendar answered {response.status}.")
            content = await response.content.read(MAX_BYTES + 1)
            while len(content) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES)):
                content += more
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"The calendar cannot be fetched ({type(error).__name__}).") from None
    if len(content) > MAX_BYTES:
        raise Unavailable("The calendar is larger than 20 MB.")
    return content
