"""Rich text blocks, which Slack's own editor writes, as markdown."""

from __future__ import annotations

from collections.abc import Callable

from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.shapes import MAX_RENDERED_DEPTH, Json, integer, mapping, mappings, string
from rookery_slackapi.timestamps import parse_ts

Element = Json
MAX_INDENT = 9
MAX_OFFSET = 1_000_000


def rich_text(block: Element, names: Names) -> str:
    """A `rich_text` block: sections, lists, quotes and code, one below the other."""
    parts = (_container(part, names, 0) for part in mappings(block.get("elements")))
    return "\n".join(part for part in parts if part != "")


def _container(element: Element, names: Names, depth: int) -> str:
    match element.get("type"):
        case "rich_text_list":
            return _list(element, names, depth) if depth < MAX_RENDERED_DEPTH else ""
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in _inline(element, names).split("\n"))
        case "rich_text_preformatted":
            return f"```\n{_inline(element, names, styled=False)}\n```"
        case _:
            return _inline(element, names)


def _list(element: Element, names: Names, depth: int) -> str:
    indent = "  " * integer(element.get("indent"), MAX_INDENT)
    ordered = element.get("style") == "ordered"
    first = integer(element.get("offset"), MAX_OFFSET) + 1
    lines: list[str] = []
    for number, item in enumerate(mappings(element.get("elements")), first):
        mark = f"{number}." if ordered else "-"
        lines.append(f"{indent}{mark} {_container(item, names, depth + 1)}")
    return "\n".join(lines)


def _inline(element: Element, names: Names, *, styled: bool = True) -> str:
    return "".join(_leaf(leaf, names, styled=styled) for leaf in mappings(element.get("elements")))


def _leaf(leaf: Element, names: Names, *, styled: bool) -> str:
    render = _LEAVES.get(string(leaf.get("type")))
    if render is None:
        return string(leaf.get("text")) or string(leaf.get("fallback"))
    return _style(render(leaf, names), mapping(leaf.get("style"))) if styled else _bare(leaf, names)


def _bare(leaf: Element, names: Names) -> str:
    """Inside code nothing is styled, and a link shows its label or its address."""
    if leaf.get("type") == "link":
        return string(leaf.get("text")) or string(leaf.get("url"))
    return _LEAVES[string(leaf.get("type"))](leaf, names)


def _style(text: str, style: Json) -> str:
    if not text.strip():
        return text
    if style.get("code"):
        return f"`{text}`"
    body = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    for name, mark in (("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            body = f"{mark}{body}{mark}"
    return f"{before}{body}{after}"


def _text(leaf: Element, names: Names) -> str:
    return string(leaf.get("text"))


def _link(leaf: Element, names: Names) -> str:
    url, label = string(leaf.get("url")), string(leaf.get("text"))
    return f"[{label}]({url})" if label and label != url else url


def _emoji(leaf: Element, names: Names) -> str:
    return f":{string(leaf.get('name'))}:"


def _date(leaf: Element, names: Names) -> str:
    moment = parse_ts(leaf.get("timestamp"))
    fallback = string(leaf.get("fallback"))
    if moment is None:
        return fallback
    return f"{fallback} ({names.time(moment)})" if fallback else names.time(moment)


_LEAVES: dict[str, Callable[[Element, Names], str]] = {
    "text": _text,
    "link": _link,
    "emoji": _emoji,
    "date": _date,
    "user": lambda leaf, names: names.user(string(leaf.get("user_id"))),
    "channel": lambda leaf, names: names.channel(string(leaf.get("channel_id"))),
    "usergroup": lambda leaf, names: names.group(string(leaf.get("usergroup_id"))),
    "broadcast": lambda leaf, names: f"@{string(leaf.get('range')) or 'channel'}",
    "team": lambda leaf, names: string(leaf.get("team_id")),
    "color": lambda leaf, names: string(leaf.get("value")),
}
