"""Dates and times as people and models write them, for every server.

A text names a period: a bare day, week, month, quarter or year is whole, from its first to its last microsecond, in
the zone of the caller. As the start of a range it means its beginning, as the end of one its end, so that both ends
are inclusive. A text with a time of day is a single moment.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rookery_core.errors import InvalidInput

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
EXAMPLES = "2026-10-20, 2026-10, Oct 20 2026, 2026-10-20T14:00Z, yesterday, last week, 7d (ago)"
_HINT = f"Write one of these forms: {EXAMPLES}."
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_INSTANT = timedelta(microseconds=1)
_MONTH = (
    r"(?P<month>jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|" + "|".join(MONTHS).lower() + r")\.?"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_CLOCK = (
    r"(?:,?\s+(?:at\s+)?(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?\s*(?P<half>am|pm)?"
    r"\s*(?P<zone>z|utc|gmt)?)?"
)
_WEEKDAY = r"(?:(?:" + "|".join(f"{day[:3]}(?:{day[3:]})?" for day in DAYS).lower() + r")\.?,?\s+)?"


class Period(NamedTuple):
    """The first and the last moment of a span of time, both in UTC and both inclusive."""

    start: datetime
    end: datetime


class _Context(NamedTuple):
    """The present in the zone of the caller; ahead: whether a bare span such as 7d lies ahead."""

    now: datetime
    zone: tzinfo
    ahead: bool

    @property
    def today(self) -> datetime:
        """Midnight of today, without a zone."""
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)

    def between(self, start: datetime, following: datetime) -> Period:
        """From `start` until just before `following`, both local times without a zone."""
        return Period(self._utc(start), self._utc(following) - _INSTANT)

    def at(self, moment: datetime) -> Period:
        """A single moment; local where it names no zone."""
        utc = self._utc(moment)
        return Period(utc, utc)

    def days(self, first: datetime, count: int = 1) -> Period:
        """So many whole days."""
        return self.between(first, first + timedelta(days=count))

    def months(self, year: int, month: int, count: int = 1) -> Period:
        """So many whole months."""
        first = datetime(year, month, 1)
        return self.between(first, _add_months(first, count))

    def _utc(self, moment: datetime) -> datetime:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return aware.astimezone(UTC)


def load_zone(name: str | None) -> tzinfo:
    """The zone of that name; UTC when there is none or it is unknown."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def parse_period(
    text: str, *, now: datetime, zone: tzinfo = UTC, field: str = "date", ahead: bool = False
) -> Period:
    """The period that a text names; local to `zone` where the text names none. See EXAMPLES.

    ahead: a bare span such as 7d lies ahead of now. Raises InvalidInput naming the field.
    """
    plain = " ".join(text.split()).lower()
    context = _Context(now.astimezone(zone), zone, ahead)
    try:
        for pattern, read in _FORMS:
            if match := pattern.fullmatch(plain):
                return _bounded(read(match, context))
        return _bounded(_iso(plain.upper(), context))
    except (OverflowError, ValueError):
        shown = " ".join(text.split())[:60]
        raise InvalidInput(f"{field} must be a date or time, not {shown!r}.", hint=_HINT) from None


def parse_datetime(
    text: str,
    *,
    now: datetime,
    zone: tzinfo = UTC,
    field: str = "date",
    end: bool = False,
    ahead: bool = False,
) -> datetime:
    """The first moment, or with `end` the last, of the period that a text names. Raises as parse_period does."""
    period = parse_period(text, now=now, zone=zone, field=field, ahead=ahead)
    return period.end if end else period.start


def parse_time_range(
    start: str, end: str, *, now: datetime, zone: tzinfo = UTC, fields: tuple[str, str] = ("start", "end")
) -> tuple[datetime | None, datetime | None]:
    """The inclusive bounds that two texts name; None where one is blank.

    Raises InvalidInput for a text that is no date, and for a start after the end.
    """
    first = parse_datetime(start, now=now, zone=zone, field=fields[0]) if start.strip() else None
    last = parse_datetime(end, now=now, zone=zone, field=fields[1], end=True) if end.strip() else None
    if first and last and first > last:
        raise InvalidInput(f"{fields[0]} must not be after {fields[1]}.", hint="Exchange the two.")
    return first, last


