"""A whole message as markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rookery_slackapi.message_text.attachments import attachment_to_markdown, file_to_markdown
from rookery_slackapi.message_text.blocks import blocks_to_markdown, only_rich_text
from rookery_slackapi.message_text.mrkdwn import mentioned, to_markdown
from rookery_slackapi.message_text.names import Names


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a message holds: its text and, in `content`, its blocks, attachments and files as Slack sent them."""

    text: str
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])
    deleted_files: Sequence[str] = ()


def render_message(message: MessageContent, names: Names) -> str:
    """The message as markdown: text or blocks, then attachments, then files. Nothing visible in Slack is left out."""
    parts = [main_text(message, names)]
    parts += [attachment_to_markdown(each, names) for each in message.content.get("attachments") or ()]
    parts += [file_to_markdown(each, message.deleted_files) for each in message.content.get("files") or ()]
    return "\n".join(filter(None, parts))


def main_text(message: MessageContent, names: Names) -> str:
    """What the blocks say where they say more than the text, which may be a mere fallback; else the text."""
    blocks = message.content.get("blocks") or ()
    if not blocks:
        return to_markdown(message.text, names)
    return blocks_to_markdown(blocks, names) or to_markdown(message.text, names)


def references(message: MessageContent) -> Iterator[tuple[str, str]]:
    """Everybody and everything a message mentions: pairs of sort (user, channel, group) and id."""
    yield from mentioned(message.text)
    yield from _deep(message.content.get("blocks") or ())
    yield from _deep(message.content.get("attachments") or ())


_IDS = {"user_id": "user", "channel_id": "channel", "usergroup_id": "group"}
_PROSE = ("text", "pretext", "value", "title", "fallback")


def _deep(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            if isinstance(inner, str) and key in _IDS:
                yield _IDS[key], inner
            elif isinstance(inner, str) and key in _PROSE:
                yield from mentioned(inner)
            else:
                yield from _deep(inner)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for inner in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _deep(inner)


__all__ = ["MessageContent", "main_text", "only_rich_text", "references", "render_message"]
