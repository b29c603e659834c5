"""chat.startStream, appendStream, stopStream: a message that grows while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.slack.blocks import MOST_MARKDOWN, check_blocks
from emulators.slack.chat import metadata_of
from emulators.slack.errors import ApiError
from emulators.slack.lookup import channel_of, own_message
from emulators.slack.models import Json, Message
from emulators.slack.web import method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


@method("chat.startStream", "chat:write")
def start(emulator: SlackEmulator, arguments: Json) -> Json:
    state = emulator.state
    channel = channel_of(state, required(arguments, "channel"))
    thread_ts = required(arguments, "thread_ts")
    if not emulator.streaming_offered:
        raise ApiError("channel_type_not_supported")
    if channel.kind != "im":
        for name in ("recipient_user_id", "recipient_team_id"):
            if not arguments.get(name):
                raise ApiError(f"missing_{name}")
    if "metadata" in arguments:
        raise ApiError("invalid_arguments")
    if "markdown_text" in arguments and not _text(arguments).strip():
        raise ApiError("no_text")
    message = Message(
        channel=channel.id,
        ts=state.next_ts(),
        user=state.app.bot_user,
        text=_text(arguments),
        thread_ts=thread_ts,
        bot_id=state.app.bot_id,
        app_id=state.app.id,
        streaming=True,
        streamed=True,
        unfurl=False,
    )
    emulator.place(message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.appendStream", "chat:write")
def append(emulator: SlackEmulator, arguments: Json) -> Json:
    message = _streaming(emulator, arguments)
    added = _text(arguments)
    if not added.strip() and not arguments.get("chunks"):
        raise ApiError("no_text")
    _grow(message, added)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.stopStream", "chat:write")
def stop(emulator: SlackEmulator, arguments: Json) -> Json:
    message = _streaming(emulator, arguments)
    _grow(message, _text(arguments))
    if arguments.get("blocks"):
        check_blocks(arguments["blocks"])
        message.blocks = arguments["blocks"]
    message.metadata = metadata_of(arguments) or message.metadata
    message.streaming = False
    emulator.announce_change(message, previous=message)
    return {"channel": message.channel, "ts": message.ts, "message": emulator.wire(message)}


def _streaming(emulator: SlackEmulator, arguments: Json) -> Message:
    channel, ts = required(arguments, "channel"), required(arguments, "ts")
    message = own_message(emulator.state, channel, ts, refusal="message_not_owned_by_app")
    if not message.streaming:
        raise ApiError("message_not_in_streaming_state")
    return message


def _grow(message: Message, added: str) -> None:
    if added:
        message.text += added
        message.versions.append(message.text)


def _text(arguments: Json) -> str:
    markdown = str(arguments.get("markdown_text") or "")
    chunks: list[Any] = arguments.get("chunks") or []
    if not isinstance(chunks, list):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ApiError("invalid_chunks")
    for chunk in chunks:
        if chunk.get("type") == "markdown_text":
            markdown += str(chunk.get("text", ""))
        elif chunk.get("type") not in ("task_update", "plan_update"):
            raise ApiError("invalid_chunks")
    if len(markdown) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    return markdown
