"""Standard input as the SDK can read it: half of a surrogate pair is no valid JSON text to its parser, which drops the
whole request without an answer."""

from __future__ import annotations

import re

from mcp.server import stdio

_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_Wrapper = stdio._UnownedTextWrapper  # pyright: ignore[reportPrivateUsage] no public way to see the lines first


def repair_surrogates(line: str) -> str:
    r"""A line of JSON with U+FFFD for each `\ud800` that is not half of a pair."""
    if "\\u" not in line:
        return line
    return _ESCAPES.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], line)


class RepairedText(_Wrapper):
    """The text of standard input, repaired line by line."""

    def readline(self, size: int = -1, /) -> str:
        return repair_surrogates(super().readline(size))


def repair_standard_input() -> None:
    """Let the SDK's server over stdio read through `RepairedText`."""
    stdio._UnownedTextWrapper = RepairedText  # pyright: ignore[reportPrivateUsage]