def spell_out(moment: datetime | None) -> str:
    """`Monday 8 May 2023`, in English on every machine, so that a search for a month or a day matches it; empty for None."""
    if moment is None:
        return ""
    return f"{DAYS[moment.weekday()]} {moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def _bounded(period: Period) -> Period:
    if period.start < EARLIEST or period.end > LATEST:
        raise ValueError("beyond what every zone of the calendar holds")
    return period


def _iso(text: str, context: _Context) -> Period:
    moment = datetime.fromisoformat(text)
    day_alone = "T" not in text and ":" not in text and " " not in text
    if not day_alone:
        return context.at(moment)
    return context.days(moment, 7 if re.fullmatch(r"\d{4}-?W\d\d", text) else 1)


def _relative_day(match: re.Match[str], context: _Context) -> Period:
    offset = {"yesterday": -1, "today": 0, "tomorrow": 1}[match[1]]
    return context.days(context.today + timedelta(days=offset))


_DURATIONS = {
    "s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}  # fmt: skip
_UNIT = r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|mo|months?|y|yrs?|years?)"


def _moved(context: _Context, count: int, unit: str) -> datetime:
    """Now, moved by so many units; local, without a zone. Stops at the ends of the calendar."""
    if unit.startswith(("mo", "y")):
        return _add_months(context.now, count * (12 if unit.startswith("y") else 1)).astimezone(UTC)
    try:
        return context.now.astimezone(UTC) + count * _DURATIONS[unit[0]]
    except OverflowError:
        return EARLIEST if count < 0 else LATEST


def _span(match: re.Match[str], context: _Context) -> Period:
    """`7d`, `-7d`, `7 days ago`, `in 7 days`."""
    back = bool(match["minus"] or match["ago"]) or not (match["ahead"] or context.ahead)
    return context.at(_moved(context, int(match["count"]) * (-1 if back else 1), match["unit"]))


def _recent_span(match: re.Match[str], context: _Context) -> Period:
    """`last 7 days`: from then until now."""
    start = context.at(_moved(context, -int(match["count"]), match["unit"])).start
    return Period(start, context.now.astimezone(UTC))


def _calendar_unit(match: re.Match[str], context: _Context) -> Period:
    """`last week`, `this month`, `next year`. A week begins on Monday."""
    step = {"last": -1, "previous": -1, "this": 0, "current": 0, "next": 1}[match[1]]
    today = context.today
    if match[2] == "week":
        return context.days(today + timedelta(days=7 * step - today.weekday()), 7)
    if match[2] == "year":
        return context.months(today.year + step, 1, 12)
    length = 3 if match[2] == "quarter" else 1
    first = _add_months(today.replace(day=1), step * length - (today.month - 1) % length)
    return context.months(first.year, first.month, length)


def _weekday(match: re.Match[str], context: _Context) -> Period:
    """`Monday`: the latest one, today included; `last Monday`: the latest before today; `next Monday`: after today."""
    number = next(number for number, day in enumerate(DAYS) if day.lower().startswith(match["name"][:3]))
    today = context.today
    back = (today.weekday() - number) % 7
    if match["which"] == "next":
        return context.days(today + timedelta(days=7 - back))
    return context.days(today - timedelta(days=back or (7 if match["which"] == "last" else 0)))


def _month_of_year(match: re.Match[str], context: _Context) -> Period:
    """`Oct 2026`, `2026-10`, `October` (the latest one that has begun)."""
    month = _month_number(match["month"])
    if match["year"]:
        return context.months(int(match["year"]), month)
    return context.months(context.now.year - (month > context.now.month), month)


