"""The values of the queue: what is published, what a worker is given, what an effect is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast

from rookery_core.errors import InvalidInput

PRIORITIES = range(-5, 6)
LAST_ID = 2**63 - 1
"""The highest id of an event that there can be."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_LONGEST_JSON = 16 * 1024 * 1024  # characters; every claim, list and retry carries it whole
_LONGEST_KEY = 1000  # characters; an index entry must stay below a third of a page

OnDead = Literal["continue", "block"]


@dataclass(slots=True, eq=False)
class Event:
    """An event as a worker claims it: one subscription's copy of what was published.

    attempt counts from 1 and includes attempts that ended in a crash. token identifies this claim: every later
    statement about the event carries it, and is refused once somebody else has claimed the event.
    """

    id: int
    topic: str
    subscription: str
    payload: dict[str, Any]
    key: str | None
    ordering_key: str | None
    attempt: int
    trace_id: str | None
    token: int
    priority: int
    place: int | None
    enqueued_at: datetime


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The answer to an enqueue: the ids of the events, one for each subscription of the topic.

    duplicate: the key was spent before, nothing was added, and the ids are those of its first use.
    """

    ids: tuple[int, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of `enqueue_many`. `delay_s` in seconds; a higher priority goes first, from -5 to 5.

    trace_id: its own trace; None takes that of the call.
    """

    payload: Mapping[str, Any]
    key: str | None = None
    ordering_key: str | None = None
    priority: int = 0
    delay_s: float = 0.0
    trace_id: str | None = None


class Outgoing(NamedTuple):
    """A message that was checked, its payload as JSON."""

    payload: str
    key: str | None
    ordering_key: str | None
    priority: int
    delay_s: float
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay before attempt n+1: `base_s` doubled n-1 times, at most `cap_s`, less up to `jitter` of it."""

    base_s: float = 1.0
    cap_s: float = 300.0
    jitter: float = 0.5


@dataclass(frozen=True, slots=True)
class Subscription:
    """A named receiver of a topic and how its events are worked on. Times in seconds.

    internal: one of our own programs, which trusts what it receives.
    """

    name: str
    topic: str
    max_attempts: int
    lease_s: float
    backoff: Backoff
    concurrency: int | None
    key_concurrency: int
    on_dead: OnDead
    expires_after_s: float | None
    paused: bool
    internal: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect on the world outside, as the ledger has it.

    state: `new` (nobody intended it before: act now), `intended` (somebody did, and no receipt came: ask the
    world outside before acting), `done` (it happened; `receipt` says what came back). `idempotency_key` is the
    same for every attempt: pass it on where the other side takes one.
    """

    owner: str
    name: str
    state: Literal["new", "intended", "done"]
    request: Any
    receipt: Any = None

    @property
    def idempotency_key(self) -> str:
        return f"{self.owner}/{self.name}"


def check_name(value: str, what: str) -> str:
    """The name of a topic or subscription. Raises InvalidInput."""
    if not _NAME.fullmatch(value):
        raise InvalidInput(
            f"{what} {value!r} is not a name.",
            hint="Use 1 to 100 letters, digits, dots, colons, slashes, hyphens or underscores.",
        )
    return value


def check_key(value: str | None, what: str) -> str | None:
    """An idempotency or ordering key. Raises InvalidInput."""
    if value is None:
        return None
    if not value or len(value) > _LONGEST_KEY or "\x00" in value:
        raise InvalidInput(f"{what} must be 1 to {_LONGEST_KEY} characters without NUL.")
    return value


def outgoing(message: Message, trace_id: str | None) -> Outgoing:
    """The message as it is stored. Raises InvalidInput that names the field which cannot be."""
    check_key(message.key, "key")
    check_key(message.ordering_key, "ordering_key")
    if message.priority not in PRIORITIES:
        raise InvalidInput(f"priority {message.priority!r} is not a whole number from -5 to 5.")
    if not 0 <= message.delay_s <= 10 * 365 * 86_400:
        raise InvalidInput(f"delay_s {message.delay_s!r} is not between 0 and ten years of seconds.")
    return Outgoing(
        encode(message.payload),
        message.key,
        message.ordering_key,
        message.priority,
        message.delay_s,
        trace_id,
    )


def encode(payload: Any, what: str = "payload") -> str:
    """JSON that PostgreSQL can store: NUL and lone surrogates become U+FFFD. Raises InvalidInput."""
    try:
        text = _JSON.encode(payload)
        if len(text) > _LONGEST_JSON:
            raise InvalidInput(
                f"{what} is {len(text):,} characters of JSON; {_LONGEST_JSON:,} are the most.",
                hint="Store what is large elsewhere, and publish where it is.",
            )
        if "\\u0000" in text:  # a NUL, or only the spelling of one
            text = _JSON.encode(_without_nul(json.loads(text)))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} is not JSON: {error}.") from None
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)
        return {_without_nul(name): _without_nul(part) for name, part in pairs.items()}
    if isinstance(value, list):
        return [_without_nul(part) for part in cast("list[Any]", value)]
    return value
