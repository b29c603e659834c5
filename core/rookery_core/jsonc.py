"""JSON with comments and trailing commas, as editors write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_STRING = r'"(?:\\.|[^"\\\n])*"'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])")


_SPACE = re.compile(r"[ \t\r\n]*")
_FIRST_INDENT = re.compile(r"\n([ \t]+)\S")
_decoder = json.JSONDecoder()


def loads(text: str) -> Any:
    """Decode the text. Raises ValueError whose line and column are those of the text as written."""
    return json.loads(_plain(text))


def put(text: str, path: Sequence[str], value: Any) -> str:
    """The text with the value at the path of members, which are created where they are missing.

    Everything else stays as it is written, comments too. Raises ValueError when the text cannot be decoded or a member on
    the way is not an object.
    """
    loads(text.removeprefix("\ufeff"))
    plain = _plain(text).replace("\ufeff", " ")
    start = _skip(plain, 0)
    for depth, name in enumerate(path):
        if plain[start] != "{":
            raise ValueError(f"{'.'.join(path[:depth]) or 'the text'} is not an object")
        members = list(_members(plain, start))
        place = next(((begin, end) for member, begin, end in reversed(members) if member == name), None)
        if place is None:
            for inner in reversed(path[depth + 1 :]):
                value = {inner: value}
            member = f"{json.dumps(name, ensure_ascii=False)}: {_dumped(value, text, depth + 1)}"
            return _with_member(text, plain, start, [end for _, _, end in members], member, depth)
        start = place[0]
        if depth == len(path) - 1:
            return text[:start] + _dumped(value, text, depth + 1) + text[place[1] :]
    raise ValueError("the path is empty")


def _with_member(text: str, plain: str, start: int, ends: list[int], member: str, depth: int) -> str:
    """The object at `start` with one more member after the others. ends: where their values end."""
    last = ends[-1] if ends else start + 1
    close = plain.index("}", last)
    between = text[last:close].rstrip()
    comma = "," if ends and "," not in _COMMENT.sub("", between) else ""
    line, indent = _line_end(text), _indent(text)
    added = f"{line}{indent * (depth + 1)}{member}{line}{indent * depth}"
    return text[:last] + comma + between + added + text[close:]


def _members(plain: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of the value of each member of the object at `start`."""
    position = _skip(plain, start + 1)
    while plain[position] != "}":
        name, position = _decoder.raw_decode(plain, position)
        begin = _skip(plain, plain.index(":", position) + 1)
        _, end = _decoder.raw_decode(plain, begin)
        yield name, begin, end
        position = _skip(plain, end)
        position = _skip(plain, position + 1) if plain[position] == "," else position


def _skip(plain: str, position: int) -> int:
    match = _SPACE.match(plain, position)
    return match.end() if match else position


def _dumped(value: Any, text: str, depth: int) -> str:
    indent = _indent(text)
    written = json.dumps(value, indent=indent, ensure_ascii=False)
    return written.replace("\n", f"{_line_end(text)}{indent * depth}")


def _indent(text: str) -> str:
    match = _FIRST_INDENT.search(text)
    return match[1] if match else "  "


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _plain(text: str) -> str:
    """The same JSON without comments and trailing commas, each character where it was."""
    without_comments = _COMMENT.sub(lambda match: _blank(match, "/"), text)
    return _TRAILING_COMMA.sub(lambda match: _blank(match, ","), without_comments)


def _blank(match: re.Match[str], first: str) -> str:
    """Spaces in place of what JSON does not know; strings and line ends stay."""
    written = match[0]
    return re.sub(r"[^\n]", " ", written) if written.startswith(first) else written
