"""Legacy attachments (bots, unfurled links, shared messages) and files, as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rookery_slackapi.message_text.blocks import blocks_to_markdown
from rookery_slackapi.message_text.mrkdwn import to_markdown
from rookery_slackapi.message_text.names import Names

PREVIEW_CHARACTERS = 2000


def attachment_to_markdown(attachment: Mapping[str, Any], names: Names) -> str:
    """An attachment as a quote, below the line that introduces it. The fallback only where nothing else speaks."""
    pretext = to_markdown(str(attachment.get("pretext") or ""), names)
    body = "\n".join(filter(None, _body(attachment, names)))
    if not body and not pretext:
        body = to_markdown(str(attachment.get("fallback") or ""), names)
    quoted = "\n".join(f"> {line}" for line in body.split("\n")) if body else ""
    return "\n".join(filter(None, (pretext, quoted)))


def _body(attachment: Mapping[str, Any], names: Names) -> list[str]:
    parts = [str(attachment.get("author_name") or ""), _title(attachment, names)]
    parts.append(to_markdown(str(attachment.get("text") or ""), names))
    parts += [_field(field, names) for field in attachment.get("fields") or ()]
    parts.append(blocks_to_markdown(attachment.get("blocks") or (), names))
    if not attachment.get("text"):
        parts += [_quoted_message(each, names) for each in attachment.get("message_blocks") or ()]
    parts += [f"[{action.get('text')}]" for action in attachment.get("actions") or () if action.get("text")]
    if not attachment.get("title_link"):
        parts.append(str(attachment.get("from_url") or ""))
    parts += [str(attachment.get(name) or "") for name in ("image_url", "footer")]
    return parts


def _title(attachment: Mapping[str, Any], names: Names) -> str:
    title = to_markdown(str(attachment.get("title") or ""), names)
    link = str(attachment.get("title_link") or "")
    if title and link:
        return f"[{title}]({link})"
    return title or link


def _field(field: Mapping[str, Any], names: Names) -> str:
    title, value = str(field.get("title") or ""), to_markdown(str(field.get("value") or ""), names)
    return f"**{title}**: {value}" if title else value


def _quoted_message(each: Mapping[str, Any], names: Names) -> str:
    message = each.get("message")
    blocks = message.get("blocks") if isinstance(message, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return blocks_to_markdown(blocks or (), names)  # pyright: ignore[reportUnknownArgumentType]


def file_to_markdown(file: Mapping[str, Any], deleted: Sequence[str]) -> str:
    """A file: name, type, size, link, and the beginning of its text where Slack gave it."""
    if file.get("id") in deleted or file.get("mode") == "tombstone":
        return "[file deleted]"
    if file.get("mode") == "hidden_by_limit":
        return "[file hidden by the workspace's plan]"
    name = str(file.get("title") or file.get("name") or file.get("id") or "file")
    facts = [str(file[key]) for key in ("name",) if file.get(key) and file[key] != name]
    facts += [str(file["mimetype"])] if file.get("mimetype") else []
    facts += [f"{int(file['size']):,} bytes"] if isinstance(file.get("size"), int) else []
    link = file.get("permalink") or file.get("url_private")
    shown = f"[file: {name}]({link})" if link else f"[file: {name}]"
    shown += f" ({', '.join(facts)})" if facts else ""
    return "\n".join(filter(None, (shown, _preview(file))))


def _preview(file: Mapping[str, Any]) -> str:
    text = str(file.get("plain_text") or file.get("preview") or "")
    return f"```\n{text[:PREVIEW_CHARACTERS]}\n```" if text else ""
