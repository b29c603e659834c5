"""One message, as Slack writes it in events, exports and history, made into facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from rookery_ingest.slack.cleaning import compact, id_of, storable, text_of
from rookery_ingest.slack.directory import profile_fact
from rookery_slack.observations import (
    MessageDeleted,
    MessageVersion,
    Observations,
    Reaction,
    ReactionsListed,
    Source,
)
from rookery_slackapi.message_text import MessageContent
from rookery_slackapi.message_text.attachments import files_of_attachment
from rookery_slackapi.message_text.shapes import mapping, mappings, string
from rookery_slackapi.timestamps import parse_ts

Raw = Mapping[str, Any]

_FILE_KEYS = (
    "id", "name", "title", "mimetype", "filetype", "size", "mode", "url_private", "permalink", "preview",
    "plain_text", "alt_txt", "external_url", "user",
)  # fmt: skip
_NOISE = frozenset(
    {
        "block_id", "callback_id", "color", "id", "ts", "author_icon", "author_id", "author_link", "footer_icon",
        "thumb_url", "thumb_width", "thumb_height", "image_width", "image_height", "image_bytes", "service_icon",
        "mrkdwn_in", "mrkdwn", "msg_subtype", "is_msg_unfurl", "is_app_unfurl", "is_reply_unfurl", "app_unfurl_url",
        "bot_id", "app_id", "bot_team_id", "channel_team", "channel_id", "original_url", "verbatim", "emoji_unicode",
        "unicode", "border", "private_channel_prompt", "is_share", "is_thread_root_unfurl", "author_subname",
    }
)  # fmt: skip
"""What attachments and blocks carry besides what is shown: drawn details, and ids that differ between exports."""
_IN_BLOCKS = _NOISE - {"id", "channel_id"}


def message_facts(
    raw: Raw,
    channel: str,
    *,
    seen_ts: datetime | None = None,
    source: Source = Source.EVENT,
    snapshot_at: datetime | None = None,
) -> Observations | None:
    """What a message says, or None when it has no usable `ts`.

    seen_ts: when it was so (its own ts when None). snapshot_at: when its reactions were listed, if they were.
    """
    ts = parse_ts(raw.get("ts"))
    if ts is None:
        return None
    facts = Observations()
    thread_ts = thread_of(raw, ts)
    if raw.get("subtype") == "tombstone":
        facts.deletions.append(MessageDeleted(channel, ts, thread_ts, seen_ts or snapshot_at or ts))
        return facts
    facts.messages.append(_version(raw, channel, ts, thread_ts, seen_ts or ts, source))
    user, profile = raw.get("user"), raw.get("user_profile")
    user = id_of(user)
    if isinstance(profile, dict) and user is not None:
        facts.users.append(profile_fact(user, cast(Raw, profile), ts))
    if snapshot_at is not None:
        facts.reaction_lists.append(ReactionsListed(channel, ts, snapshot_at))
        facts.reactions += _reactions(raw, channel, ts, snapshot_at)
    return facts


def thread_of(raw: Raw, ts: datetime) -> datetime | None:
    """The root of the thread a message replies in; None for a root itself, which Slack marks with its own ts."""
    thread_ts = parse_ts(raw.get("thread_ts"))
    return None if thread_ts == ts else thread_ts


def _version(
    raw: Raw, channel: str, ts: datetime, thread_ts: datetime | None, seen_ts: datetime, source: Source
) -> MessageVersion:
    edited = raw.get("edited")
    edit_ts = parse_ts(cast(Raw, edited).get("ts")) if isinstance(edited, dict) else None
    return MessageVersion(
        channel=channel,
        ts=ts,
        thread_ts=thread_ts,
        author=_author(raw),
        subtype=id_of(raw.get("subtype")),
        text=storable(string(raw.get("text"))),
        content=_content(raw) or None,
        # Slack rounds the time of an edit down to the second, which can be before the message itself.
        edit_ts=max(edit_ts, ts) if edit_ts else ts,
        seen_ts=seen_ts,
        source=source,
    )


def _author(raw: Raw) -> str | None:
    comment = raw.get("comment")
    if raw.get("subtype") == "file_comment" and isinstance(comment, dict):
        return id_of(cast(Raw, comment).get("user"))
    return id_of(raw.get("user")) or id_of(raw.get("bot_id"))


def _content(raw: Raw) -> dict[str, Any]:
    message = MessageContent.of(raw)
    bot_name = mapping(raw.get("bot_profile")).get("name")
    return compact(
        {
            "blocks": compact(message.blocks, _IN_BLOCKS),
            "attachments": [_attachment(attachment) for attachment in message.attachments],
            "files": [_file(file) for file in message.files],
            "username": text_of(raw.get("username")) or text_of(bot_name),
            "bot_id": text_of(raw.get("bot_id")),
        }
    )


def _attachment(attachment: Raw) -> Raw:
    """An attachment without noise. Files keep their ids, and lose the token that opens them, as the message's own do."""
    kept: dict[str, Any] = compact(dict(attachment), _NOISE)
    kept.pop("files", None)
    if files := [_file(file) for file in files_of_attachment(attachment)]:
        kept["files"] = files
    for preview in mappings(kept.get("message_blocks")):
        cast("dict[str, Any]", mapping(preview.get("message"))).pop("files", None)
    return kept


def _file(file: Raw) -> dict[str, Any]:
    kept = {key: file.get(key) for key in _FILE_KEYS}
    link = kept.get("url_private")
    if isinstance(link, str):
        kept["url_private"] = link.partition("?")[0]  # exports append a token that opens the file
    return kept


def _reactions(raw: Raw, channel: str, ts: datetime, at: datetime) -> list[Reaction]:
    reactions: list[Reaction] = []
    for listed in mappings(raw.get("reactions")):
        name, users = id_of(listed.get("name")), listed.get("users")
        reactors = cast("list[object]", users) if isinstance(users, list) else []
        people = dict.fromkeys(user for user in map(id_of, reactors) if user)
        reactions += [Reaction(channel, ts, name, user, True, at) for user in people if name]
    return reactions
