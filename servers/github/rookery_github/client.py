"""Asks one GitHub host: cached, conditional, one request for the same question at a time, waits capped."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rookery_core.errors import NotFound, RookeryError, Unavailable
from rookery_core.identity import Caller, current_caller
from rookery_core.serving.request_origin import http_request
from rookery_core.telemetry import get_logger
from rookery_github import usage
from rookery_github.cache.entry import AnswerStore, CachedAnswer, key_of, subject_of
from rookery_github.wire import JSON, Wire

if TYPE_CHECKING:
    from rookery_github.confinement import Confinement
    from rookery_github.exchange import Response
    from rookery_github.hosts import Host
    from rookery_github.settings import GitHubSettings

logger = get_logger(__name__)
_T = TypeVar("_T")
RAW = "application/vnd.github.raw+json"
TEXT_MATCHES = "application/vnd.github.text-match+json"
QUERY_FRESH_S = 300.0
MAX_CACHED_BYTES = 8 * 1024 * 1024
_MAX_AGE = re.compile(r"max-age=(\d+)")


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: its body, the headers that are kept, and where it came from."""

    body: bytes
    headers: Mapping[str, str]
    state: usage.State
    stored_at: float

    def json(self) -> Any:
        """The body as JSON values."""
        return json.loads(self.body) if self.body else None

    @property
    def has_next(self) -> bool:
        """Whether GitHub has another page after this one."""
        return 'rel="next"' in self.headers.get("link", "")


@dataclass(frozen=True, slots=True)
class _Question:
    """One question, as its answer is looked up, kept and named in errors.

    query: the body of a GraphQL query, which has no ETag. about: the path of what it is about.
    """

    caller: Caller
    key: str
    path: str
    parameters: Mapping[str, Any]
    accept: str
    what: str
    immutable: bool = False
    fresh: bool = False
    query: Any = None
    about: str = ""


def sees_only_public(caller: Caller) -> bool:
    """Whether a caller sees public repositories only: true for all but members, and for members where others read along.

    Over stdio the server belongs to the person who started it and reads with that person's credentials.
    """
    if caller.kind == "member":
        return caller.outsiders_read
    return caller.kind != "anonymous" or http_request() is not None


