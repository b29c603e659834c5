"""Text on its way to the reader, while it is still being written: held back until its links can be checked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from rookery.agent.links import LinkAllowlist, check

_FENCE = re.compile(r"^[ \t]*(```|~~~)", re.MULTILINE)
_SENTENCE = re.compile(r"[.!?:]\s+(?=\S)|[。！？]")
HOLD_FIRST = 160
"""Characters held back at first: a model that begins with "Let me search …" is not quoted with it."""


class CheckedStream:
    """Passes on what is complete: whole lines, and sentences without an open link or code.

    A fenced block is passed on only once it has ended, because its end decides what its inside is.
    """

    def __init__(self, allowlist: LinkAllowlist, send: Callable[[str], Awaitable[None]]) -> None:
        self._allowlist = allowlist
        self._send = send
        self._held = ""
        self._begun = False

    @property
    def begun(self) -> bool:
        """Whether something was passed on since the last restart."""
        return self._begun

    async def add(self, text: str) -> None:
        self._held += text
        if not self._begun and len(self._held) < HOLD_FIRST:
            return
        await self._pass_on(_complete(self._held))

    async def finish(self) -> None:
        """Pass on the rest."""
        await self._pass_on(len(self._held))

    def restart(self) -> bool:
        """Forget what was held. Returns whether something had been passed on already."""
        begun, self._begun, self._held = self._begun, False, ""
        return begun

    async def _pass_on(self, length: int) -> None:
        if not length:
            return
        ready, self._held = self._held[:length], self._held[length:]
        self._begun = True
        await self._send(check(ready, self._allowlist).markdown)


def _complete(text: str) -> int:
    """How many characters of `text` can be judged already."""
    fences = [match.start() for match in _FENCE.finditer(text)]
    if len(fences) % 2:
        return fences[-1]
    line_end = text.rfind("\n") + 1
    rest = text[line_end:]
    for sentence in reversed(list(_SENTENCE.finditer(rest))):
        if _closed(rest[: sentence.end()]):
            return line_end + sentence.end()
    return line_end if _closed(text[:line_end]) else _last_closed_line(text, line_end)


def _closed(text: str) -> bool:
    line = text.rsplit("\n\n", 1)[-1]
    return line.count("`") % 2 == 0 and line.count("[") <= line.count("](") + line.count("]:") and line.count("(") == line.count(")") and line.count("<") == line.count(">")  # fmt: skip


def _last_closed_line(text: str, line_end: int) -> int:
    """A paragraph's end is a safe place even when a bracket stays open before it."""
    return text.rfind("\n\n", 0, line_end) + 2 if "\n\n" in text[:line_end] else 0
