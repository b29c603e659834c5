"""The types of arguments that several tools take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from rookery_core.dates import parse_datetime, parse_period
from rookery_core.errors import InvalidInput
from rookery_memory.records import Kind
from rookery_memory.scopes import ScopeName

Scope = Literal["own", "user", "channel", "team", "agent", "local"]
Scopes = Sequence[ScopeName]
Kinds = Sequence[Kind]
Content = Annotated[str, Field(min_length=1, max_length=20000)]
Moment = str
"""A date or time as `rookery_core.dates` reads it; empty for none."""
Reason = Annotated[str, Field(min_length=3, max_length=500)]


def require_query(text: str, field: str, hint: str) -> None:
    """Raises InvalidInput for a query without text, which would find nothing whatever is stored."""
    if not text.strip():
        raise InvalidInput(f"{field} must not be empty.", hint=hint)


def moment(text: str, field: str, *, end: bool = False, ahead: bool = False) -> datetime | None:
    """The first moment, or with `end` the last, that a text names, UTC when it names no zone; None when blank.

    ahead: a bare span such as 7d lies ahead. Raises InvalidInput for a text that is no date.
    """
    if not text.strip():
        return None
    return parse_datetime(text, now=datetime.now(UTC), field=field, end=end, ahead=ahead)


def as_of_moment(text: str) -> datetime | None:
    """The moment whose state is asked for: the last second of a day or month, or now within it; None when blank.

    Raises InvalidInput for a text that is no date.
    """
    if not text.strip():
        return None
    now = datetime.now(UTC)
    period = parse_period(text, now=now, field="as_of")
    if period.start <= now <= period.end:
        return now
    return period.end if period.start == period.end else period.end.replace(microsecond=0)
