"""A stdio transport for servers that write other things than messages to their output."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TextIO

from fastmcp.client.transports import ClientTransport
from fastmcp.client.transports.base import SessionKwargs, TransportOptions
from mcp.client.stdio import StdioServerParameters, stdio_client

if TYPE_CHECKING:
    from mcp import ClientSession
    from typing_extensions import Unpack


class _OneLine(logging.Filter):
    """Logs what a server prints between its messages as one line instead of the SDK's traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = "a server printed something that is not a message to its output", ()
        return True


_ONE_LINE = _OneLine()


class TolerantStdio(ClientTransport):
    """Starts the program with each connection and ends it with it. Bytes that are not UTF-8 spoil only their own line:
    FastMCP's transport would silently stop reading at them."""

    def __init__(
        self, *, command: str, args: Sequence[str], env: Mapping[str, str], cwd: str | None, log: TextIO
    ) -> None:
        self._parameters = StdioServerParameters(
            command=command, args=list(args), env=dict(env), cwd=cwd, encoding_error_handler="replace"
        )
        self._log = log
        logging.getLogger("mcp.client.stdio").addFilter(_ONE_LINE)

    @asynccontextmanager
    async def connect_session(
        self, *, transport_options: TransportOptions | None = None, **session_kwargs: Unpack[SessionKwargs]
    ) -> AsyncGenerator[ClientSession]:
        options = transport_options or TransportOptions()
        ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()

        async def hold() -> None:
            async with (
                stdio_client(self._parameters, errlog=self._log) as (read, write),
                options.session_class(read, write, **session_kwargs) as session,
            ):
                ready.set_result(session)
                await stop.wait()

        # In a separate task: a client that times out cancels the task it waits for, and then nothing would end the
        # program.
        holder = asyncio.create_task(hold())
        try:
            await asyncio.wait({holder, ready}, return_when=asyncio.FIRST_COMPLETED)
            if holder.done():
                await holder
            yield ready.result()
        finally:
            stop.set()
            await asyncio.wait({holder})
