"""conversations.*: history, threads, members, listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.slack.errors import ApiError
from emulators.slack.lookup import channel_of, page, paged
from emulators.slack.models import Json, Message
from emulators.slack.web import method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator

HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
READ = ("channels:read", "groups:read", "im:read", "mpim:read")
KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


@method("conversations.history", *HISTORY)
def history(emulator: SlackEmulator, arguments: Json) -> Json:
    """Newest first, without replies other than broadcasts."""
    channel = channel_of(emulator.state, required(arguments, "channel"))
    top = [m for m in emulator.state.in_order(channel.id) if m.thread_ts in (None, m.ts)]
    top += [m for m in emulator.state.in_order(channel.id) if m.subtype == "thread_broadcast"]
    wanted = [m for m in sorted(top, key=lambda m: m.ts, reverse=True) if _inside(m, arguments)]
    return _messages(emulator, wanted, arguments, default=100)


@method("conversations.replies", *HISTORY)
def replies(emulator: SlackEmulator, arguments: Json) -> Json:
    """Oldest first; the root leads every page."""
    channel = channel_of(emulator.state, required(arguments, "channel"))
    named = emulator.state.messages[channel.id].get(required(arguments, "ts"))
    root = (named.thread_ts or named.ts) if named else str(arguments["ts"])
    thread = emulator.state.thread(channel.id, root)
    if not thread:
        raise ApiError("thread_not_found")
    wanted = [m for m in thread if m.ts == root or _inside(m, arguments)]
    if emulator.late_reads > 0:
        emulator.late_reads -= 1
        wanted = [m for m in wanted if m.user != emulator.state.app.bot_user]
    return _messages(emulator, wanted, arguments, default=1000)


@method("conversations.info", *READ)
def info(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = channel_of(emulator.state, required(arguments, "channel"), joined=False)
    return {"channel": channel.wire(emulator.state.app.bot_user)}


@method("conversations.members", *READ)
def members(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = channel_of(emulator.state, required(arguments, "channel"), joined=False)
    chosen, cursor = page(channel.members, arguments, default=100)
    return paged("members", chosen, cursor)


@method("conversations.list", *READ)
def list_channels(emulator: SlackEmulator, arguments: Json) -> Json:
    state = emulator.state
    kinds = {KINDS.get(name.strip()) for name in str(arguments.get("types") or "public_channel").split(",")}
    seen = [
        channel
        for channel in state.channels.values()
        if channel.kind in kinds
        and (channel.kind == "public" or state.app.bot_user in channel.members)
        and not (arguments.get("exclude_archived") and channel.is_archived)
    ]
    chosen, cursor = page(seen, arguments, default=100)
    return paged("channels", [channel.wire(state.app.bot_user) for channel in chosen], cursor)


@method("users.conversations", *READ)
def of_user(emulator: SlackEmulator, arguments: Json) -> Json:
    state = emulator.state
    user = str(arguments.get("user") or state.app.bot_user)
    mine = [channel for channel in state.channels.values() if user in channel.members]
    chosen, cursor = page(mine, arguments, default=100)
    return paged("channels", [channel.wire(state.app.bot_user) for channel in chosen], cursor)


@method("conversations.open", "im:write", "mpim:write")
def open_conversation(emulator: SlackEmulator, arguments: Json) -> Json:
    user = required(arguments, "users").split(",")[0]
    if user not in emulator.state.users:
        raise ApiError("user_not_found")
    return {"channel": {"id": emulator.state.direct_message(user).id}}


@method("conversations.join", "channels:join")
def join(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = channel_of(emulator.state, required(arguments, "channel"), joined=False)
    if emulator.state.app.bot_user not in channel.members:
        channel.members.append(emulator.state.app.bot_user)
    return {"channel": channel.wire(emulator.state.app.bot_user)}


def _inside(message: Message, arguments: Json) -> bool:
    oldest, latest = str(arguments.get("oldest") or "0"), str(arguments.get("latest") or "9999999999")
    if arguments.get("inclusive") in (True, 1, "1") and message.ts in (oldest, latest):
        return True
    return float(oldest) < float(message.ts) < float(latest)


def _messages(emulator: SlackEmulator, wanted: list[Message], arguments: Json, *, default: int) -> Json:
    chosen, cursor = page(wanted, arguments, default=default, most=999 if default == 100 else 1000)
    with_metadata = emulator.metadata_shown and arguments.get("include_all_metadata") in (True, 1, "1")
    shapes = [emulator.wire(message, metadata=with_metadata) for message in chosen]
    answer: Json = {"messages": shapes, "has_more": bool(cursor)}
    if cursor:
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer
