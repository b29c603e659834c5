"""Block Kit as Slack checks it: what a message and a form may hold, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from emulators.slack.errors import ApiError
from emulators.slack.models import Json

MOST_MARKDOWN = 12_000
MOST_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
_Fault = str | None


def check_blocks(blocks: Any) -> None:
    """Refuse what Slack refuses in a message."""
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    given: list[Any] = blocks  # pyright: ignore[reportUnknownVariableType]
    if len(given) > MOST_BLOCKS:
        raise ApiError("msg_blocks_too_many")
    _refuse(_faults(given))
    if sum(len(block["text"]) for block in given if block["type"] == "markdown") > MOST_MARKDOWN:
        raise ApiError("msg_blocks_too_long")


def check_view(view: Any) -> None:
    """Refuse what Slack refuses in a form."""
    form: Json = view if isinstance(view, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    blocks: list[Json] = form.get("blocks") or []
    faults = [
        None if form.get("type") == "modal" else "type",
        _plain(form.get("title"), 24),
        *(_plain(form[name], 24) for name in ("submit", "close") if name in form),
        "submit" if "submit" not in form and any(block.get("type") == "input" for block in blocks) else None,
        _length(form.get("private_metadata", ""), 0, 3_000),
        _length(form.get("callback_id", ""), 0, 255),
        _count(blocks, MOST_VIEW_BLOCKS),
        *_faults(blocks),
    ]
    _refuse(faults, "invalid_arguments")


def _refuse(faults: Sequence[_Fault], code: str = "invalid_blocks") -> None:
    messages = [f"[ERROR] {fault}" for fault in faults if fault]
    if messages:
        raise ApiError(code, response_metadata={"messages": messages})


def _faults(blocks: Sequence[Any]) -> list[_Fault]:
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]  # pyright: ignore[reportUnknownVariableType]
    return ["block_id twice" if len(set(ids)) < len(ids) else None, *map(_block, blocks)]  # pyright: ignore[reportUnknownArgumentType]


def _block(block: Any) -> _Fault:
    if not isinstance(block, dict):
        return "a block is no object"
    check = _CHECKS.get(str(block.get("type")))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return check(block) if check else f"unsupported type: {block.get('type')}"  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _markdown(block: Json) -> _Fault:
    return _length(
        block.get("text"), 1, MOST_MARKDOWN * 2
    )  # how much a message may hold has an error of its own


def _section(block: Json) -> _Fault:
    return _text(block.get("text"), 3_000)


def _context(block: Json) -> _Fault:
    elements: list[Json] = block.get("elements") or []
    return _count(elements, 10) or _first(_text(element, 3_000) for element in elements)


def _actions(block: Json) -> _Fault:
    elements: list[Json] = block.get("elements") or []
    ids = [element.get("action_id") for element in elements]
    twice = "action_id twice" if len(set(ids)) < len(ids) else None
    return _count(elements, 25) or twice or _first(map(_element, elements))


def _input(block: Json) -> _Fault:
    return _plain(block.get("label"), 2_000) or _element(block.get("element") or {})


def _element(element: Json) -> _Fault:
    faults = [
        _length(element.get("action_id"), 1, 255),
        _plain(element.get("text"), 75) if element.get("type") == "button" else None,
        _length(element.get("value", ""), 0, 2_000),
        _length(element.get("accessibility_label", ""), 0, 75),
        "style" if element.get("style", "primary") not in ("primary", "danger") else None,
    ]
    if element.get("type") == "static_select":
        options: list[Json] = element.get("options") or []
        faults += [_count(options, 100), _first(_option(option) for option in options)]
    return _first(faults)


def _option(option: Json) -> _Fault:
    return _plain(option.get("text"), 75) or _length(option.get("value"), 1, 150)


def _text(text: Any, most: int) -> _Fault:
    if not isinstance(text, dict) or text.get("type") not in ("mrkdwn", "plain_text"):  # pyright: ignore[reportUnknownMemberType]
        return "not a text object"
    return _length(text.get("text"), 1, most)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _plain(text: Any, most: int) -> _Fault:
    kind = text.get("type") if isinstance(text, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return _text(text, most) if kind == "plain_text" else "must be plain_text"


def _length(value: Any, least: int, most: int) -> _Fault:
    if isinstance(value, str) and least <= len(value) <= most:
        return None
    return f"must be {least} to {most} characters"


def _count(items: Sequence[Any], most: int) -> _Fault:
    return None if 0 < len(items) <= most else f"must be 1 to {most}"


def _first(faults: Any) -> _Fault:
    return next((fault for fault in faults if fault), None)


_CHECKS: dict[str, Callable[[Json], _Fault]] = {
    "markdown": _markdown,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "header": lambda block: _plain(block.get("text"), 150),
    "divider": lambda block: None,
    "rich_text": lambda block: _count(block.get("elements") or [], 100),
}
