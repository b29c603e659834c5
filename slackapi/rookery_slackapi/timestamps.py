"""Slack's timestamps. `1546231961.387200` is both the time of a message and its name in its channel."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta, tzinfo

_TS = re.compile(r"^\d{1,12}(?:\.\d{1,6})?$")
_LINK_TS = re.compile(r"^p(\d{10,12})(\d{6})$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = _EPOCH, datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = _EPOCH
"""Older than anything Slack ever held: the time of what is known only by hearsay."""


def parse_ts(value: object) -> datetime | None:
    """The moment that a `ts` names, exact to the microsecond, or None when the value is not one.

    Accepts `1546231961.387200`, a number of seconds, and the `p1546231961387200` of permalinks.
    """
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
    if link := _LINK_TS.match(text):
        text = f"{link[1]}.{link[2]}"
    if not _TS.match(text):
        return None
    seconds, _, fraction = text.partition(".")
    return _moment(int(seconds), int(fraction.ljust(6, "0")))


def _moment(seconds: int, microseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=microseconds)
    except OverflowError:
        return None


def local_iso(moment: datetime, zone: tzinfo | None) -> str:
    """ISO 8601 to the second, in a zone, with its offset."""
    with contextlib.suppress(OverflowError):  # in the last hours of the year 9999
        moment = moment.astimezone(zone)
    return moment.isoformat(timespec="seconds")


def format_ts(moment: datetime) -> str:
    """The `ts` that names a moment."""
    since = moment - _EPOCH
    return f"{since.days * 86400 + since.seconds}.{since.microseconds:06d}"
