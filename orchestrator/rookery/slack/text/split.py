"""Splits long answers into several messages, between paragraphs and with code fences closed."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_CHARACTERS = 11_000
"""Slack accepts 12,000 characters of markdown in one message; the rest is for the blocks below the answer."""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")


def split(markdown: str, limit: int = MAX_CHARACTERS) -> list[str]:
    """The parts of an answer, each at most `limit` characters. An open fence is closed and reopened."""
    if limit < 40:
        raise ValueError("limit must be at least 40 characters, the room for a fence")
    if len(markdown) <= limit:
        return [markdown] if markdown.strip() else []
    parts: list[str] = []
    current, fence = "", ""
    for line in _short_lines(markdown, limit - 24):
        closing = f"\n{_marker(fence)}" if fence else ""
        if current.strip() and len(current) + len(line) + len(closing) + 8 > limit:
            head, tail = _at_a_paragraph(current, fence)
            parts.append((head + closing).rstrip("\n"))
            current = (fence + "\n" if fence else "") + tail
        current += line
        fence = _after(line.rstrip("\n"), fence)
    if current.strip():
        parts.append(current.rstrip("\n"))
    return parts


def _short_lines(markdown: str, limit: int) -> Iterator[str]:
    """Lines with their ends; a line over the limit is cut at a space if possible."""
    for line in markdown.splitlines(keepends=True):
        while len(line) > limit:
            space = line.rfind(" ", limit // 2, limit)
            cut = space + 1 if space > 0 else limit
            yield line[:cut] + "\n"
            line = line[cut:]
        yield line


def _after(line: str, fence: str) -> str:
    """The opening line of the fence that is open after a line; "" outside of fences."""
    match = _FENCE.match(line)
    if match is None:
        return fence
    if not fence:
        return line.strip()[:40]
    closes = match[1].startswith(_marker(fence)) and not match[2].strip()
    return "" if closes else fence


def _marker(fence: str) -> str:
    match = _FENCE.match(fence)
    return match[1] if match else "```"


def _at_a_paragraph(text: str, fence: str) -> tuple[str, str]:
    """Split after the last paragraph when that keeps at least half of the text, outside of fences."""
    gap = -1 if fence else text.rfind("\n\n")
    if gap < len(text) // 2 or text.count("```", gap) or text.count("~~~", gap):
        return text, ""
    return text[:gap], text[gap + 2 :]
