"""The calendar tool, over a real HTTP server and real ICS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from rookery.slack.calendar import Calendar, events_in
from rookery_core.errors import InvalidInput, Unavailable

ICS = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//tests//EN
BEGIN:VEVENT
UID:standup
DTSTART:20261102T090000Z
DTEND:20261102T091500Z
RRULE:FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR
EXDATE:20261104T090000Z
SUMMARY:Stand-up
LOCATION:Room 1
END:VEVENT
BEGIN:VEVENT
UID:holiday
DTSTART;VALUE=DATE:20261105
DTEND;VALUE=DATE:20261106
SUMMARY:Public holiday
END:VEVENT
END:VCALENDAR
"""


def test_recurring_events_are_expanded_without_their_exceptions() -> None:
    week, unreadable = events_in(
        ICS, datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 7, tzinfo=UTC), ""
    )
    assert unreadable == 0
    assert [(event["start"][:10], event["title"]) for event in week] == [
        ("2026-11-02", "Stand-up"),
        ("2026-11-03", "Stand-up"),
        ("2026-11-05", "Public holiday"),
        ("2026-11-05", "Stand-up"),
        ("2026-11-06", "Stand-up"),
    ]
    (one,), _ = events_in(
        ICS, datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 7, tzinfo=UTC), "HOLIDAY"
    )
    assert one == {"title": "Public holiday", "start": "2026-11-05", "end": "2026-11-06"}


def calendar_of(*events: str) -> bytes:
    inside = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//tests//EN\n{inside}END:VCALENDAR\n".encode()


def test_one_bad_event_costs_no_other_and_order_is_that_of_the_clock() -> None:
    content = calendar_of(
        "UID:1\nDTSTART:20261103T083000Z\nSUMMARY:second",
        "UID:2\nDTSTART;TZID=Europe/Berlin:20261103T090000\nSUMMARY:first",
        "UID:3\nDTSTART;VALUE=DATE:20261103\nSUMMARY:whole day",
        "UID:4\nSUMMARY:without a start",
        "UID:5\nDTSTART:20261103T083000Z\nRRULE:FREQ=FORTNIGHTLY\nSUMMARY:of a rule nobody knows",
        "UID:6\nDTSTART:2026-11-03\nSUMMARY:of a date nobody writes",
        "UID:7\nDTSTART:20261103T083000Z\nDTSTART:20261104T083000Z\nSUMMARY:of two starts",
        "UID:8\nDTSTART:20261103T083000Z\nSTATUS:CANCELLED\nSUMMARY:called off",
        "DTSTART:20261103T100000Z\nSUMMARY:without a UID",
    )
    day = datetime(2026, 11, 3, tzinfo=UTC)
    events, unreadable = events_in(content, day, day + timedelta(days=1), "")
    assert [event["title"] for event in events] == ["whole day", "first", "second", "without a UID"]
    assert unreadable == 4


def test_what_is_no_calendar_is_refused() -> None:
    with pytest.raises(InvalidInput):
        events_in(
            b"<html>login</html>", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), ""
        )


class Source:
    """An ICS address that counts and can fail."""

    def __init__(self) -> None:
        self.hits = 0
        self.status = 200
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        self.hits += 1
        return web.Response(body=ICS, status=self.status)


@pytest.fixture
async def source() -> AsyncIterator[Source]:
    held = Source()
    application = web.Application()
    application.router.add_get("/calendar.ics", held.serve)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    held.url = f"http://127.0.0.1:{runner.addresses[0][1]}/calendar.ics"
    yield held
    await runner.cleanup()


async def test_it_is_fetched_seldom_and_an_old_copy_serves(source: Source) -> None:
    now = 0.0
    calendar = Calendar(source.url, clock=lambda: now)
    span = {"start": "2026-11-05", "end": "2026-11-06"}
    for _ in range(3):
        assert len((await calendar.events(span))["events"]) == 2
    assert source.hits == 1
    now, source.status = 601.0, 503
    assert len((await calendar.events(span))["events"]) == 2
    assert source.hits == 2


async def test_errors_name_the_field(source: Source) -> None:
    calendar = Calendar(source.url)
    with pytest.raises(InvalidInput, match="start 'tomorrow'"):
        await calendar.events({"start": "tomorrow", "end": "2026-11-06"})
    with pytest.raises(InvalidInput, match="after start"):
        await calendar.events({"start": "2026-11-06", "end": "2026-11-05"})
    source.status = 500
    with pytest.raises(Unavailable, match="500"):
        await calendar.events({"start": "2026-11-05", "end": "2026-11-06"})
