"""chat.*: posting, editing, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.slack.blocks import MOST_MARKDOWN, check_blocks
from emulators.slack.errors import ApiError
from emulators.slack.lookup import channel_of, message_of, own_message
from emulators.slack.models import Channel, Ephemeral, Json, Message
from emulators.slack.web import method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator

MOST_TEXT = 40_000
MOST_EDITED_TEXT = 4_000


@method("chat.postMessage", "chat:write")
def post_message(emulator: SlackEmulator, arguments: Json) -> Json:
    state = emulator.state
    channel = _writable(emulator, required(arguments, "channel"))
    text, blocks = content(arguments)
    message = Message(
        channel=channel.id,
        ts=state.next_ts(),
        user=state.app.bot_user,
        text=text,
        thread_ts=_root(emulator, channel, arguments.get("thread_ts")),
        blocks=blocks or [],
        metadata=metadata_of(arguments),
        bot_id=state.app.bot_id,
        app_id=state.app.id,
        unfurl=bool(arguments.get("unfurl_links", True)) or bool(arguments.get("unfurl_media", True)),
    )
    emulator.place(message)
    return {"channel": channel.id, "ts": message.ts, "message": emulator.wire(message)}


@method("chat.update", "chat:write")
def update(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = _writable(emulator, required(arguments, "channel"))
    message = own_message(
        emulator.state, channel.id, required(arguments, "ts"), refusal="cant_update_message"
    )
    if message.streaming:
        raise ApiError("streaming_state_conflict")
    text, blocks = content(arguments)
    if len(str(arguments.get("text") or "")) > MOST_EDITED_TEXT:
        raise ApiError("msg_too_long")
    given = metadata_of(arguments)
    if given is not None:
        message.metadata = given
    emulator.revise(message, text, blocks if blocks is not None else [], by=emulator.state.app.bot_user)
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": emulator.wire(message)}


@method("chat.delete", "chat:write")
def delete(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = _writable(emulator, required(arguments, "channel"))
    message = own_message(
        emulator.state, channel.id, required(arguments, "ts"), refusal="cant_delete_message"
    )
    if message.streaming:
        raise ApiError("cant_delete_message")
    emulator.erase(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = _writable(emulator, required(arguments, "channel"))
    user = required(arguments, "user")
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    text, blocks = content(arguments)
    ts = emulator.state.next_ts()
    thread = arguments.get("thread_ts")
    emulator.state.ephemerals.append(Ephemeral(channel.id, user, text, blocks or [], ts, thread))
    return {"message_ts": ts}


@method("chat.getPermalink")
def permalink(emulator: SlackEmulator, arguments: Json) -> Json:
    message = message_of(emulator.state, required(arguments, "channel"), required(arguments, "message_ts"))
    link = f"https://rookery.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
    return {"channel": message.channel, "permalink": link}


def content(arguments: Json) -> tuple[str, list[Json] | None]:
    """The text and blocks of a call. None means that no blocks were given."""
    text, markdown, blocks = arguments.get("text"), arguments.get("markdown_text"), arguments.get("blocks")
    if markdown is not None and (text is not None or blocks is not None):
        raise ApiError("markdown_text_conflict")
    if not text and not markdown and not blocks:
        raise ApiError("no_text")
    if len(str(text or "")) > MOST_TEXT or len(str(markdown or "")) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    if blocks is not None:
        check_blocks(blocks)
    return str(text or markdown or ""), blocks


def metadata_of(arguments: Json) -> Json | None:
    metadata = arguments.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not {"event_type", "event_payload"} <= set(metadata):  # pyright: ignore[reportUnknownArgumentType]
        raise ApiError("invalid_metadata_format")
    return metadata  # pyright: ignore[reportUnknownVariableType]


def _writable(emulator: SlackEmulator, channel_id: str) -> Channel:
    if channel_id.startswith("U") and channel_id in emulator.state.users:
        return emulator.state.direct_message(channel_id)
    channel = channel_of(emulator.state, channel_id)
    if channel.is_archived:
        raise ApiError("is_archived")
    return channel


def _root(emulator: SlackEmulator, channel: Channel, thread_ts: Any) -> str | None:
    """The thread to reply in. Slack accepts the ts of a reply, and of nothing at all, and so do we."""
    if not thread_ts:
        return None
    parent = emulator.state.messages[channel.id].get(str(thread_ts))
    return parent.thread_ts or parent.ts if parent else str(thread_ts)
