"""One reader of dates for all servers: a bare day is whole, inclusive at both ends, in the zone of the caller."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.dates import MONTHS, parse_datetime, parse_period, parse_time_range, spell_out
from rookery_core.errors import InvalidInput

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 10, 21, 13, 45, tzinfo=UTC)  # a Wednesday
ZONES = st.sampled_from([UTC, BERLIN, KOLKATA, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Apia")])
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-10-20", "2026-10-20", "2026-10-20"),
        ("20261020", "2026-10-20", "2026-10-20"),
        ("2026/10/20", "2026-10-20", "2026-10-20"),
        ("Oct 20, 2026", "2026-10-20", "2026-10-20"),
        ("October 20th 2026", "2026-10-20", "2026-10-20"),
        ("Tue, 20 Oct 2026", "2026-10-20", "2026-10-20"),
        ("20-Oct-2026", "2026-10-20", "2026-10-20"),
        ("Oct 20", "2026-10-20", "2026-10-20"),
        ("Dec 24", "2025-12-24", "2025-12-24"),
        ("29 February", "2024-02-29", "2024-02-29"),
        ("today", "2026-10-21", "2026-10-21"),
        (" Yesterday ", "2026-10-20", "2026-10-20"),
        ("tomorrow", "2026-10-22", "2026-10-22"),
        ("monday", "2026-10-19", "2026-10-19"),
        ("wednesday", "2026-10-21", "2026-10-21"),
        ("last wednesday", "2026-10-14", "2026-10-14"),
        ("next wed", "2026-10-28", "2026-10-28"),
        ("2026-W43", "2026-10-19", "2026-10-25"),
        ("this week", "2026-10-19", "2026-10-25"),
        ("last week", "2026-10-12", "2026-10-18"),
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("October 2026", "2026-10-01", "2026-10-31"),
        ("october", "2026-10-01", "2026-10-31"),
        ("november", "2025-11-01", "2025-11-30"),
        ("last month", "2026-09-01", "2026-09-30"),
        ("this quarter", "2026-10-01", "2026-12-31"),
        ("2026-Q2", "2026-04-01", "2026-06-30"),
        ("Q2 2026", "2026-04-01", "2026-06-30"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("2024", "2024-01-01", "2024-12-31"),
    ],
)
def test_a_period_is_whole(text: str, first: str, last: str) -> None:
    period = parse_period(text, now=NOW, zone=KOLKATA)
    start = datetime.fromisoformat(first).replace(tzinfo=KOLKATA)
    following = datetime.fromisoformat(last).replace(tzinfo=KOLKATA) + timedelta(days=1)
    assert (period.start, period.end) == (start, following - MICROSECOND)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-10-21T13:45:00Z"),
        ("90m", "2026-10-21T12:15:00Z"),
        ("24h", "2026-10-20T13:45:00Z"),
        ("7d", "2026-10-14T13:45:00Z"),
        ("-7d", "2026-10-14T13:45:00Z"),
        ("2 weeks ago", "2026-10-07T13:45:00Z"),
        ("3 months ago", "2026-07-21T13:45:00Z"),
        ("1y", "2025-10-21T13:45:00Z"),
        ("in 7 days", "2026-10-28T13:45:00Z"),
        ("2026-10-20T14:00:00Z", "2026-10-20T14:00:00Z"),
        ("2026-10-20T14:00:00+02:00", "2026-10-20T12:00:00Z"),
        ("2026-10-20 14:00", "2026-10-20T12:00:00Z"),
        ("2026-10-20T14:00", "2026-10-20T12:00:00Z"),
        ("Oct 20, 2026 2:30 pm", "2026-10-20T12:30:00Z"),
        ("20 Oct 2026 12 am", "2026-10-19T22:00:00Z"),
        ("Tue, 20 Oct 2026 14:00:00 GMT", "2026-10-20T14:00:00Z"),
        ("1546231961.387200", "2018-12-31T04:52:41.387200Z"),
    ],
)
def test_a_time_of_day_is_one_moment(text: str, moment: str) -> None:
    expected = datetime.fromisoformat(moment)
    assert parse_period(text, now=NOW, zone=BERLIN) == (expected, expected)


def test_a_recent_span_ends_now() -> None:
    assert parse_period("last 7 days", now=NOW) == (NOW - timedelta(days=7), NOW)


def test_a_bare_span_lies_ahead_where_the_field_does() -> None:
    assert parse_datetime("7d", now=NOW, ahead=True) == NOW + timedelta(days=7)
    assert parse_datetime("7 days ago", now=NOW, ahead=True) == NOW - timedelta(days=7)


@pytest.mark.parametrize(
    "text", ["", "soon", "10/11/2026", "2026-13", "2026-02-30", "32 Oct 2026", "Oct 20 2026 25:00", "99999999", "0000", "9999"]
)  # fmt: skip
def test_what_is_no_date_is_refused_by_field_with_a_remedy(text: str) -> None:
    with pytest.raises(InvalidInput, match="since must be a date or time") as refused:
        parse_datetime(text, now=NOW, field="since")
    assert "2026-10-20" in str(refused.value.hint)


def test_a_range_includes_both_of_its_days() -> None:
    first, last = parse_time_range("2026-03-28", "2026-03-29", now=NOW, zone=BERLIN)
    assert first == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert last == datetime(2026, 3, 29, 22, tzinfo=UTC) - MICROSECOND  # the clocks went forward that day
    assert parse_time_range("", " ", now=NOW) == (None, None)
    with pytest.raises(InvalidInput, match="start must not be after end"):
        parse_time_range("today", "yesterday", now=NOW)


@given(DAYS, ZONES)
def test_every_form_of_a_day_is_the_same_whole_day(day: date, zone: ZoneInfo) -> None:
    month = MONTHS[day.month - 1]
    forms = [
        day.isoformat(), f"{day:%Y%m%d}", f"{day.year}/{day.month}/{day.day}", f"{month} {day.day}, {day.year}",
        f"{month[:3]} {day.day} {day.year}", f"{day.day} {month[:3].upper()}. {day.year}",
        spell_out(datetime(day.year, day.month, day.day)),
    ]  # fmt: skip
    periods = {parse_period(form, now=NOW, zone=zone) for form in forms}
    assert len(periods) == 1


@given(DAYS, ZONES)
def test_days_follow_each_other_without_a_gap(day: date, zone: ZoneInfo) -> None:
    following = day + timedelta(days=1)
    first, second = (parse_period(each.isoformat(), now=NOW, zone=zone) for each in (day, following))
    assert first.end + MICROSECOND == second.start


@given(DAYS, ZONES)
def test_a_day_lies_in_its_month_and_year(day: date, zone: ZoneInfo) -> None:
    whole = parse_period(day.isoformat(), now=NOW, zone=zone)
    for text in (f"{day:%Y-%m}", f"{MONTHS[day.month - 1]} {day.year}", f"{day:%Y}"):
        longer = parse_period(text, now=NOW, zone=zone)
        assert longer.start <= whole.start and whole.end <= longer.end


@given(MOMENTS, ZONES)
def test_a_moment_in_iso_form_is_itself(moment: datetime, zone: ZoneInfo) -> None:
    assert parse_period(moment.astimezone(zone).isoformat(), now=NOW, zone=UTC) == (moment, moment)


@given(st.text(max_size=30) | st.from_regex(r"[a-z0-9 :/,.-]{1,20}", fullmatch=True), ZONES, MOMENTS)
def test_any_text_is_a_period_or_refused(text: str, zone: ZoneInfo, now: datetime) -> None:
    try:
        period = parse_period(text, now=now, zone=zone, field="since")
    except InvalidInput as refused:
        assert refused.message.startswith("since must be")
    else:
        assert period.start <= period.end and period.start.utcoffset() == period.end.utcoffset() == timedelta(
            0
        )
