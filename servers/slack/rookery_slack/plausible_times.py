"""Observations dated in the future, which are kept out of the store: a wrong clock must decide nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from rookery_slack.observations import MessageVersion, Observations
from rookery_slackapi.timestamps import LONG_AGO

Clock = Callable[[], datetime]
MAX_AHEAD = timedelta(days=1)
"""How far a foreign clock may be ahead of ours."""
DATED_AHEAD = "dated more than one day in the future"

_REQUIRED = ("ts", "at", "seen_at", "seen_ts")
_OPTIONAL: dict[str, datetime | None] = {
    "thread_ts": None, "topic_at": None, "purpose_at": None, "created": None, "updated": LONG_AGO,
}  # fmt: skip
"""Times that an observation is taken without, and what stands for them."""

Observation = TypeVar("Observation")


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def latest_time(clock: Clock = utc_now) -> datetime:
    """The last moment that a foreign time may name."""
    return clock() + MAX_AHEAD


def plausible_observations(observations: Observations, latest: datetime) -> tuple[Observations, Counter[str]]:
    """The observations without those dated after `latest`, and how many were left out or corrected, by kind.

    A message whose edit alone is dated after `latest` is taken as never edited.
    """
    kept, odd = Observations(), Counter[str]()
    for name in Observations.__slots__:
        for observation in getattr(observations, name):
            corrected = _corrected(observation, latest)
            if corrected is not observation:
                odd[name] += 1
            if corrected is not None:
                getattr(kept, name).append(corrected)
    return (kept, odd) if odd else (observations, odd)


def _corrected(observation: Observation, latest: datetime) -> Observation | None:
    """The observation itself if all its times are plausible; None if one that it cannot do without is not."""
    required, optional = _times(type(observation))
    if any(getattr(observation, name) > latest for name in required):
        return None
    changes: dict[str, Any] = {
        name: _OPTIONAL[name]
        for name in optional
        if (value := getattr(observation, name)) is not None and value > latest
    }
    if isinstance(observation, MessageVersion) and observation.edit_ts > latest:
        changes["edit_ts"] = observation.ts
    return replace(observation, **changes) if changes else observation  # pyright: ignore[reportArgumentType, reportCallIssue, reportReturnType, reportUnknownVariableType] every observation is a dataclass


@cache
def _times(kind: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = {field.name for field in fields(kind)}
    return tuple(n for n in _REQUIRED if n in names), tuple(n for n in _OPTIONAL if n in names)
