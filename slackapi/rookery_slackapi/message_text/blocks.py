"""Block Kit blocks as markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from rookery_slackapi.message_text.mrkdwn import to_markdown
from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.rich_text import rich_text
from rookery_slackapi.message_text.shapes import MAX_RENDERED_DEPTH, Json, mapping, mappings, string

Block = Json
_CONTROLS = ("actions", "context", "context_actions", "divider")


def blocks_to_markdown(blocks: Iterable[Block], names: Names) -> str:
    """All blocks, one paragraph each; what has no text shows its replacement text."""
    return "\n".join(part for block in blocks if (part := block_to_markdown(block, names)).strip())


def only_rich_text(blocks: Iterable[Block]) -> bool:
    """Whether the blocks are what Slack's editor wrote: then the message's own text says the same."""
    return all(block.get("type") == "rich_text" for block in blocks)


def only_controls(blocks: Iterable[Block]) -> bool:
    """Whether the blocks are buttons and notes only: then the message's text is no fallback for them."""
    return all(block.get("type") in _CONTROLS for block in blocks)


def block_to_markdown(block: Block, names: Names) -> str:
    """One block."""
    match block.get("type"):
        case "rich_text":
            return rich_text(block, names)
        case "header":
            return f"**{_text_object(block.get('text'), names)}**"
        case "section":
            return _section(block, names)
        case "context" | "actions" | "context_actions":
            return " ".join(filter(None, (_element(part, names) for part in mappings(block.get("elements")))))
        case "markdown":
            return string(block.get("text"))
        case "divider":
            return "---"
        case "image" | "video" | "file" | "call" | "input":
            return _object(block, names)
        case "table":
            return _table(block, names)
        case _:
            return _anything(block, names)


def _section(block: Block, names: Names) -> str:
    parts = [_text_object(block.get("text"), names)]
    parts += [_text_object(field, names) for field in mappings(block.get("fields"))]
    if accessory := mapping(block.get("accessory")):
        parts.append(_element(accessory, names))
    return "\n".join(filter(None, parts))


def _element(element: Block, names: Names) -> str:
    match element.get("type"):
        case "mrkdwn" | "plain_text":
            return _text_object(element, names)
        case "button" | "workflow_button":
            label = _text_object(element.get("text"), names)
            url = string(element.get("url"))
            return f"[{label}]({url})" if url else f"[{label}]"
        case "image":
            return _object(element, names)
        case _:
            return _anything(element, names)


def _object(block: Block, names: Names) -> str:
    """An image, a video or a file: its words, and where it is."""
    words = [_text_object(block.get("title"), names), string(block.get("alt_text"))]
    words += [_text_object(block.get("label"), names), _text_object(block.get("description"), names)]
    title = next(filter(None, words), "")
    keys = ("image_url", "title_url", "video_url", "external_id")
    url = next(filter(None, (string(block.get(key)) for key in keys)), "")
    return f"[{title or string(block.get('type'))}]({url})" if url else title


def _table(block: Block, names: Names) -> str:
    rows = block.get("rows")
    return "\n".join(
        _row(row, names) for row in (cast("list[object]", rows) if isinstance(rows, list) else [])
    )


def _row(row: object, names: Names) -> str:
    cells = [_cell(cell, names).replace("\n", " ") for cell in mappings(row)]
    return "| " + " | ".join(cells) + " |"


def _cell(cell: Block, names: Names) -> str:
    return rich_text(cell, names) if cell.get("type") == "rich_text" else string(cell.get("text"))


def _anything(block: Block, names: Names, depth: int = 0) -> str:
    """A block of a kind unknown here: every text it holds, so that nothing said is lost."""
    if depth > MAX_RENDERED_DEPTH:
        return ""
    parts: list[str] = []
    for value in block.values():
        for part in mappings(value) or [mapping(value)]:
            parts.append(_text_object(part, names) or _anything(part, names, depth + 1))
    return " ".join(filter(None, parts))


def _text_object(value: object, names: Names) -> str:
    if isinstance(value, str):
        return value
    text = string(mapping(value).get("text"))
    return text if mapping(value).get("type") == "plain_text" else to_markdown(text, names)
