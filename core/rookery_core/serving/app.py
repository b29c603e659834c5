"""A server as a program: its declaration, its command line, and how it is served over stdio or HTTP."""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fastmcp import FastMCP

from rookery_core.console import exit_status
from rookery_core.environment_file import load_environment_file
from rookery_core.identity.user_ids import user_id
from rookery_core.telemetry import configure_telemetry

if TYPE_CHECKING:
    from rookery_core.serving.http import Readiness
    from rookery_core.settings import CoreSettings

DEFAULT_HOST = "127.0.0.1"
MAX_WORKERS = 64


S = TypeVar("S", bound="CoreSettings")


@dataclass(frozen=True, slots=True)
class ServeArguments:
    """How a server is to run. The defaults are those of a client that starts it over stdio."""

    transport: str = "stdio"
    host: str = DEFAULT_HOST
    port: int = 0
    as_user: str | None = None
    workers: int = 1
    tools: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


STDIO = ServeArguments()


@dataclass(frozen=True, slots=True)
class BuiltServer:
    """A server and how to tell whether it can do its work."""

    server: FastMCP
    ready: Readiness | None = None


@dataclass(frozen=True, slots=True)
class ServerApp(Generic[S]):
    """The declaration of a server; `main` is its command.

    name: of the command, of the server, and the audience of signed askers (`rookery-docs`). port: the default over
    HTTP. settings: reads the settings; called once. build: makes the server from settings and arguments; opens nothing.
    """

    name: str
    port: int
    description: str
    settings: Callable[[], S]
    build: Callable[[S, ServeArguments], BuiltServer]

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Serve until the client leaves or a signal comes. Returns the exit status."""
        arguments = _parse(self.name, self.description, self.port, argv)

        def serve() -> int:
            load_environment_file(for_client=arguments.transport == "stdio")
            settings = self.settings()
            chosen = {"tools": arguments.tools, "exclude": arguments.exclude}
            settings = settings.model_copy(update={name: names for name, names in chosen.items() if names})
            configure_telemetry(settings)
            return _serve(self.build(settings, arguments), settings, arguments)

        try:
            return exit_status(self.name, serve)
        except OSError as error:
            address = f"{arguments.host}:{arguments.port}"
            print(f"{self.name}: cannot listen on {address}: {error.strerror}", file=sys.stderr)
            return 1


def _serve(built: BuiltServer, settings: CoreSettings, arguments: ServeArguments) -> int:
    if arguments.transport == "stdio":
        from rookery_core.serving.stdio import serve_stdio

        return serve_stdio(
            built.server.name, lambda: _run_loop(built.server.run_stdio_async(show_banner=False))
        )
    from rookery_core.http_server import listen
    from rookery_core.serving import http, rest
    from rookery_core.serving.shutdown import unwind_on_sigterm
    from rookery_core.serving.workers import serve_with_workers

    host, port = arguments.host, arguments.port
    http.guard(built.server, settings, host)
    http.add_health(built.server, built.ready)
    rest.add_rest(built.server)

    def announce() -> None:
        print(http.start_message(built.server.name, settings, host, port), file=sys.stderr)

    def serve(listening: socket.socket) -> None:
        with unwind_on_sigterm():
            _run_loop(http.serve_http(built.server, settings, host, listening))

    if arguments.workers > 1:
        return serve_with_workers(arguments.workers, host, port, serve, announce)
    listening = listen(host, port)
    announce()
    serve(listening)
    return 0


def _run_loop(main: Any) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
        return
    import uvloop

    uvloop.run(main)


def _parse(prog: str, description: str, default_port: int, argv: Sequence[str] | None) -> ServeArguments:
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        epilog=(
            f"examples:\n  {prog}                        over stdio, as MCP clients start it\n"
            f"  {prog} --transport http       http://{DEFAULT_HOST}:{default_port}/mcp, no token needed on loopback;\n"
            f"  {'':<{len(prog)}}                        the same tools as plain JSON under /api\n"
            f"  {prog} --as-user U012AB3CD    answer with what that person may see\n"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--transport", choices=("stdio", "http"), default="stdio", help="default: stdio")
    parser.add_argument(
        "--host", default=DEFAULT_HOST, help=f"address to listen on (http; default {DEFAULT_HOST})"
    )
    parser.add_argument(
        "--port", type=_port, default=default_port, help=f"port (http; default {default_port})"
    )
    parser.add_argument(
        "--as-user",
        type=user_id,
        metavar="ID",
        help="the person to answer for (stdio; default: nobody, public content only)",
    )
    parser.add_argument(
        "--workers", type=_workers, default=1, metavar="N",
        help="processes that serve the port together (http; default 1): one of them uses one core",
    )  # fmt: skip
    parser.add_argument(
        "--tools", type=_names, default=(), metavar="NAMES",
        help="offer only these tools: names or globs, separated by commas (ROOKERY_TOOLS)",
    )  # fmt: skip
    parser.add_argument(
        "--exclude", type=_names, default=(), metavar="NAMES",
        help="leave these tools out; also prompts:NAME and resources:NAME (ROOKERY_EXCLUDE)",
    )  # fmt: skip
    parsed = parser.parse_args(argv)
    if parsed.workers > 1 and parsed.transport == "stdio":
        parser.error("--workers goes with --transport http; over stdio each client has a separate process")
    if parsed.as_user and parsed.transport == "http":
        parser.error(
            "--as-user goes with stdio; over HTTP the caller's token says who asks (ROOKERY_HTTP_TOKENS)"
        )
    return ServeArguments(**vars(parsed))


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _number(text: str, what: str, most: int) -> int:
    number = int(text)
    if not 0 < number <= most:
        raise argparse.ArgumentTypeError(f"{what} from 1 to {most}")
    return number


def _port(text: str) -> int:
    return _number(text, "a port is a number", 65535)


def _workers(text: str) -> int:
    count = _number(text, "a number of processes is", MAX_WORKERS)
    if count > 1 and not hasattr(os, "fork"):
        raise argparse.ArgumentTypeError("this system can only serve with 1 process")
    return count
