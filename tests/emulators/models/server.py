"""The HTTP side: three endpoints, each streaming in its provider's own form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

from aiohttp import web

from emulators.models import anthropic_wire, openai_wire
from emulators.models.brains import Brain, Reply, Request, researcher

Event = tuple[str | None, dict[str, Any] | str]
Wire = Callable[[Reply, Request, int], list[Event]]

_STATUS = {
    "overloaded": 529,
    "rate_limited": 429,
    "server_error": 500,
    "bad_key": 401,
    "too_long": 400,
    "bad_request": 400,
}
_MESSAGES = {
    "overloaded": ("overloaded_error", "Overloaded"),
    "rate_limited": ("rate_limit_error", "This request would exceed your rate limit"),
    "server_error": ("api_error", "Internal server error"),
    "bad_key": ("authentication_error", "invalid x-api-key"),
    "too_long": ("invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
    "bad_request": ("invalid_request_error", "messages: at least one message is required"),
}


class ModelEmulator:
    """An HTTP server on loopback. `requests` holds every request in order; `brain` may be changed at any time."""

    def __init__(self, brain: Brain = researcher, *, port: int = 0, delay_s: float = 0.0) -> None:
        self.brain = brain
        self.requests: list[Request] = []
        self.delay_s = delay_s
        self._port = port
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post(
            "/v1/messages", self._handler("anthropic", anthropic_wire.request, anthropic_wire.events)
        )
        app.router.add_post(
            "/v1/chat/completions", self._handler("chat", openai_wire.chat_request, openai_wire.chat_events)
        )
        app.router.add_post("/v1/responses", self._handler("responses", openai_wire.responses_request, openai_wire.responses_events))  # fmt: skip
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        if self._runner:
            await self._runner.cleanup()

    def _handler(self, api: Any, read: Callable[[dict[str, Any]], tuple[Any, Any, str]], write: Wire) -> Any:
        async def handle(http: web.Request) -> web.StreamResponse:
            body = await http.json()
            try:
                tools, results, last = read(body)
            except (ValueError, KeyError, TypeError) as error:
                problem = {"error": {"message": str(error), "type": "invalid_request_error"}}
                return web.json_response(problem, status=400)
            request = Request(api, body, dict(http.headers), tools, results, last)
            self.requests.append(request)
            reply = self.brain(request)
            if reply.fault in _STATUS:
                return _refusal(api, reply)
            return await self._stream(http, reply, write(reply, request, len(self.requests)), api)

        return handle

    async def _stream(
        self, http: web.Request, reply: Reply, events: list[Event], api: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        try:
            async for event in self._until_fault(events, reply):
                await response.write(_written(event))
        except ConnectionResetError:  # whoever asked went away
            return response
        if reply.fault == "cut":
            assert http.transport is not None
            http.transport.abort()
        return response

    async def _until_fault(self, events: list[Event], reply: Reply) -> AsyncIterator[Event]:
        stop = len(events) if reply.fault is None else max(1, len(events) // 2)
        for event in events[:stop]:
            yield event
            await asyncio.sleep(self.delay_s)
        if reply.fault == "hang":
            await self._released.wait()
        elif reply.fault == "error_in_stream":
            kind, message = _MESSAGES["overloaded"]
            yield (
                "error",
                {"type": "error", "error": {"type": kind, "message": message, "code": None, "param": None}},
            )


def _written(event: Event) -> bytes:
    name, data = event
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return ((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode()


def _refusal(api: str, reply: Reply) -> web.Response:
    assert reply.fault is not None
    kind, message = _MESSAGES[reply.fault]
    body: dict[str, Any] = {"error": {"type": kind, "message": message}}
    if api == "anthropic":
        body = {"type": "error", **body, "request_id": "req_emulated"}
    elif reply.fault == "too_long":
        body["error"] |= {"code": "context_length_exceeded", "message": "This model's maximum context length is 128000 tokens."}  # fmt: skip
    headers = {"retry-after": reply.retry_after} if reply.retry_after else {}
    return web.json_response(body, status=_STATUS[reply.fault], headers=headers)
