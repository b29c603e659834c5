"""One delivery of a webhook: whether it is signed, and what it is about."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from rookery_core.errors import InvalidInput

_DELIVERY = re.compile(r"^[0-9A-Za-z-]{8,64}$")
_REPOSITORY = re.compile(r"^[\w.-]{1,100}/[\w.-]{1,100}$", re.ASCII)
_HOST = re.compile(r"[a-z0-9.:-]{1,260}")
MAX_NUMBER = 2**31 - 1
_EVENT = re.compile(r"^[a-z0-9_]{2,60}$")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that was signed. id: GitHub's own, the same when it is delivered again.

    host, repository (owner/repo) and number say what changed; None where the event is about something else.
    """

    id: str
    event: str
    payload: dict[str, Any]
    host: str | None = None
    repository: str | None = None
    number: int | None = None

    def as_event(self, *, whole: bool = True) -> dict[str, Any]:
        """What the queue gets. whole=False leaves the payload out, for one that is too large."""
        about = {"host": self.host, "repository": self.repository, "number": self.number}
        action = self.payload.get("action")
        event = {"event": self.event, "action": action, "delivery": self.id, **about}
        return {**event, "payload": self.payload} if whole else {**event, "payload_left_out": True}


def is_signed(body: bytes, header: str, secrets: Sequence[bytes]) -> bool:
    """Whether `X-Hub-Signature-256` is of this body under one of the secrets. Takes the same time either way."""
    found = False
    for secret in secrets:
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        found |= hmac.compare_digest(expected.encode(), header.encode("utf-8", "replace"))
    return found


def read(headers: Mapping[str, str], body: bytes) -> Delivery:
    """The delivery in a request whose signature was checked. Raises InvalidInput that names what is wrong."""
    ident, event = headers.get("X-GitHub-Delivery", ""), headers.get("X-GitHub-Event", "")
    if not _DELIVERY.match(ident):
        raise InvalidInput("X-GitHub-Delivery: missing or not an id.")
    if not _EVENT.match(event):
        raise InvalidInput("X-GitHub-Event: missing or not the name of an event.")
    payload = _payload(headers.get("Content-Type", ""), body)
    repository = _inside(payload, "repository")
    full_name = repository.get("full_name")
    named = isinstance(full_name, str) and _REPOSITORY.match(full_name)
    host = _host(repository.get("html_url"))
    return Delivery(ident, event, payload, host, str(full_name) if named else None, _number(payload))


def _host(address: object) -> str | None:
    try:
        host = urlsplit(address).netloc.lower() if isinstance(address, str) else ""
    except ValueError:
        return None
    return host if _HOST.fullmatch(host) else None


def _payload(media: str, body: bytes) -> dict[str, Any]:
    try:
        text = body.decode("utf-8")
        if media.startswith("application/x-www-form-urlencoded"):
            text = parse_qs(text, max_num_fields=4).get("payload", [""])[0]
        payload = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise InvalidInput("payload: not JSON.") from None
    if not isinstance(payload, dict):
        raise InvalidInput("payload: not an object.")
    return cast(dict[str, Any], payload)


def _number(payload: Mapping[str, Any]) -> int | None:
    for holder in (_inside(payload, "issue"), _inside(payload, "pull_request"), payload):
        number = holder.get("number")
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MAX_NUMBER:
            return number
    return None


def _inside(payload: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = payload.get(key)
    return cast(Mapping[str, Any], found) if isinstance(found, dict) else {}
