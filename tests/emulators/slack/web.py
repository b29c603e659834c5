"""The Web API: arguments, tokens, scopes, faults and the journal around every method."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.slack import faults
from emulators.slack.errors import ApiError
from emulators.slack.limits import Limiter

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator

Json = dict[str, Any]
Method = Callable[["SlackEmulator", Json], Json]


@dataclass(frozen=True)
class Registered:
    call: Method
    scopes: tuple[str, ...]
    app_token: bool


METHODS: dict[str, Registered] = {}


def method(name: str, *scopes: str, app_token: bool = False) -> Callable[[Method], Method]:
    """Register a Web API method. With several scopes any of them is enough, as for the conversations family."""

    def register(call: Method) -> Method:
        METHODS[name] = Registered(call, scopes, app_token)
        return call

    return register


@dataclass
class Call:
    """One line of the journal."""

    method: str
    arguments: Json
    answer: Json


@dataclass
class Journal:
    calls: list[Call] = field(default_factory=list[Call])
    counts: Counter[str] = field(default_factory=Counter[str])

    def note(self, name: str, arguments: Json, answer: Json) -> None:
        self.calls.append(Call(name, arguments, answer))
        self.counts[name] += 1

    def of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.method == name]


async def handle(request: web.Request) -> web.StreamResponse:
    """Serve `/api/<method>`."""
    emulator: SlackEmulator = request.app[EMULATOR]
    name = request.match_info["method"]
    arguments = await read_arguments(request)
    token = _token(request, arguments)
    fault = emulator.faults.take(name)
    if fault is not None and fault.kind in ("proxy", "stall"):
        return await faults.instead(fault)
    if fault is not None and fault.kind == "drop":
        return _broken_off(request)
    try:
        registered = _authorised(emulator, name, token)
        emulator.limiter.admit(name, str(arguments.get("channel", "")))
        faults.before(fault)
        answer = {"ok": True, **registered.call(emulator, arguments)}
        status, headers = 200, dict[str, str]()
    except ApiError as error:
        answer, status, headers = error.body(), error.status, error.headers
    emulator.journal.note(name, arguments, answer)
    emulator.state.changed()
    if fault is not None and fault.kind == "hold":
        await fault.release.wait()
    if fault is not None and fault.kind == "lose_answer":
        return _broken_off(request)
    if fault is not None and fault.kind == "cut_answer":
        return await _cut_off(request, json.dumps(answer))
    headers["x-oauth-scopes"] = ",".join(sorted(emulator.state.app.scopes))
    return web.json_response(answer, status=status, headers=headers)


def _broken_off(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _cut_off(request: web.Request, body: str) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": str(len(body))}
    )
    await response.prepare(request)
    await response.write(body[: len(body) // 2].encode())
    _broken_off(request)
    return response


async def read_arguments(request: web.Request) -> Json:
    """Arguments from query, form, multipart or JSON; what is JSON inside a form field is parsed, as Slack does."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        given.update(json.loads(body) if body else {})
    elif request.method == "POST":
        given.update(await request.post())
    return {key: _plain(key, value) for key, value in given.items()}


def _plain(key: str, value: Any) -> Any:
    if key in ("blocks", "attachments", "metadata", "view", "chunks", "prompts", "files") and isinstance(
        value, str
    ):
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError("invalid_blocks_format") from None
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    return value


def _token(request: web.Request, arguments: Json) -> str:
    header = request.headers.get("Authorization", "")
    inline = str(arguments.pop("token", "") or "")
    return header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else inline


def _authorised(emulator: SlackEmulator, name: str, token: str) -> Registered:
    app = emulator.state.app
    if not token:
        raise ApiError("not_authed")
    if token not in (app.bot_token, app.app_token):
        raise ApiError("invalid_auth")
    registered = METHODS.get(name)
    if registered is None:
        raise ApiError("unknown_method", req_method=name)
    if registered.app_token != (token == app.app_token):
        raise ApiError("not_allowed_token_type")
    if registered.scopes and not app.scopes.intersection(registered.scopes):
        raise ApiError("missing_scope", needed=registered.scopes[0], provided=",".join(sorted(app.scopes)))
    return registered


def required(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if value in (None, ""):
        raise ApiError(
            "invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {name}"]}
        )
    return str(value)


EMULATOR: web.AppKey[SlackEmulator] = web.AppKey("emulator")

__all__ = ["EMULATOR", "METHODS", "Journal", "Limiter", "handle", "method", "read_arguments", "required"]
