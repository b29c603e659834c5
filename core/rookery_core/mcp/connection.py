"""The connection to one server: opened, supervised, and reopened after a failure."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from rookery_core.errors import RookeryError, Unavailable
from rookery_core.mcp.transport import connect_timeout_s, last_log_line, open_client, server_log
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from fastmcp import Client
    from mcp_types import CallToolResult, ServerNotification, Tool

    from rookery_core.mcp.configuration import NamedServer

logger = get_logger(__name__)
Answer = TypeVar("Answer")

PROBE_INTERVAL_S = 30.0
MIN_PAUSE_S, MAX_PAUSE_S = 0.3, 30.0
_INVALID = re.compile(r"structured content|Invalid schema for tool")
"""What the SDK raises for an answer that violates the tool's own schema. The connection stays usable."""
TIMED_OUT, CLOSED, INVALID_REQUEST = -32001, -32000, -32600


class ServerDown(Unavailable):
    """The server cannot be reached."""

    code = "server_down"


class ToolTimedOut(Unavailable):
    """The tool did not answer in time."""

    code = "tool_timeout"


class CallRefused(RookeryError):
    """The server rejected the call."""

    code = "call_refused"


class Connection:
    """Keeps one client alive in a separate task, so that a cancelled call cannot tear it down.

    A failing call or the probe detects a broken connection. It is closed and a new one is opened after a growing
    pause: a client whose session died does not recover by itself.
    """

    def __init__(self, server: NamedServer, *, on_change: Callable[[], None] = lambda: None) -> None:
        self.server = server
        self.tools: tuple[Tool, ...] = ()
        self.problem: str | None = None
        self.connected_ms = 0.0
        self._on_change = on_change
        self._client: Client[Any] | None = None
        self._capabilities: frozenset[str] = frozenset()
        self._first_attempt = asyncio.Event()
        self._broken = asyncio.Event()
        self._recheck = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.server.name

    @property
    def up(self) -> bool:
        return self._client is not None

    @property
    def has_resources(self) -> bool:
        return self._offers("resources")

    @property
    def has_prompts(self) -> bool:
        return self._offers("prompts")

    def _offers(self, capability: str) -> bool:
        """Whether the server has any: FastMCP declares the capability even without, so they are counted once connected."""
        return capability in self._capabilities

    def start(self) -> None:
        """Begin connecting in the background."""
        self._task = asyncio.create_task(self._keep_connected(), name=f"mcp {self.name}")

    async def wait_for_first_attempt(self) -> bool:
        """Wait until the first attempt has ended. Returns whether the server is up."""
        await self._first_attempt.wait()
        return self.up

    async def close(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        timeout_s: float,
        meta: Mapping[str, Any],
        repeat: bool,
    ) -> CallToolResult:
        """Call a tool. repeat: whether a lost call may be made once more (read-only or idempotent tools).

        Raises ServerDown, ToolTimedOut or CallRefused; an error that the tool itself reports is a result.
        """
        try:
            return await self._call_once(tool, arguments, timeout_s, meta)
        except ServerDown:
            if not repeat:
                raise
        await self.wait_until_up(min(timeout_s, connect_timeout_s(self.server)))
        return await self._call_once(tool, arguments, timeout_s, meta)

    async def read(self, uri: str, *, timeout_s: float, meta: Mapping[str, Any]) -> str:
        """The text of a resource. Raises ServerDown, ToolTimedOut or CallRefused."""
        result = await self.request(
            "resources/read", timeout_s, lambda client: client.read_resource_mcp(uri, meta=dict(meta))
        )
        return "".join(str(getattr(part, "text", "")) for part in result.contents)

    async def wait_until_up(self, timeout_s: float) -> None:
        """Wait until the server is up again. Raises ServerDown after timeout_s."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not self.up:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise self._down()
            self._first_attempt.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first_attempt.wait(), left)

    def _live(self) -> Client[Any]:
        if self._client is None:
            raise self._down()
        return self._client

    async def _call_once(
        self, tool: str, arguments: Mapping[str, Any], timeout_s: float, meta: Mapping[str, Any]
    ) -> CallToolResult:
        return await self.request(
            tool,
            timeout_s,
            lambda client: client.call_tool_mcp(tool, dict(arguments), timeout=timeout_s, meta=dict(meta)),
        )

    async def request(
        self, what: str, timeout_s: float, ask: Callable[[Client[Any]], Awaitable[Answer]]
    ) -> Answer:
        """Send a request through the live client. Raises ServerDown, ToolTimedOut or CallRefused."""
        from mcp.shared.exceptions import MCPError

        client = self._live()
        try:
            # The server gets the same limit; the outer one applies when the server does not answer at all.
            async with asyncio.timeout(timeout_s + 1):
                return await ask(client)
        except TimeoutError:
            raise self._too_slow(what, timeout_s) from None
        except MCPError as error:
            if error.error.code == TIMED_OUT:
                raise self._too_slow(what, timeout_s) from None
            if error.error.code == CLOSED or (
                error.error.code == INVALID_REQUEST and "session" in error.error.message.lower()
            ):
                raise self._lost(client, error) from None
            raise CallRefused(f"{self.name} refused {what}: {error.error.message}") from None
        except (RuntimeError, OSError, *_transport_errors()) as error:
            if _INVALID.search(str(error)):
                raise CallRefused(f"{self.name}: {_reason(error)}") from None
            raise self._lost(client, error) from None

    def _too_slow(self, tool: str, timeout_s: float) -> ToolTimedOut:
        return ToolTimedOut(
            f"{self.name}: {tool} did not answer within {timeout_s:g} s.",
            hint="Ask for less, or continue without it.",
        )

    def _lost(self, client: Client[Any], error: Exception) -> ServerDown:
        """Mark the connection as broken, unless a later one has already replaced it."""
        if self._client is client:
            self._set_down(_reason(error))
            self._broken.set()
            self._recheck.set()
        return self._down()

    def _down(self) -> ServerDown:
        return ServerDown(f"The server {self.name!r} is down: {self.problem or 'not connected yet'}.")

    async def _keep_connected(self) -> None:
        pause = MIN_PAUSE_S
        while True:
            was_up = await self._connect_once()
            pause = MIN_PAUSE_S if was_up else min(pause * 2, MAX_PAUSE_S)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 jitter needs no secrecy

    async def _connect_once(self) -> bool:
        was_up, started = False, time.perf_counter()
        with server_log() as log:
            try:
                async with open_client(self.server, log, self._on_message) as client:
                    self.tools = tuple(await client.list_tools())
                    self._capabilities = await _used_capabilities(client)
                    self.connected_ms = (time.perf_counter() - started) * 1e3
                    self._broken.clear()
                    self._recheck.clear()
                    self._client, self.problem, was_up = client, None, True
                    self._announce()
                    await self._watch(client)
            except Exception as error:  # noqa: BLE001
                # A client fails in many ways, and leaving its block raises what broke it once more.
                reason = last_log_line(log) or _reason(error)
                logger.info("%s: %s", self.name, reason)
                self._set_down(reason)
            finally:
                self._client = None
                self._announce()
        return was_up

    async def _on_message(self, message: ServerNotification | Exception) -> None:
        """Handle a notification: the list of tools changed."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._recheck.set()

    async def _watch(self, client: Client[Any]) -> None:
        """Return when a call found the connection broken; raise when a probe does."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._recheck.wait(), PROBE_INTERVAL_S * random.uniform(0.8, 1.2))  # noqa: S311
            if self._broken.is_set():
                return
            self._recheck.clear()
            async with asyncio.timeout(connect_timeout_s(self.server)):
                tools = tuple(await client.list_tools())
            if tools != self.tools:
                self.tools = tools
                self._on_change()

    def _set_down(self, problem: str) -> None:
        self._client, self.problem = None, problem
        self._on_change()

    def _announce(self) -> None:
        self._first_attempt.set()
        self._on_change()


async def _used_capabilities(client: Client[Any]) -> frozenset[str]:
    """Which of resources and prompts the server really has."""
    from mcp.shared.exceptions import MCPError

    capabilities = client.server_capabilities
    if capabilities is None:
        return frozenset()
    used: set[str] = set()
    for capability, declared, listings in (
        ("resources", capabilities.resources, (client.list_resources, client.list_resource_templates)),
        ("prompts", capabilities.prompts, (client.list_prompts,)),
    ):
        for listing in listings if declared else ():
            try:
                if await listing():
                    used.add(capability)
                    break
            except MCPError:
                break  # declared, but not implemented
    return frozenset(used)


def _transport_errors() -> tuple[type[Exception], ...]:
    import anyio
    import httpx2

    return (httpx2.HTTPError, anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream)


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:  # pyright: ignore[reportUnknownMemberType]
        error = error.exceptions[0]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    text = " ".join(str(error).split()) or type(error).__name__  # pyright: ignore[reportUnknownArgumentType]
    return text[:300].rstrip(".")
