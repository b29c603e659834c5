"""An answer in progress: a line that says what happens, and the text as it arrives."""

from __future__ import annotations

import asyncio
import sys
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.spinner import Spinner
from rich.text import Text

from rookery.agent import PendingAction


class TerminalReader:
    """Shows progress on stderr, and only where that is a terminal. `quiet` shows nothing."""

    def __init__(self, *, quiet: bool = False, yes: bool = False) -> None:
        self._console = Console(stderr=True)
        self._shown = not quiet and self._console.is_terminal
        self._yes = yes
        self._text = ""
        self._status = "starting the servers"
        self._live = Live(console=self._console, transient=True, refresh_per_second=12)

    @property
    def can_confirm(self) -> bool:
        """Whether somebody is there to say yes, or said so beforehand."""
        return self._yes or (sys.stdin.isatty() and self._shown)

    def __enter__(self) -> Self:
        if self._shown:
            self._live.start()
            self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._live.stop()

    async def text(self, piece: str) -> None:
        self._text += piece
        self._draw()

    async def tool(self, name: str) -> None:
        self._status = f"asking {name}"
        self._draw()

    async def restart(self) -> None:
        self._text = ""
        self._draw()

    async def confirm(self, action: PendingAction) -> bool:
        """Ask for a yes to a call that changes something."""
        if self._yes:
            return True
        self._live.stop()
        try:
            self._console.print(Text.assemble(("The answer wants to run ", "yellow"), action.describe()))
            self._console.print(Text(f"It needs your yes: {action.reason}.", style="dim"))
            reply = await asyncio.to_thread(input, "Run it? [y/N] ")
        except EOFError:
            reply = ""
        finally:
            if self._shown:
                self._live.start()
        return reply.strip().lower() in ("y", "yes")

    def _draw(self) -> None:
        if self._shown:
            self._live.update(Markdown(self._text) if self._text else Spinner("dots", self._status))
