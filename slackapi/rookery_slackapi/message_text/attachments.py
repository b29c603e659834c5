"""Attachments (of apps, unfurled links, forwarded messages) and files, as markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rookery_slackapi.message_text.blocks import blocks_to_markdown
from rookery_slackapi.message_text.mrkdwn import to_markdown
from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.shapes import MAX_INNER_ATTACHMENTS, Json, mapping, mappings, string

MAX_PREVIEW_CHARACTERS = 2000


def attachment_to_markdown(
    attachment: Json, names: Names, deleted_files: Sequence[str] = (), depth: int = 0
) -> str:
    """An attachment as a quote, below the line that introduces it. The fallback only where it has no other text."""
    pretext = to_markdown(string(attachment.get("pretext")), names)
    body = "\n".join(filter(None, _body(attachment, names, deleted_files, depth)))
    if not body and not pretext:
        body = to_markdown(string(attachment.get("fallback")), names)
    quoted = "\n".join(f"> {line}" for line in body.split("\n")) if body else ""
    return "\n".join(filter(None, (pretext, quoted)))


def _body(attachment: Json, names: Names, deleted_files: Sequence[str], depth: int) -> Iterator[str]:
    text = to_markdown(string(attachment.get("text")), names)
    yield string(attachment.get("author_name"))
    yield _title(attachment, names)
    yield text
    for field in mappings(attachment.get("fields")):
        yield _field(field, names)
    yield blocks_to_markdown(mappings(attachment.get("blocks")), names)
    if not text:
        for message in quoted_messages(attachment):
            yield _quoted_message(message, names)
    for part in inner_attachments(attachment, depth):
        yield attachment_to_markdown(part, names, deleted_files, depth + 1)
    for file in files_of_attachment(attachment):
        yield file_to_markdown(file, deleted_files)
    for action in mappings(attachment.get("actions")):
        yield f"[{label}]" if (label := string(action.get("text"))) else ""
    if not attachment.get("title_link"):
        yield string(attachment.get("from_url"))
    yield string(attachment.get("image_url"))
    yield string(attachment.get("footer"))


def quoted_messages(attachment: Json) -> list[Json]:
    """The messages that an attachment forwards or previews."""
    return [mapping(part.get("message")) for part in mappings(attachment.get("message_blocks"))]


def inner_attachments(attachment: Json, depth: int) -> list[Json]:
    """The attachments of a forwarded message."""
    if depth >= MAX_INNER_ATTACHMENTS:
        return []
    quoted = [
        part for message in quoted_messages(attachment) for part in mappings(message.get("attachments"))
    ]
    return [*mappings(attachment.get("attachments")), *quoted]


def files_of_attachment(attachment: Json) -> list[Json]:
    """The files of a forwarded message, each once."""
    files = mappings(attachment.get("files"))
    files += [file for message in quoted_messages(attachment) for file in mappings(message.get("files"))]
    return list({string(file.get("id")) or id(file): file for file in files}.values())


def _title(attachment: Json, names: Names) -> str:
    title = to_markdown(string(attachment.get("title")), names)
    link = string(attachment.get("title_link"))
    if title and link:
        return f"[{title}]({link})"
    return title or link


def _field(field: Json, names: Names) -> str:
    title, value = string(field.get("title")), to_markdown(string(field.get("value")), names)
    return f"**{title}**: {value}" if title else value


def _quoted_message(message: Json, names: Names) -> str:
    blocks = blocks_to_markdown(mappings(message.get("blocks")), names)
    return blocks or to_markdown(string(message.get("text")), names)


def file_to_markdown(file: Mapping[str, Any], deleted_files: Sequence[str]) -> str:
    """A file: name, type, size, link, and the beginning of its text where Slack gave it."""
    if file.get("id") in deleted_files or file.get("mode") == "tombstone":
        return "[file deleted]"
    if file.get("mode") == "hidden_by_limit":
        return "[file hidden by the workspace's plan]"
    own_name, size = string(file.get("name")), file.get("size")
    name = string(file.get("title")) or own_name or string(file.get("id")) or "file"
    details = [own_name if own_name != name else "", string(file.get("mimetype"))]
    details.append(f"{size:,} bytes" if isinstance(size, int) else "")
    link = string(file.get("permalink")) or string(file.get("url_private"))
    shown = f"[file: {name}]({link})" if link else f"[file: {name}]"
    shown += f" ({', '.join(filter(None, details))})" if any(details) else ""
    return "\n".join(filter(None, (shown, _preview(file))))


def _preview(file: Json) -> str:
    text = string(file.get("plain_text")) or string(file.get("preview"))
    return f"```\n{text[:MAX_PREVIEW_CHARACTERS]}\n```" if text else ""
