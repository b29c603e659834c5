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
from urllib.parse import parse_qsl, urlsplit

from rookery_core.errors import NotAllowed, RookeryError, Unavailable
from rookery_core.identity import Caller, current_caller
from rookery_core.telemetry import get_logger
from rookery_github import usage
from rookery_github.cache.entry import AnswerStore, CachedAnswer, key_of, subject_of
from rookery_github.failures import message_of, refusal
from rookery_github.limits import Limits, asked_wait_s, resource_of

if TYPE_CHECKING:
    from rookery_github.confinement import Confinement
    from rookery_github.credentials import Credentials
    from rookery_github.exchange import Exchanger, Response
    from rookery_github.hosts import Host
    from rookery_github.settings import GitHubSettings

logger = get_logger(__name__)
_T = TypeVar("_T")
JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
DIFF = "application/vnd.github.diff"
TEXT_MATCHES = "application/vnd.github.text-match+json"
MAX_CACHED_BYTES = 8 * 1024 * 1024
MAX_REDIRECTS = 3
READ_ATTEMPTS = 3
_MAX_AGE = re.compile(r"max-age=(\d+)")
_LAST_PAGE = re.compile(r'[?&]page=(\d+)[^>]*>;\s*rel="last"')


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

    @property
    def last_page(self) -> int | None:
        """The number of the last page, where GitHub tells it."""
        match = _LAST_PAGE.search(self.headers.get("link", ""))
        return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class _Question:
    """One GET, as its answer is looked up, kept and named in errors."""

    caller: Caller
    key: str
    path: str
    parameters: Mapping[str, Any]
    accept: str
    what: str
    immutable: bool
    fresh: bool


