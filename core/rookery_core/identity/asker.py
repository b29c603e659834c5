"""The signed asker: how the bot tells a server for whom it asks, in `_meta["rookery/asker"]` of a call.

A token is `payload.signature`, both base64url; the payload is JSON, the signature HMAC-SHA256 under
ROOKERY_CONTEXT_KEY. It names its audience (a server), lives at most five minutes and is good once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from rookery_core.errors import ConfigurationError, NotAllowed
from rookery_core.identity.caller import Caller

ASKER_META_KEY = "rookery/asker"
MAX_LIFETIME_S = 300
CLOCK_SKEW_S = 30
MIN_KEY_BYTES = 32
MIN_NONCE_LENGTH = 12

_CALLER = TypeAdapter(Caller)


def check_key(key: str) -> bytes:
    """The key as bytes. Raises ConfigurationError when it is too short to be a secret."""
    data = key.encode()
    if len(data) < MIN_KEY_BYTES:
        raise ConfigurationError(
            f"ROOKERY_CONTEXT_KEY has {len(data)} bytes; at least {MIN_KEY_BYTES} are needed.",
            hint="Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        )
    return data


def sign(
    caller: Caller, key: str, audience: str, *, lifetime_s: int = MAX_LIFETIME_S, now: float | None = None
) -> str:
    """A token by which a delegate asks `audience` on behalf of `caller`."""
    issued = int(time.time() if now is None else now)
    payload = {
        "team": caller.team,
        "user": caller.user,
        "kind": caller.kind,
        "channel": caller.channel,
        "room": caller.room,
        "aud": audience,
        "iat": issued,
        "exp": issued + min(lifetime_s, MAX_LIFETIME_S),
        "nonce": secrets.token_urlsafe(12),
    }
    body = _encode(json.dumps(payload, separators=(",", ":")).encode())
    return f"{body}.{_encode(_signature(body, check_key(key)))}"


class AskerVerifier:
    """Checks signed askers for one server, and remembers their nonces until they expire.

    Memory is bounded: nonces are kept for the lifetime of a token only. Each process of a server remembers
    for itself; a token replayed to another copy within its five minutes would ask the same question again.
    """

    def __init__(self, key: str, audience: str, *, clock: Callable[[], float] = time.time) -> None:
        self._key = check_key(key)
        self._audience = audience
        self._clock = clock
        self._spent: dict[str, float] = {}

    def verify(self, token: str) -> Caller:
        """The caller a token names. Raises NotAllowed with the reason; the token is never quoted."""
        if not token.isascii():
            raise _refused("it cannot be read")
        body, _, signature = token.partition(".")
        expected = _encode(_signature(body, self._key))
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise _refused("its signature does not match")
        payload = _payload(body)
        self._check_times(payload)
        if payload.get("aud") != self._audience:
            raise _refused("it is meant for another server")
        caller = _caller(payload)
        nonce = payload.get("nonce")
        if not isinstance(nonce, str) or len(nonce) < MIN_NONCE_LENGTH:
            raise _refused("it carries no nonce")
        self._spend(nonce, float(payload["exp"]))
        return caller

    def _check_times(self, payload: dict[str, Any]) -> None:
        issued, expires, now = payload.get("iat"), payload.get("exp"), self._clock()
        if not isinstance(issued, int) or not isinstance(expires, int):
            raise _refused("it carries no times")
        if expires - issued > MAX_LIFETIME_S or issued > now + CLOCK_SKEW_S:
            raise _refused("it claims to live longer than five minutes")
        if now > expires:
            raise _refused("it has expired")

    def _spend(self, nonce: str, expires: float) -> None:
        now = self._clock()
        if self._spent.get(nonce, 0) >= now:
            raise _refused("it was used before")
        if len(self._spent) > 10_000:
            self._spent = {kept: until for kept, until in self._spent.items() if until >= now}
        self._spent[nonce] = expires


def _caller(payload: dict[str, Any]) -> Caller:
    """The caller of a payload. One that names a conversation and not who reads there is answered as if anybody did."""
    values = {name: payload.get(name) for name in ("team", "user", "kind", "channel", "room")}
    if values["channel"] is not None and values["room"] is None:
        values["room"] = "shared"
    try:
        return _CALLER.validate_python(values)
    except ValueError:
        raise _refused("it names no caller") from None


def _payload(body: str) -> dict[str, Any]:
    try:
        payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValueError, binascii.Error):
        raise _refused("it cannot be read") from None
    if not isinstance(payload, dict):
        raise _refused("it cannot be read")
    return payload  # pyright: ignore[reportUnknownVariableType] keys of a JSON object are strings


def _refused(reason: str) -> NotAllowed:
    return NotAllowed(
        f"The signed asker was refused: {reason}.",
        hint="The bot and the server need the same ROOKERY_CONTEXT_KEY and clocks within 30 seconds.",
    )


def _signature(body: str, key: bytes) -> bytes:
    return hmac.new(key, body.encode(), hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
