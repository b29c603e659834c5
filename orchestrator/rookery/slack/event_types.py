"""The events the bot handles, read from the payloads of Slack's events."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from rookery_slackapi.message_text import MessageContent, Names, main_text, mentions_user
from rookery_slackapi.message_text.mrkdwn import without_mention
from rookery_slackapi.message_text.shapes import mapping

Json = dict[str, Any]
QuestionVia = Literal["mention", "direct", "follow_up", "offer"]
_TS = re.compile(r"\d{1,12}\.\d{1,9}")
_QUIET_SUBTYPES = frozenset({"file_share", "thread_broadcast", "me_message"})


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message of a person. via: how it addresses the bot; None when it does not.

    files: its own and those of messages that it forwards. attachments: as Slack sent them, with other people's words.
    """

    channel: str
    ts: str
    thread_ts: str
    user: str
    text: str
    via: QuestionVia | None
    is_direct: bool
    is_reply: bool
    files: tuple[Json, ...] = ()
    shared: bool = False
    user_team: str | None = None
    attachments: tuple[Json, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.channel}:{self.ts}"


@dataclass(frozen=True, slots=True)
class Edited:
    """A person edited a message; `written` is its new version."""

    written: IncomingMessage
    previous_text: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message was deleted."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class AssistantOpened:
    """A person opened a thread in the assistant pane, without a question yet."""

    channel: str
    thread_ts: str


Incoming = IncomingMessage | Edited | Deleted | AssistantOpened


def read(payload: Json, bot_user: str) -> Incoming | None:
    """The event in a payload; None when the bot ignores it: messages of bots, joins, topics.

    Raises ValueError or KeyError for a payload that Slack never sends.
    """
    event: Json = payload.get("event") or {}
    kind = event.get("type")
    shared = bool(payload.get("is_ext_shared_channel"))
    if kind == "app_mention":
        return _mention(event, shared)
    if kind == "message":
        return _message(event, bot_user, shared)
    if kind == "assistant_thread_started":
        return _assistant(event.get("assistant_thread") or {})
    return None


def lane(payload: Json) -> str | None:
    """The thread of an event, its ordering key: events of one thread are handled in order."""
    event: Json = payload.get("event") or {}
    thread: Json = event.get("assistant_thread") or {}
    item: Json = event.get("item") or {}
    message: Json = event.get("message") or event.get("previous_message") or event
    channel = event.get("channel") or thread.get("channel_id") or item.get("channel")
    ts = message.get("thread_ts") or thread.get("thread_ts") or message.get("ts") or item.get("ts")
    return f"{channel}:{ts}" if isinstance(channel, str) and ts else None


def _mention(event: Json, shared: bool) -> IncomingMessage | None:
    if event.get("bot_id") or not event.get("user") or event.get("subtype") not in (None, *_QUIET_SUBTYPES):
        return None
    return _written(event, "mention", shared)


def _message(event: Json, bot_user: str, shared: bool) -> Incoming | None:
    subtype = event.get("subtype")
    if subtype == "message_changed":
        return _changed(event, bot_user, shared)
    if subtype == "message_deleted":
        return _deleted(event, bot_user)
    if subtype not in (None, *_QUIET_SUBTYPES) or not _by_a_person(event, bot_user):
        return None
    return _written(event, _addressed(event, bot_user), shared)


def _addressed(event: Json, bot_user: str) -> QuestionVia | None:
    if event.get("channel_type") == "im":
        return "direct"
    return "mention" if mentions_user(MessageContent.of(event), bot_user) else None


def _changed(event: Json, bot_user: str, shared: bool) -> Incoming | None:
    now: Json = {**mapping(event.get("message")), "channel": event.get("channel")}
    before = dict(mapping(event.get("previous_message")))
    now["channel_type"] = event.get("channel_type")
    if now.get("subtype") == "tombstone":
        return Deleted(str(event["channel"]), str(now["ts"]))
    if not _by_a_person(now, bot_user) or now.get("text") == before.get("text"):
        return None
    return Edited(_written(now, _addressed(now, bot_user), shared), str(before.get("text", "")))


def _deleted(event: Json, bot_user: str) -> Deleted | None:
    before = dict(mapping(event.get("previous_message")))
    if before and not _by_a_person(before, bot_user):
        return None
    ts = event.get("deleted_ts") or before.get("ts")
    return Deleted(str(event["channel"]), str(ts)) if ts else None


def _assistant(thread: Json) -> AssistantOpened | None:
    if not thread.get("channel_id") or not thread.get("thread_ts"):
        return None
    return AssistantOpened(thread["channel_id"], thread["thread_ts"])


def _by_a_person(message: Json, bot_user: str) -> bool:
    user = message.get("user")
    return bool(user) and user not in (bot_user, "USLACKBOT") and not message.get("bot_id")


def _written(event: Json, via: QuestionVia | None, shared: bool) -> IncomingMessage:
    ts = str(event["ts"])
    thread_ts = str(event.get("thread_ts") or ts)
    if not (_TS.fullmatch(ts) and _TS.fullmatch(thread_ts)):
        raise ValueError(f"ts and thread_ts must be timestamps of Slack, not {ts!r} and {thread_ts!r}")
    content = MessageContent.of(event)
    return IncomingMessage(
        channel=str(event["channel"]),
        ts=ts,
        thread_ts=thread_ts,
        user=str(event["user"]),
        text=content.text or main_text(content, Names()),
        via=via,
        is_direct=event.get("channel_type") == "im" or str(event["channel"]).startswith("D"),
        is_reply=thread_ts != ts,
        files=tuple(dict(file) for file in (*content.files, *content.forwarded_files)),
        shared=shared,
        user_team=event.get("user_team") or event.get("team"),
        attachments=tuple(dict(attachment) for attachment in content.attachments),
    )


def question_of(text: str, bot_user: str) -> str:
    """The text without the mention of the bot, otherwise in Slack's markup."""
    return without_mention(text, bot_user)
