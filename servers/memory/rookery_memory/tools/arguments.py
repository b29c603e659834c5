"""The types of arguments that several tools take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from rookery_core.errors import InvalidInput
from rookery_memory.records import Kind
from rookery_memory.scopes import ScopeName

Scope = Literal["own", "user", "channel", "team", "agent", "local"]
Scopes = Sequence[ScopeName]
Kinds = Sequence[Kind]
Content = Annotated[str, Field(min_length=1, max_length=20000)]
Limit = Annotated[int, Field(ge=1, le=50)]
MaxTokens = Annotated[int, Field(ge=200, le=20000)]
Moment = str
"""ISO 8601; empty for none."""
Share = Annotated[float, Field(ge=0, le=1)]
Reason = Annotated[str, Field(min_length=3, max_length=500)]


def moment(text: str, field: str) -> datetime | None:
    """An ISO 8601 date or time, UTC when it names no zone; None when empty. Raises InvalidInput for anything else."""
    if not text.strip():
        return None
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{field}: is not a date or time.", hint="Write 2026-05-08 or 2026-05-08T13:56:00Z."
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
