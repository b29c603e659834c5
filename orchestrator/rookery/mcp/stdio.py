"""A server over stdio that may write more to its output than messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TextIO

from fastmcp.client.transports import ClientTransport
from fastmcp.client.transports.base import SessionKwargs, TransportOptions
from mcp.client.stdio import StdioServerParameters, stdio_client

if TYPE_CHECKING:
    from mcp import ClientSession
    from typing_extensions import Unpack


class TolerantStdio(ClientTransport):
    """Starts the program with each connection and ends it with it. Bytes that are no UTF-8 spoil their own line only:
    FastMCP's transport would stop reading at them, for ever and without a word."""

    def __init__(
        self, *, command: str, args: Sequence[str], env: Mapping[str, str], cwd: str | None, log: TextIO
    ) -> None:
        self._parameters = StdioServerParameters(
            command=command, args=list(args), env=dict(env), cwd=cwd, encoding_error_handler="replace"
        )
        self._log = log

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

        # In a task of its own: a client that is in a hurry cancels the one that it waits for, and with it the program
        # would lose the one that ends it.
        holder = asyncio.create_task(hold())
        try:
            await asyncio.wait({holder, ready}, return_when=asyncio.FIRST_COMPLETED)
            if holder.done():
                await holder
            yield ready.result()
        finally:
            stop.set()
            await asyncio.wait({holder})
