"""A whole message as markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast

from rookery_slackapi.message_text.attachments import (
    attachment_to_markdown,
    file_to_markdown,
    files_of_attachment,
)
from rookery_slackapi.message_text.blocks import blocks_to_markdown, only_controls
from rookery_slackapi.message_text.mrkdwn import mentioned, to_markdown
from rookery_slackapi.message_text.names import Names
from rookery_slackapi.message_text.shapes import MAX_DEPTH, Json, mapping, mappings, string


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What a message holds: its text and, in `content`, its blocks, attachments and files as Slack sent them.

    Values of any other shape in their place are read as empty, without an exception.
    """

    text: str
    content: Mapping[str, Any] = field(default_factory=dict[str, Any])
    deleted_files: Sequence[str] = ()

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The content of a message as events and pages of history carry it."""
        content = {name: message[name] for name in ("blocks", "attachments", "files") if message.get(name)}
        if not content.get("files") and isinstance(message.get("file"), dict):  # as it was before 2018
            content["files"] = [message["file"]]
        return cls(string(message.get("text")), content)

    @property
    def blocks(self) -> list[Json]:
        """The blocks."""
        return mappings(self.content.get("blocks"))

    @property
    def attachments(self) -> list[Json]:
        """The attachments: an app's own, unfurled links, forwarded messages."""
        return mappings(self.content.get("attachments"))

    @property
    def files(self) -> list[Json]:
        """The message's own files."""
        return mappings(self.content.get("files"))

    @property
    def forwarded_files(self) -> list[Json]:
        """The files of forwarded messages."""
        return [file for attachment in self.attachments for file in files_of_attachment(attachment)]


def render_message(message: MessageContent, names: Names) -> str:
    """The message as markdown: text or blocks, then attachments, then files. Nothing visible in Slack is left out."""
    parts = [main_text(message, names), attachments_text(message, names)]
    parts += [file_to_markdown(file, message.deleted_files) for file in message.files]
    return "\n".join(filter(None, parts))


def main_text(message: MessageContent, names: Names) -> str:
    """What the blocks say, since the text may be a mere fallback for them; without blocks the text.

    Blocks that are only buttons and notes, such as those under a streamed answer, stand below the text.
    """
    blocks = blocks_to_markdown(message.blocks, names)
    if blocks and not only_controls(message.blocks):
        return blocks
    text = to_markdown(message.text, names)
    return text if blocks in text else "\n".join(filter(None, (text, blocks)))


def attachments_text(message: MessageContent, names: Names) -> str:
    """What is attached: other people's words in a forwarded message, an app's in an alert."""
    parts = (attachment_to_markdown(part, names, message.deleted_files) for part in message.attachments)
    return "\n".join(filter(None, parts))


def references(message: MessageContent) -> Iterator[tuple[str, str]]:
    """Everybody and everything a message mentions: pairs of sort (user, channel, group) and id."""
    yield from mentioned(message.text)
    yield from _nested_references(message.content.get("blocks"), 0)
    yield from _nested_references(message.content.get("attachments"), 0)


_IDS = {"user_id": "user", "channel_id": "channel", "usergroup_id": "group"}
_PROSE = ("text", "pretext", "value", "title", "fallback")


def _nested_references(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _nested_references(item, depth + 1)
        return
    for key, inner in mapping(value).items():
        if isinstance(inner, str) and key in _IDS:
            yield _IDS[key], inner
        elif isinstance(inner, str) and key in _PROSE:
            yield from mentioned(inner)
        else:
            yield from _nested_references(inner, depth + 1)


def mentions_user(message: MessageContent, user: str) -> bool:
    """Whether the message itself mentions the user. Code, links, longer ids and forwarded words are no mention."""
    if ("user", user) in mentioned(message.text, code=False):
        return True
    return any(_mentions(block, user, 0) for block in message.blocks if block.get("type") == "rich_text")


def _mentions(element: Json, user: str, depth: int) -> bool:
    if element.get("type") == "user":
        return element.get("user_id") == user and not mapping(element.get("style")).get("code")
    if depth > MAX_DEPTH or element.get("type") == "rich_text_preformatted":
        return False
    return any(_mentions(part, user, depth + 1) for part in mappings(element.get("elements")))
