"""The emulated API: who asks, what is left of their limits, which failure is due, which route answers."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from emulators.github import (
    account_routes,
    action_routes,
    code_routes,
    issue_routes,
    pull_routes,
    search_routes,
    write_routes,
)
from emulators.github.answers import Refused, whole
from emulators.github.faults import Fault, refusal
from emulators.github.world import Repository, World

LIMITS = {"core": 5000, "search": 30, "code_search": 10}
ANONYMOUS_LIMITS = {"core": 60, "search": 10, "code_search": 10}
WINDOW_S = {"core": 3600, "search": 60, "code_search": 60}
Handler = Callable[..., Response]


@dataclass(slots=True)
class Asked:
    """One request being answered. viewer: the login that the token stands for, or None."""

    world: World
    request: Request
    viewer: str | None
    scopes: tuple[str, ...]
    body: Any = None

    @property
    def fields(self) -> dict[str, Any]:
        """The body, when it is an object."""
        body: object = self.body
        return cast(dict[str, Any], body) if isinstance(body, dict) else {}

    def sees(self, repository: Repository) -> bool:
        """Whether the viewer may know of a repository."""
        return not repository.data["private"] or (self.viewer or "").lower() in repository.permissions

    def repository(self, owner: str, name: str) -> Repository:
        """The repository, else 404, else 301 where it has moved."""
        full_name = f"{owner}/{name}"
        if moved := self.world.moved.get(full_name.lower()):
            target = self.world.find(moved)
            if target is not None:
                old = f"/repos/{owner}/{name}"
                rest = self.request.url.path.partition(old)[2]
                url = self.request.url.replace(path=f"/repositories/{target.data['id']}{rest}")
                raise Refused(301, "Moved Permanently", location=str(url))
        found = self.world.find(full_name)
        if found is None or not self.sees(found):
            raise Refused(404, "Not Found")
        return found

    def may_write(self) -> str:
        """The viewer's login, when it may write; else GitHub's refusal."""
        if self.viewer is None:
            raise Refused(401, "Requires authentication")
        if self.scopes and not {"repo", "public_repo"} & set(self.scopes):
            raise Refused(
                404,
                "Not Found",
                x_accepted_oauth_scopes="public_repo, repo",
                x_oauth_scopes=", ".join(self.scopes),
            )
        return self.viewer


class GitHubApplication:
    """The ASGI application. `log` has (method, path with query, status) of all requests in order of arrival."""

    def __init__(self, world: World) -> None:
        self.reset(world)
        modules = (
            account_routes,
            issue_routes,
            pull_routes,
            code_routes,
            search_routes,
            action_routes,
            write_routes,
        )
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, _pattern(path), handler) for module in modules for method, path, handler in module.ROUTES
        ]

    def reset(self, world: World) -> None:
        """Begin anew with a world."""
        self.world = world
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str, int]] = []
        self.limits = dict(LIMITS)
        self.used: dict[tuple[str, str], int] = {}
        self._started = time.time()

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        fault = next((one for one in self.faults if one.matches(request)), None)
        if fault is not None:
            fault.times -= 1
        if fault is not None and fault.kind == "slow":
            await asyncio.wait_for(fault.release.wait(), 30)
        if fault is not None and fault.kind in ("status", "primary", "secondary", "forbidden"):
            response = refusal(fault)
        else:
            response = self._answer(request, body)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.log.append((request.method, path, response.status_code))
        if fault is not None and fault.kind in ("cut", "drop"):
            await _break(response, send, keep=fault.kind == "cut")
            return
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        try:
            viewer, scopes = self._viewer(request)
            resource = _resource(request.url.path)
            self._refuse_over_limit(viewer, resource)
            asked = Asked(self.world, request, viewer, scopes, json.loads(body) if body else None)
            response = self._route(asked)
        except Refused as refused:
            response = refused.response()
            viewer, scopes, resource = None, (), _resource(request.url.path)
            if refused.status == 401:
                return response
            viewer, scopes = self._viewer(request)
        if response.status_code != 304 and request.url.path != "/rate_limit":
            self.used[viewer or "", resource] = self.used.get((viewer or "", resource), 0) + 1
        response.headers.update(self._limit_headers(viewer, resource))
        if scopes and "x-oauth-scopes" not in response.headers:
            response.headers["x-oauth-scopes"] = ", ".join(scopes)
        return response

    def _route(self, asked: Asked) -> Response:
        path = self._unprefixed(asked.request.url.path)
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and method == asked.request.method:
                return handler(
                    asked, **{name: _typed(name, value) for name, value in match.groupdict().items()}
                )
        if path == "/rate_limit":
            return whole(asked.request, {"resources": {}, "rate": {}})
        raise Refused(404, "Not Found")

    def _unprefixed(self, path: str) -> str:
        path = path.removeprefix("/api/v3")
        match = re.match(r"^/repositories/(\d+)(.*)$", path)
        if match:
            for repository in self.world.repositories.values():
                if repository.data["id"] == int(match[1]):
                    return f"/repos/{repository.full_name}{match[2]}"
        return path

    def _viewer(self, request: Request) -> tuple[str | None, tuple[str, ...]]:
        header = request.headers.get("authorization", "")
        if not header:
            return None, ()
        known = self.world.tokens.get(header.partition(" ")[2])
        if known is None and not header.startswith("Bearer ey"):
            raise Refused(401, "Bad credentials")
        return known or ("app", ())

    def _limit(self, viewer: str | None, resource: str) -> int:
        return (self.limits if viewer else ANONYMOUS_LIMITS).get(resource, self.limits["core"])

    def _refuse_over_limit(self, viewer: str | None, resource: str) -> None:
        if self.used.get((viewer or "", resource), 0) >= self._limit(viewer, resource):
            message = (
                "API rate limit exceeded for user ID 1."
                if viewer
                else "API rate limit exceeded for 127.0.0.1."
            )
            raise Refused(403, message)

    def _limit_headers(self, viewer: str | None, resource: str) -> dict[str, str]:
        limit = self._limit(viewer, resource)
        used = self.used.get((viewer or "", resource), 0)
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-used": str(used),
            "x-ratelimit-remaining": str(max(0, limit - used)),
            "x-ratelimit-reset": str(int(self._started) + WINDOW_S.get(resource, 3600)),
            "x-ratelimit-resource": resource,
            "x-github-media-type": "github.v3; format=json",
            "x-github-api-version-selected": "2022-11-28",
        }


def _pattern(path: str) -> re.Pattern[str]:
    """`/repos/{owner}/{repo}/issues/{number:d}`; a name ending in `:path` takes slashes."""
    written = re.sub(r"\{(\w+):d\}", r"(?P<\1>\\d+)", path)
    written = re.sub(r"\{(\w+):path\}", r"(?P<\1>.*)", written)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", written))


_NUMBERS = frozenset(("number", "ident", "run", "job", "installation", "review"))


def _typed(name: str, value: str) -> str | int:
    return int(value) if name in _NUMBERS else value


def _resource(path: str) -> str:
    if path.endswith("/search/code"):
        return "code_search"
    if path.endswith("/graphql"):
        return "graphql"
    return "search" if "/search/" in path else "core"


async def _break(response: Response, send: Send, *, keep: bool) -> None:
    """End the connection inside the body, or before a single byte of the answer."""
    if keep:
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        )
        await send(
            {
                "type": "http.response.body",
                "body": bytes(response.body)[: len(response.body) // 2],
                "more_body": True,
            }
        )
    raise ConnectionAbortedError("the emulator breaks the connection")
