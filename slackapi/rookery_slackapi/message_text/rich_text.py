"""Rich text blocks, which Slack's own editor writes, as markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rookery_slackapi.message_text.names import Names
from rookery_slackapi.timestamps import parse_ts

Element = Mapping[str, Any]


def rich_text(block: Element, names: Names) -> str:
    """A `rich_text` block: sections, lists, quotes and code, one below the other."""
    return "\n".join(part for each in block.get("elements") or () if (part := _container(each, names)) != "")


def _container(element: Element, names: Names) -> str:
    match element.get("type"):
        case "rich_text_list":
            return _list(element, names)
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in _inline(element, names).split("\n"))
        case "rich_text_preformatted":
            return f"```\n{_inline(element, names, styled=False)}\n```"
        case _:
            return _inline(element, names)


def _list(element: Element, names: Names) -> str:
    indent = "  " * int(element.get("indent") or 0)
    ordered = element.get("style") == "ordered"
    first = int(element.get("offset") or 0) + 1
    lines: list[str] = []
    for number, item in enumerate(element.get("elements") or (), first):
        mark = f"{number}." if ordered else "-"
        lines.append(f"{indent}{mark} {_container(item, names)}")
    return "\n".join(lines)


def _inline(element: Element, names: Names, *, styled: bool = True) -> str:
    return "".join(_leaf(leaf, names, styled=styled) for leaf in element.get("elements") or ())


def _leaf(leaf: Element, names: Names, *, styled: bool) -> str:
    render = _LEAVES.get(str(leaf.get("type")))
    if render is None:
        return str(leaf.get("text") or leaf.get("fallback") or "")
    return _style(render(leaf, names), leaf.get("style") or {}) if styled else _bare(leaf, names)


def _bare(leaf: Element, names: Names) -> str:
    """Inside code nothing is styled, and a link shows its label or its address."""
    if leaf.get("type") == "link":
        return str(leaf.get("text") or leaf.get("url") or "")
    return _LEAVES[str(leaf.get("type"))](leaf, names)


def _style(text: str, style: Mapping[str, Any]) -> str:
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
    return str(leaf.get("text") or "")


def _link(leaf: Element, names: Names) -> str:
    url, label = str(leaf.get("url") or ""), str(leaf.get("text") or "")
    return f"[{label}]({url})" if label and label != url else url


def _emoji(leaf: Element, names: Names) -> str:
    return f":{leaf.get('name', '')}:"


def _date(leaf: Element, names: Names) -> str:
    moment = parse_ts(leaf.get("timestamp"))
    fallback = str(leaf.get("fallback") or "")
    if moment is None:
        return fallback
    return f"{fallback} ({names.time(moment)})" if fallback else names.time(moment)


_LEAVES: dict[str, Callable[[Element, Names], str]] = {
    "text": _text,
    "link": _link,
    "emoji": _emoji,
    "date": _date,
    "user": lambda leaf, names: names.user(str(leaf.get("user_id", ""))),
    "channel": lambda leaf, names: names.channel(str(leaf.get("channel_id", ""))),
    "usergroup": lambda leaf, names: names.group(str(leaf.get("usergroup_id", ""))),
    "broadcast": lambda leaf, names: f"@{leaf.get('range', 'channel')}",
    "team": lambda leaf, names: str(leaf.get("team_id", "")),
    "color": lambda leaf, names: str(leaf.get("value", "")),
}
