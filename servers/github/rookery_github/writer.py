"""Writes to GitHub once: checked before, noted before, and looked for on GitHub when nobody knows how it ended."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from typing_extensions import TypedDict

from rookery_core.errors import Conflict, InvalidInput, NotAllowed, RookeryError, Unavailable
from rookery_core.identity import Caller, current_caller
from rookery_core.serving.request_origin import http_request
from rookery_github.ledger import FindLedger, Known
from rookery_github.wire import WriteInDoubt
from rookery_github.workspace import Place, Workspace

AUTOMATIC_KEY_S = 600.0
CLOCK_SKEW_S = 60.0
LOOKS = 3


class Written(TypedDict, total=False):
    """id and url of what was written; `preview` of what would be, when dry_run was asked; `repeated` when the key
    had been used and the first write is shown."""

    id: int
    url: str
    preview: dict[str, Any]
    repeated: bool


class _Done(TypedDict):
    """What is kept of a write."""

    id: int
    url: str


@dataclass(frozen=True, slots=True)
class Write:
    """One change. find: looks on GitHub for what this write made since a time, and gives its object or None."""

    tool: str
    place: Place
    method: str
    path: str
    body: dict[str, Any]
    what: str
    find: Callable[[float], Awaitable[dict[str, Any] | None]]


class Writer:
    """Performs writes for callers that may write."""

    def __init__(self, workspace: Workspace, find_ledger: FindLedger) -> None:
        self._workspace = workspace
        self._find_ledger = find_ledger
        self._turn = asyncio.Lock()
        self._last = 0.0

    def admit(self) -> Caller:
        """Raises NotAllowed for a caller who may not write."""
        caller = current_caller()
        if self._workspace.only_public() and caller.kind != "anonymous":
            raise NotAllowed(
                "Guests and people from outside may not write, and nobody where they read along."
            )
        over_http = self._workspace.settings.http_tokens or http_request() is not None
        if over_http and "write" not in caller.scopes:
            raise NotAllowed(
                "Your token may not write.", hint="The operator can add scope 'write' in ROOKERY_HTTP_TOKENS."
            )
        return caller

    async def perform(self, write: Write, key: str, *, dry_run: bool) -> Written:
        """Make the change, unless the key made it before. Raises the errors of the client; after WriteInDoubt the
        same call with the same key looks for the change before it makes it again."""
        caller = self.admit()
        if dry_run:
            return Written(
                preview={"request": f"{write.method} {write.place.path(write.path)}", "body": write.body}
            )
        identity = await write.place.client.identity()
        digest = hashlib.sha256(
            json.dumps([write.tool, write.path, write.place.full_name, write.body], sort_keys=True).encode()
        ).hexdigest()
        key = key or f"automatic {digest[:24]} {int(time.time() // AUTOMATIC_KEY_S)}"
        ledger = await self._find_ledger()
        known = await ledger.intend(caller, identity, key, write.tool, digest)
        if known is not None:
            done = await self._earlier(write, known, digest)
            if done is not None:
                await ledger.receive(caller, identity, key, dict(done))
                return Written(id=done["id"], url=done["url"], repeated=True)
        try:
            receipt = await self._send(write)
        except Unavailable:
            raise  # it may have happened: the intent stays, so that the next call looks first
        except RookeryError:
            await ledger.withdraw(caller, identity, key)
            raise
        await ledger.receive(caller, identity, key, dict(receipt))
        return Written(id=receipt["id"], url=receipt["url"])

    async def _earlier(self, write: Write, known: Known, digest: str) -> _Done | None:
        if known.digest != digest:
            raise InvalidInput(
                "idempotency_key: used before for something else.", hint="Take a new key for a new write."
            )
        if known.receipt is not None:
            return _Done(id=known.receipt["id"], url=known.receipt["url"])
        found = await write.find(known.started_at - CLOCK_SKEW_S)
        return _receipt(found) if found else None

    async def _send(self, write: Write) -> _Done:
        started = time.time() - CLOCK_SKEW_S
        async with self._turn:  # GitHub wants writes one after the other, with a pause between
            await asyncio.sleep(
                max(0.0, self._last + self._workspace.settings.write_spacing_s - time.monotonic())
            )
            try:
                made = await write.place.client.send(
                    write.method, write.place.path(write.path), write.body, what=write.what
                )
            except WriteInDoubt as doubt:
                made = await self._look_for(write, started, doubt)
            finally:
                self._last = time.monotonic()
        return _receipt(made)

    async def _look_for(self, write: Write, since: float, doubt: WriteInDoubt) -> dict[str, Any]:
        for look in range(LOOKS):
            await asyncio.sleep(0.3 * look)
            try:
                found = await write.find(since)
            except Unavailable:
                continue
            if found:
                return found
        raise WriteInDoubt(
            f"{doubt.message} It was not found there yet.",
            hint="Call again with the same idempotency_key: it is looked for before it is written again.",
            retry_after_s=10.0,
        )


def _receipt(made: dict[str, Any]) -> _Done:
    return _Done(id=int(made["id"]), url=str(made["html_url"]))


def instant(seconds: float) -> str:
    """A time as GitHub writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def same_text(one: str | None, other: str | None) -> bool:
    """Whether two bodies are the same but for line ends and space around."""
    return (one or "").replace("\r\n", "\n").strip() == (other or "").replace("\r\n", "\n").strip()


def check_unchanged(name: str, expected: str, actual: str, what: str) -> None:
    """Raises Conflict when something is not as the caller last saw it. Nothing expected: nothing checked."""
    if expected and expected != actual:
        raise Conflict(
            f"{name}: {what} is at {actual}, not {expected}.", hint="Read it again and decide again."
        )
