"""Times as people and models write them, in the asker's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from rookery_core.errors import InvalidInput
from rookery_slack.timestamps import parse_ts

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_AGO = re.compile(r"^-?(\d{1,5})\s*(m|min|minutes?|h|hours?|d|days?|w|weeks?|months?|y|years?)(\s+ago)?$")
_HOURS = {"m": 1 / 60, "h": 1, "d": 24, "w": 168, "mo": 730, "y": 8766}


def zone_named(name: str | None) -> tzinfo:
    """The zone of that name; UTC when there is none or it is unknown."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def moment(text: str, zone: tzinfo, now: datetime, *, field: str, end: bool = False) -> datetime:
    """The moment a text means. end: a whole day means its end.

    Takes ISO 8601 dates and times (in `zone` where they name none), a Slack ts, `today`, `yesterday`, `now`, and
    spans back from now such as `90m`, `24h`, `7d`, `2w`, `3 months ago`. Raises InvalidInput naming the field.
    """
    plain = text.strip().lower()
    local = now.astimezone(zone)
    if plain == "now":
        return now
    if plain in ("today", "yesterday"):
        day = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=plain == "yesterday")
        return _end_of(day) if end else day
    if ago := _AGO.match(plain):
        unit = "mo" if ago[2].startswith("mo") else ago[2][0]
        return max(now - timedelta(hours=int(ago[1]) * _HOURS[unit]), EARLIEST)
    if found := parse_ts(text.strip()) if re.fullmatch(r"p?\d{9,}(\.\d+)?", plain) else None:
        return found
    return _iso(text.strip(), zone, field=field, end=end)


def stretch(
    start: str, end: str, zone: tzinfo, now: datetime, *, fields: tuple[str, str]
) -> tuple[datetime | None, datetime | None]:
    """The two ends that texts mean, None where one is empty. Raises InvalidInput, also when they are in the wrong order."""
    begin = moment(start, zone, now, field=fields[0]) if start else None
    stop = moment(end, zone, now, field=fields[1], end=True) if end else None
    if begin and stop and begin > stop:
        raise InvalidInput(f"{fields[0]}: it is after {fields[1]}.", hint="Exchange the two.")
    return begin, stop


def _iso(text: str, zone: tzinfo, *, field: str, end: bool) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{field}: {text[:60]!r} is not a time.",
            hint="Write an ISO 8601 date or time, `today`, `yesterday`, or a span back from now such as `24h` or `7d`.",
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    try:
        return (_end_of(found) if end and len(text) <= 10 else found).astimezone(UTC)
    except (OverflowError, ValueError):
        raise InvalidInput(f"{field}: {text[:60]!r} is beyond what a calendar holds.") from None


def _end_of(day: datetime) -> datetime:
    return day + timedelta(days=1) - timedelta(microseconds=1)