def _day_of_month(match: re.Match[str], context: _Context) -> Period:
    """`Oct 20, 2026`, `20 Oct` (the latest one that has begun), with or without a time of day."""
    month, day = _month_number(match["month"]), int(match["day"])
    if match["year"]:
        date = datetime(int(match["year"]), month, day)
    else:
        date = _latest_date(context.today, month, day)
    if match["hour"] is None:
        return context.days(date)
    moment = date.replace(
        hour=_hour(match), minute=int(match["minute"] or 0), second=int(match["second"] or 0)
    )
    return context.at(moment.replace(tzinfo=UTC) if match["zone"] else moment)


def _latest_date(today: datetime, month: int, day: int) -> datetime:
    """The latest such day that is not after today; 29 February looks back to a leap year."""
    for year in range(today.year, today.year - 9, -1):
        if day <= monthrange(year, month)[1] and (date := datetime(year, month, day)) <= today:
            return date
    raise ValueError("no such day")


def _hour(match: re.Match[str]) -> int:
    hour = int(match["hour"])
    if not match["half"]:
        if match["minute"] is None:
            raise ValueError("a number alone is no time of day")
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("no such hour")
    return hour % 12 + (12 if match["half"] == "pm" else 0)


def _quarter(match: re.Match[str], context: _Context) -> Period:
    return context.months(int(match["year"]), 3 * int(match["quarter"]) - 2, 3)


def _epoch(match: re.Match[str], context: _Context) -> Period:
    """Seconds since 1970, as Slack and Unix write them."""
    micros = int((match[2] or "").ljust(6, "0")[:6])
    return context.at(
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(match[1]), microseconds=micros)
    )


def _month_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(number for number, name in enumerate(MONTHS, 1) if name.lower().startswith(text[:3]))


def _add_months(moment: datetime, count: int) -> datetime:
    """The same day so many months later; the last of its month where that is shorter."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise ValueError("no such year")
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


_Reader = Callable[[re.Match[str], _Context], Period]


def _form(pattern: str, read: _Reader) -> tuple[re.Pattern[str], _Reader]:
    return re.compile(pattern), read


_WEEKDAYS = "|".join(f"{day[:3]}|{day}" for day in DAYS).lower() + "|tues|thurs"
_FORMS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    _form(r"now", lambda _match, context: context.at(context.now)),
    _form(r"(yesterday|today|tomorrow)", _relative_day),
    _form(rf"(?P<ahead>in )?(?P<minus>-)?(?P<count>\d{{1,6}}) ?{_UNIT}(?P<ago> (?:ago|back|old))?", _span),
    _form(rf"(?:the )?(?:last|past) (?P<count>\d{{1,6}}) {_UNIT}", _recent_span),
    _form(r"(?:the )?(last|previous|this|current|next) (week|month|quarter|year)", _calendar_unit),
    _form(rf"(?:(?P<which>last|this|next) )?(?P<name>{_WEEKDAYS})", _weekday),
    _form(_YEAR, lambda match, context: context.months(int(match["year"]), 1, 12)),
    _form(rf"{_YEAR}[-/](?P<month>\d{{1,2}})", _month_of_year),
    _form(rf"{_MONTH}(?:,? {_YEAR})?", _month_of_year),
    _form(rf"{_YEAR}[-/ ]?q(?P<quarter>[1-4])", _quarter),
    _form(rf"q(?P<quarter>[1-4])[-/ ]{_YEAR}", _quarter),
    _form(rf"{_YEAR}/(?P<month>\d{{1,2}})/{_DAY}{_CLOCK}", _day_of_month),
    _form(rf"{_WEEKDAY}{_MONTH} {_DAY}(?:,? {_YEAR})?{_CLOCK}", _day_of_month),
    _form(rf"{_WEEKDAY}{_DAY}(?: of)?[- ]{_MONTH}(?:,?[- ]{_YEAR})?{_CLOCK}", _day_of_month),
    _form(r"(\d{9,12})(?:\.(\d{1,9}))?", _epoch),
)