class GitHubClient:
    """One host, one identity, and none for who sees public repositories only. `find_store` gives the cache that is there now, or None."""

    def __init__(
        self,
        host: Host,
        settings: GitHubSettings,
        confinement: Confinement,
        find_store: Callable[[], Awaitable[AnswerStore | None]],
    ) -> None:
        self.host = host
        self._signed = Wire(host, settings, confinement)
        self._unsigned = Wire(host, settings, confinement, signed=False)
        self._settings = settings
        self._find_store = find_store
        self._flights: dict[tuple[str, str, str], asyncio.Task[Fetched]] = {}

    async def identity(self) -> str:
        """The name of the identity that asks this host."""
        return (await self._wire_of_caller().credentials()).identity

    async def anonymous(self) -> bool:
        """Whether this host is asked without any credentials for this caller."""
        return (await self._wire_of_caller().credentials()).anonymous

    def _wire_of_caller(self) -> Wire:
        """The way to the host for this caller: without the server's credentials for who sees public content only."""
        return self._unsigned if sees_only_public(current_caller()) else self._signed

    async def get(
        self,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        what: str,
        accept: str = JSON,
        immutable: bool = False,
        fresh: bool = False,
    ) -> Fetched:
        """GET `path` of the API. what: the thing asked for, in words, for errors.

        immutable: a SHA names it, so it is kept for ever. fresh: ask GitHub even when the kept answer could be used
        (it costs nothing when nothing changed), and do not make do with a stale one. Raises the errors of `failures`, RateLimited when the
        wait would be long, Unavailable when GitHub does not answer; the last two only when nothing usable is kept.
        """
        parameters = {name: value for name, value in (parameters or {}).items() if value not in (None, "")}
        key = key_of(self.host.name, path, parameters, accept)
        caller = current_caller()
        return await self._asked(_Question(caller, key, path, parameters, accept, what, immutable, fresh))

    async def query(self, text: str, variables: Mapping[str, Any], *, what: str, about: str) -> Any:
        """Ask GitHub's GraphQL API. about: the REST path of the thing, whose changes make the answer stale.

        The answer is used for QUERY_FRESH_S at least, because there is no ETag to ask with. Raises NotFound when
        GitHub answers with errors and no data, else as `get`.
        """
        body = {"query": text, "variables": dict(variables)}
        key = key_of(self.host.name, "/graphql", {"q": json.dumps(body, sort_keys=True)}, JSON)
        question = _Question(current_caller(), key, "/graphql", {}, JSON, what, query=body, about=about)
        answer = (await self._asked(question)).json()
        if not answer.get("data"):
            raise NotFound(f"{what}: GitHub's GraphQL API does not tell.")
        return answer["data"]

    async def _asked(self, question: _Question) -> Fetched:
        wire = self._wire_of_caller()
        identity = (await wire.credentials()).identity
        place = (question.caller.team, identity, f"{question.key} fresh" if question.fresh else question.key)
        flight = self._flights.get(place)
        if flight is None:
            flight = asyncio.create_task(self._look_up(question, wire, identity))
            self._flights[place] = flight
            flight.add_done_callback(lambda done: self._landed(place, done))
        # Shielded: others may wait for the same answer when this caller goes away.
        fetched = await asyncio.shield(flight)
        usage.current().record(fetched.state, fetched.stored_at)
        usage.current().limits = wire.limits.summary()
        return fetched

    def _landed(self, place: tuple[str, str, str], flight: asyncio.Task[Fetched]) -> None:
        self._flights.pop(place, None)
        if not flight.cancelled():
            flight.exception()  # whoever waits gets it; when nobody does any more it is no news

    async def get_json(
        self, path: str, parameters: Mapping[str, Any] | None = None, *, what: str, immutable: bool = False
    ) -> Any:
        """GET and read as JSON."""
        return (await self.get(path, parameters, what=what, immutable=immutable)).json()

    async def send(self, method: str, path: str, body: Any, *, what: str) -> Any:
        """Write, once: never repeated here. Raises WriteInDoubt when nobody knows whether it happened."""
        response = await self._signed.write(method, path, body, what)
        await self.make_stale(path)
        return json.loads(response.body) if response.body else None

    async def make_stale(self, path: str) -> None:
        """What is kept about the thing at `path` must be asked for again."""
        store = await self._find_store()
        if store is not None:
            await _tolerating(store.make_stale(current_caller(), subject_of(self.host.name, path)))

    async def close(self) -> None:
        """Let the connections go."""
        await self._signed.close()
        await self._unsigned.close()

    async def _look_up(self, question: _Question, wire: Wire, identity: str) -> Fetched:
        caller, key = question.caller, question.key
        store = await self._find_store()
        kept = await _tolerating(store.find(caller, identity, key)) if store else None
        if kept is not None and (kept.immutable or (kept.fresh_until > time.time() and not question.fresh)):
            return Fetched(kept.body, kept.headers, "cached", kept.stored_at)
        try:
            response = await self._ask(question, wire, kept)
        except Unavailable as error:
            return self._fall_back(None if question.fresh else kept, error)
        if response.status == 304 and kept is not None:
            if store:
                await _tolerating(store.refresh(caller, identity, key, self._fresh_until(response)))
            return Fetched(kept.body, kept.headers, "revalidated", time.time())
        if store and len(response.body) <= MAX_CACHED_BYTES:
            await self._keep(store, identity, question, response)
        return Fetched(response.body, response.headers, "fetched", time.time())

    async def _ask(self, question: _Question, wire: Wire, kept: CachedAnswer | None) -> Response:
        if question.query is not None:
            return await wire.query(question.query, question.what)
        headers = {"Accept": question.accept, **_conditions(kept)}
        return await wire.get(question.path, question.parameters, headers, question.what)

    async def _keep(self, store: AnswerStore, identity: str, question: _Question, response: Response) -> None:
        until = math.inf if question.immutable else self._fresh_until(response)
        if question.query is not None:
            until = time.time() + max(QUERY_FRESH_S, self._settings.fresh_s)
        answer = CachedAnswer(response.body, response.headers, time.time(), until, question.immutable)
        subject = subject_of(self.host.name, question.about or question.path)
        await _tolerating(store.save(question.caller, identity, question.key, subject, answer))

    def _fall_back(self, kept: CachedAnswer | None, error: Unavailable) -> Fetched:
        if kept is None or time.time() - kept.stored_at > self._settings.stale_s:
            raise error
        return Fetched(kept.body, kept.headers, "stale", kept.stored_at)

    def _fresh_until(self, response: Response) -> float:
        """GitHub says for how long an answer may be used unasked (a minute); the setting can lengthen or end it."""
        match = _MAX_AGE.search(response.headers.get("cache-control", ""))
        stated = float(match[1]) if match else 60.0
        return time.time() + (self._settings.fresh_s if stated else 0.0)


def _conditions(kept: CachedAnswer | None) -> dict[str, str]:
    """The headers that let GitHub answer 304 when nothing changed."""
    if kept is None:
        return {}
    if kept.etag:
        return {"If-None-Match": kept.etag}
    changed = kept.headers.get("last-modified")
    return {"If-Modified-Since": changed} if changed else {}


async def _tolerating(work: Awaitable[_T]) -> _T | None:
    """The cache must never fail a call: without it the same answer costs a request."""
    try:
        return await work
    except (OSError, RookeryError, RuntimeError) as error:
        logger.warning("the cache is not usable: %s", type(error).__name__)
        return None
