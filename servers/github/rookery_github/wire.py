"""Requests to one GitHub host in worker threads: waits capped, reads repeated, redirects followed only where allowed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from rookery_core.errors import NotAllowed, Unavailable
from rookery_github.failures import message_of, refusal
from rookery_github.limits import Limits, asked_wait_s, resource_of

if TYPE_CHECKING:
    from rookery_github.confinement import Confinement
    from rookery_github.credentials import Credentials
    from rookery_github.exchange import Exchanger, Response
    from rookery_github.hosts import Host
    from rookery_github.settings import GitHubSettings

JSON = "application/vnd.github+json"
GRAPHQL = "/graphql"
MAX_REDIRECTS = 3
READ_ATTEMPTS = 3
_WRITING = ("POST", "PATCH", "PUT", "DELETE")


class WriteInDoubt(Unavailable):
    """Nobody knows whether the write happened; ask GitHub before writing again."""

    code = "write_in_doubt"


class Wire:
    """The way to one host under one identity. Connects at the first request."""

    def __init__(
        self, host: Host, settings: GitHubSettings, confinement: Confinement, *, signed: bool = True
    ) -> None:
        self.limits = Limits()
        self._is_signed = signed
        self._host = host
        self._settings = settings
        self._confinement = confinement
        self._opened: tuple[Exchanger, Credentials] | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(settings.max_concurrent)
        # The loop's own pool has a few threads only, which a few slow answers would hold.
        self._threads = ThreadPoolExecutor(settings.max_concurrent, thread_name_prefix="github")

    async def credentials(self) -> Credentials:
        """Who asks."""
        return (await self._open())[1]

    async def close(self) -> None:
        """Let the connections go."""
        if self._opened:
            await asyncio.to_thread(self._opened[0].close)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def get(
        self, path: str, parameters: Mapping[str, Any], headers: dict[str, str], what: str
    ) -> Response:
        """GET, through redirects. Raises the errors of `failures`, RateLimited, Unavailable."""
        exchanger, _credentials = await self._open()
        asked = path
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._exchange("GET", path, parameters, headers, None, READ_ATTEMPTS, what)
            if response.location is None:
                return await self._checked(response, what)
            path, parameters, elsewhere = await self._follow(
                exchanger, response.location, headers, asked, what
            )
            if elsewhere is not None:
                return await self._checked(elsewhere, what)
        raise Unavailable(f"GitHub redirects {what} in circles.")

    async def query(self, body: Any, what: str) -> Response:
        """Ask the GraphQL API. It only reads, so it is repeated like any read."""
        response = await self._exchange("POST", GRAPHQL, {}, {"Accept": JSON}, body, READ_ATTEMPTS, what)
        return await self._checked(response, what)

    async def write(self, method: str, path: str, body: Any, what: str) -> Response:
        """Send once. Raises WriteInDoubt when nobody knows whether it happened, else as `get`."""
        response = await self._exchange(method, path, {}, {"Accept": JSON}, body, 1, what)
        if response.status >= 500:
            raise WriteInDoubt(f"GitHub answered {response.status} for {what}.")
        return await self._checked(response, what)

    async def _checked(self, response: Response, what: str) -> Response:
        if response.status >= 400:
            raise refusal(response, what, anonymous=(await self.credentials()).anonymous)
        return response

    async def _open(self) -> tuple[Exchanger, Credentials]:
        if self._opened is None:
            async with self._opening:
                if self._opened is None:
                    self._opened = await asyncio.to_thread(self._connect)
        return self._opened

    def _connect(self) -> tuple[Exchanger, Credentials]:
        from rookery_github.credentials import Credentials
        from rookery_github.exchange import Exchanger

        credentials = self._host.find_credentials() if self._is_signed else Credentials()
        settings = self._settings
        return Exchanger(
            self._host.api, credentials, settings.timeout_s, settings.max_concurrent
        ), credentials

    async def _follow(
        self, exchanger: Exchanger, location: str, headers: dict[str, str], asked: str, what: str
    ) -> tuple[str, Mapping[str, Any], Response | None]:
        """Where a redirect leads: a path of this API, or the answer of another host (storage of logs)."""
        api, target = urlsplit(self._host.api), urlsplit(location)
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
                "GET", f"/repositories/{parts[1]}", {}, {"Accept": JSON}, None, 1, "the repository"
            )
            self._confinement.check(
                str(json.loads(moved.body).get("full_name")) if moved.status == 200 else "unknown/unknown"
            )
        else:
            raise NotAllowed("GitHub redirects outside of the allowed repositories.")

    async def _exchange(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
        attempts: int,
        what: str,
    ) -> Response:
        """One request, repeated within the cap for limits and, when it only reads, for failures of GitHub."""
        exchanger, _credentials = await self._open()
        resource = resource_of(path)
        path = exchanger.graphql if path == GRAPHQL else path
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
                if self.limits.wait_s(resource) + 1 < wait:  # not a budget that is used up: a secondary limit
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
                return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)
            except NoAnswer as error:
                problem = (
                    WriteInDoubt
                    if error.sent and arguments[0] in _WRITING and resource_of(arguments[1]) != "graphql"
                    else Unavailable
                )
                raise problem(
                    f"GitHub gave no usable answer for {what}: {error}.",
                    hint="Call again.",
                    retry_after_s=2.0,
                ) from None
