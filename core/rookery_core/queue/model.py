"""The values of the queue: events, messages, subscriptions, effects."""

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
"""The highest possible event id."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
MAX_JSON_LENGTH = 16 * 1024 * 1024  # characters; every claim, list and retry carries the whole payload
MAX_KEY_LENGTH = 1000  # characters; an index entry must stay below a third of a page

OnDead = Literal["continue", "block"]


@dataclass(slots=True, eq=False)
class Event:
    """A claimed event: one subscription's copy of what was published.

    attempt counts from 1 and includes attempts that ended in a crash. token identifies this claim: every later
    statement about the event carries it and is refused once another claim has the event. place is the sequence number
    in the ordering group, None without an ordering key.
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
    """The result of an enqueue: the event ids, one for each subscription of the topic.

    duplicate: the idempotency key was used before, nothing was added, and the ids are those of its first use.
    """

    ids: tuple[int, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of `enqueue_many`. priority: -5 to 5, higher first.

    trace_id: the trace of this message; None uses that of the call.
    """

    payload: Mapping[str, Any]
    key: str | None = None
    ordering_key: str | None = None
    priority: int = 0
    delay_s: float = 0.0
    trace_id: str | None = None


class EncodedMessage(NamedTuple):
    """A message that was checked, with its payload as JSON."""

    payload: str
    key: str | None
    ordering_key: str | None
    priority: int
    delay_s: float
    trace_id: str | None


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay before attempt n+1: `base_s` doubled n-1 times, at most `cap_s`, minus a random share up to `jitter`."""

    base_s: float = 1.0
    cap_s: float = 300.0
    jitter: float = 0.5


@dataclass(frozen=True, slots=True)
class Subscription:
    """A named receiver of a topic and the policy for its events.

    internal: one of Rookery's own programs, which trusts what it receives.
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
    """A recorded effect on an external system.

    state: `new` (no earlier attempt intended it: act now), `intended` (an earlier attempt did and recorded no receipt:
    ask the external system before acting), `done` (it happened; `receipt` is what came back). `idempotency_key` is the
    same for every attempt: pass it to external systems that accept one. It begins with `installation`, the id of the
    database, because a rebuilt database counts its events from 1 again.
    """

    owner: str
    name: str
    state: Literal["new", "intended", "done"]
    request: Any
    receipt: Any = None
    installation: str | None = None

    @property
    def idempotency_key(self) -> str:
        key = f"{self.owner}/{self.name}"
        return key if self.installation is None else f"{self.installation}/{key}"


def check_name(value: str, what: str) -> str:
    """Return the name of a topic, subscription or schedule. Raises InvalidInput for another form."""
    if not _NAME.fullmatch(value):
        raise InvalidInput(
            f"{what} must be a name, not {value!r}.",
            hint="Use 1 to 100 letters, digits, dots, colons, slashes, hyphens or underscores.",
        )
    return value


def check_key(value: str | None, what: str) -> str | None:
    """Return an idempotency or ordering key. Raises InvalidInput when it is empty, too long or contains NUL."""
    if value is None:
        return None
    if not value or len(value) > MAX_KEY_LENGTH or "\x00" in value:
        raise InvalidInput(f"{what} must be 1 to {MAX_KEY_LENGTH} characters without NUL.")
    return value


def encode_message(message: Message, trace_id: str | None) -> EncodedMessage:
    """Check a message and encode its payload. Raises InvalidInput that names the wrong field."""
    check_key(message.key, "key")
    check_key(message.ordering_key, "ordering_key")
    if message.priority not in PRIORITIES:
        raise InvalidInput(f"priority must be a whole number from -5 to 5, not {message.priority!r}.")
    if not 0 <= message.delay_s <= 10 * 365 * 86_400:
        raise InvalidInput(f"delay_s must be between 0 and ten years in seconds, not {message.delay_s!r}.")
    return EncodedMessage(
        encode_json(message.payload),
        message.key,
        message.ordering_key,
        message.priority,
        message.delay_s,
        trace_id,
    )


def encode_json(value: Any, what: str = "payload") -> str:
    """Encode JSON that PostgreSQL can store: NUL and lone surrogates become U+FFFD.

    Raises InvalidInput for what is not JSON or longer than MAX_JSON_LENGTH.
    """
    try:
        text = _JSON.encode(value)
        if len(text) > MAX_JSON_LENGTH:
            raise InvalidInput(
                f"{what} is {len(text):,} characters of JSON; the maximum is {MAX_JSON_LENGTH:,}.",
                hint="Store large data elsewhere and publish its address.",
            )
        if "\\u0000" in text:  # a NUL, or only the text of its escape
            text = _JSON.encode(_without_nul(json.loads(text)))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{what} must be JSON: {error}.") from None
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
