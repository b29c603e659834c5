"""Block Kit blocks as markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from rookery_slackapi.message_text.mrkdwn import to_markdown
from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.rich_text import rich_text

Block = Mapping[str, Any]


def blocks_to_markdown(blocks: Iterable[Block], names: Names) -> str:
    """All blocks, one paragraph each; what has no text of its own shows what stands for it."""
    return "\n".join(part for block in blocks if (part := block_to_markdown(block, names)).strip())


def only_rich_text(blocks: Iterable[Block]) -> bool:
    """Whether the blocks are what Slack's editor wrote: then the message's own text says the same."""
    return all(block.get("type") == "rich_text" for block in blocks)


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
            return " ".join(filter(None, (_element(each, names) for each in block.get("elements") or ())))
        case "markdown":
            return str(block.get("text") or "")
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
    parts += [_text_object(field, names) for field in block.get("fields") or ()]
    if accessory := block.get("accessory"):
        parts.append(_element(accessory, names))
    return "\n".join(filter(None, parts))


def _element(element: Block, names: Names) -> str:
    match element.get("type"):
        case "mrkdwn" | "plain_text":
            return _text_object(element, names)
        case "button" | "workflow_button":
            label = _text_object(element.get("text"), names)
            url = element.get("url")
            return f"[{label}]({url})" if url else f"[{label}]"
        case "image":
            return _object(element, names)
        case _:
            return _anything(element, names)


def _object(block: Block, names: Names) -> str:
    """An image, a video or a file: its words, and where it is."""
    words = [_text_object(block.get("title"), names), str(block.get("alt_text") or "")]
    words += [_text_object(block.get("label"), names), _text_object(block.get("description"), names)]
    title = next(filter(None, words), "")
    url = (
        block.get("image_url") or block.get("title_url") or block.get("video_url") or block.get("external_id")
    )
    return f"[{title or block.get('type')}]({url})" if url else title


def _table(block: Block, names: Names) -> str:
    rows: list[str] = []
    for row in block.get("rows") or ():
        cells = [_cell(cell, names).replace("\n", " ") for cell in row]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(cell: Block, names: Names) -> str:
    return rich_text(cell, names) if cell.get("type") == "rich_text" else str(cell.get("text") or "")


def _anything(block: Block, names: Names) -> str:
    """A block of a kind unknown here: whatever text it holds, so that nothing said is lost."""
    parts: list[str] = []
    for value in block.values():
        inner = cast("list[Any]", value) if isinstance(value, list) else [value]
        for each in inner:
            if isinstance(each, dict):
                part = cast(Block, each)
                parts.append(_text_object(part, names) or _anything(part, names))
    return " ".join(filter(None, parts))


def _text_object(value: Any, names: Names) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or not isinstance(text := value.get("text"), str):  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        return ""
    return text if value.get("type") == "plain_text" else to_markdown(text, names)  # pyright: ignore[reportUnknownMemberType]