class GitHubClient:
    """One host, one identity. `find_store` gives the cache that is there now, or None."""

    def __init__(
        self,
        host: Host,
        settings: GitHubSettings,
        confinement: Confinement,
        find_store: Callable[[], Awaitable[AnswerStore | None]],
    ) -> None:
        self.host = host
        self.limits = Limits()
        self._settings = settings
        self._confinement = confinement
        self._find_store = find_store
        self._opened: tuple[Exchanger, Credentials] | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(settings.max_concurrent)
        self._flights: dict[tuple[str, str], asyncio.Task[Fetched]] = {}

    async def identity(self) -> str:
        """The name of the identity that asks this host."""
        return (await self._open())[1].identity

    async def anonymous(self) -> bool:
        """Whether this host is asked without any credentials."""
        return (await self._open())[1].anonymous

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
        place = (caller.team, f"{key} fresh" if fresh else key)
        flight = self._flights.get(place)
        if flight is None:
            question = _Question(caller, key, path, parameters, accept, what, immutable, fresh)
            flight = asyncio.create_task(self._look_up(question))
            self._flights[place] = flight
            flight.add_done_callback(lambda done: self._landed(place, done))
        # Shielded: others may wait for the same answer when this caller goes away.
        fetched = await asyncio.shield(flight)
        usage.current().record(fetched.state, fetched.stored_at)
        usage.current().limits = self.limits.summary()
        return fetched

    def _landed(self, place: tuple[str, str], flight: asyncio.Task[Fetched]) -> None:
        self._flights.pop(place, None)
        if not flight.cancelled():
            flight.exception()  # whoever waits gets it; when nobody does any more it is no news

    async def get_json(
        self, path: str, parameters: Mapping[str, Any] | None = None, *, what: str, immutable: bool = False
    ) -> Any:
        """GET and read as JSON."""
        return (await self.get(path, parameters, what=what, immutable=immutable)).json()

    async def send(self, method: str, path: str, body: Any, *, what: str) -> Any:
        """Write, once: never repeated here. Raises Unavailable with `sent` in doubt as WriteInDoubt."""
        exchanger, credentials = await self._open()
        response = await self._exchange(
            exchanger, method, path, {}, {"Accept": JSON}, body, attempts=1, what=what
        )
        if response.status >= 500:
            raise WriteInDoubt(f"GitHub answered {response.status} for {what}.")
        self._raise_for(response, what, credentials)
        await self.make_stale(path)
        return json.loads(response.body) if response.body else None

    async def make_stale(self, path: str) -> None:
        """What is kept about the thing at `path` must be asked for again."""
        store = await self._find_store()
        if store is not None:
            await _tolerating(store.make_stale(current_caller(), subject_of(self.host.name, path)))

    async def close(self) -> None:
        """Let the connections go."""
        if self._opened:
            await asyncio.to_thread(self._opened[0].close)

    async def _open(self) -> tuple[Exchanger, Credentials]:
        if self._opened is None:
            async with self._opening:
                if self._opened is None:
                    self._opened = await asyncio.to_thread(self._connect)
        return self._opened

    def _connect(self) -> tuple[Exchanger, Credentials]:
        from rookery_github.exchange import Exchanger

        credentials = self.host.find_credentials()
        settings = self._settings
        return Exchanger(self.host.api, credentials, settings.timeout_s, settings.max_concurrent), credentials

    async def _look_up(self, question: _Question) -> Fetched:
        identity = (await self._open())[1].identity
        caller, key = question.caller, question.key
        store = await self._find_store()
        kept = await _tolerating(store.find(caller, identity, key)) if store else None
        if kept is not None and (kept.immutable or (kept.fresh_until > time.time() and not question.fresh)):
            return Fetched(kept.body, kept.headers, "cached", kept.stored_at)
        try:
            response = await self._conditional_get(question, kept)
        except Unavailable as error:
            return self._fall_back(None if question.fresh else kept, error)
        if response.status == 304 and kept is not None:
            if store:
                await _tolerating(store.refresh(caller, identity, key, self._fresh_until(response)))
            return Fetched(kept.body, kept.headers, "revalidated", time.time())
        if store and len(response.body) <= MAX_CACHED_BYTES:
            await self._keep(store, identity, question, response)
        return Fetched(response.body, response.headers, "fetched", time.time())

    async def _keep(self, store: AnswerStore, identity: str, question: _Question, response: Response) -> None:
        until = math.inf if question.immutable else self._fresh_until(response)
        answer = CachedAnswer(response.body, response.headers, time.time(), until, question.immutable)
        subject = subject_of(self.host.name, question.path)
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

    async def _conditional_get(self, question: _Question, kept: CachedAnswer | None) -> Response:
        exchanger, credentials = await self._open()
        headers = {"Accept": question.accept, **_conditions(kept)}
        path, parameters, what = question.path, question.parameters, question.what
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._exchange(
                exchanger, "GET", path, parameters, headers, None, READ_ATTEMPTS, what
            )
            if response.location is None:
                self._raise_for(response, what, credentials)
                return response
            path, parameters, elsewhere = await self._follow(
                exchanger, response.location, headers, question.path, what
            )
            if elsewhere is not None:
                self._raise_for(elsewhere, what, credentials)
                return elsewhere
        raise Unavailable(f"GitHub redirects {what} in circles.")

    async def _follow(
        self, exchanger: Exchanger, location: str, headers: dict[str, str], asked: str, what: str
    ) -> tuple[str, Mapping[str, Any], Response | None]:
        """Where a redirect leads: a path of this API, or the answer of another host (storage of logs)."""
        api, target = urlsplit(self.host.api), urlsplit(location)
        if not target.netloc or target.netloc == api.netloc:
            path = target.path.removeprefix(api.path)
            await self._check_moved(path)
            return path, dict(parse_qsl(target.query)), None
        if target.scheme != "https" and target.hostname not in ("127.0.0.1", "localhost"):
            raise NotAllowed(f"{what}: GitHub redirects to an address that is not https.")
        if not asked.endswith(("/logs", "/zipball", "/tarball")):
            raise NotAllowed(f"{what}: GitHub redirects to another host, {target.netloc}.")
        plain = {"Accept": headers["Accept"]}
        return asked, {}, await self._in_thread(exchanger.fetch_elsewhere, location, plain, what=what)

    async def _check_moved(self, path: str) -> None:
        """A moved repository must be allowed under its new name, too."""
        if not self._confinement.active:
            return
        parts = path.strip("/").split("/")
        if parts[0] == "repos" and len(parts) >= 3:
            self._confinement.check("/".join(parts[1:3]))
        elif parts[0] in ("repositories", "repository") and len(parts) >= 2:
            moved = await self._exchange(
                (await self._open())[0],
                "GET",
                f"/repositories/{parts[1]}",
                {},
                {"Accept": JSON},
                None,
                1,
                "the repository",
            )
            self._confinement.check(
                str(json.loads(moved.body).get("full_name")) if moved.status == 200 else "unknown/unknown"
            )
        else:
            raise NotAllowed("GitHub redirects outside of the allowed repositories.")

    async def _exchange(
        self,
        exchanger: Exchanger,
        method: str,
        path: str,
        parameters: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
        attempts: int,
        what: str,
    ) -> Response:
        """One request, repeated within the cap for limits and, when it only reads, for failures of GitHub."""
        resource = resource_of(path)
        waited = 0.0
        for attempt in range(1, attempts + 1):
            waited += await self._wait_for_turn(resource, waited)
            try:
                response = await self._in_thread(
                    exchanger.send, method, path, parameters, headers, body, what=what
                )
            except Unavailable:
                if attempt == attempts:
                    raise
                await asyncio.sleep(0.2 * attempt)
                continue
            self.limits.learn(response.headers)
            wait = asked_wait_s(response.status, response.headers, message_of(response), time.time())
            if wait is not None:
                self.limits.pause(wait)
                if waited + wait > self._settings.max_wait_s or attempt == attempts:
                    raise self.limits.refusal(resource, wait)
            elif response.status < 500 or attempt == attempts:
                return response
            else:
                await asyncio.sleep(0.2 * attempt)
        raise AssertionError("the last attempt returns or raises")

    async def _wait_for_turn(self, resource: str, waited: float) -> float:
        wait = self.limits.wait_s(resource)
        if waited + wait > self._settings.max_wait_s:
            raise self.limits.refusal(resource, wait)
        await asyncio.sleep(wait)
        return wait

    async def _in_thread(self, call: Callable[..., Response], *arguments: Any, what: str) -> Response:
        from rookery_github.exchange import NoAnswer

        async with self._slots:
            try:
                return await asyncio.to_thread(call, *arguments)
            except NoAnswer as error:
                problem = (
                    WriteInDoubt
                    if error.sent and arguments[0] in ("POST", "PATCH", "PUT", "DELETE")
                    else Unavailable
                )
                raise problem(
                    f"GitHub gave no usable answer for {what}: {error}.",
                    hint="Call again.",
                    retry_after_s=2.0,
                ) from None

    @staticmethod
    def _raise_for(response: Response, what: str, credentials: Credentials) -> None:
        if response.status >= 400:
            raise refusal(response, what, anonymous=credentials.anonymous)


class WriteInDoubt(Unavailable):
    """Nobody knows whether the write happened; ask GitHub before writing again."""

    code = "write_in_doubt"


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
