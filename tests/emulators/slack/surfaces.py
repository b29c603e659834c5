"""views.* and assistant.threads.*: modals, and what an assistant shows beside its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.slack.blocks import check_view
from emulators.slack.errors import ApiError
from emulators.slack.lookup import channel_of
from emulators.slack.models import Json
from emulators.slack.state import TEAM_ID, Status
from emulators.slack.web import method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


@method("views.open")
def open_view(emulator: SlackEmulator, arguments: Json) -> Json:
    trigger = required(arguments, "trigger_id")
    if trigger not in emulator.triggers:
        raise ApiError("invalid_trigger_id")
    emulator.triggers.discard(trigger)
    view = arguments.get("view")
    check_view(view)
    shown: Json = {
        **view,  # pyright: ignore[reportGeneralTypeIssues]
        "id": emulator.state.next_id("V"),
        "team_id": TEAM_ID,
        "app_id": emulator.state.app.id,
        "bot_id": emulator.state.app.bot_id,
        "hash": "1760000000.hash",
        "state": {"values": {}},
    }
    emulator.state.views[shown["id"]] = shown
    return {"view": shown}


@method("views.publish")
def publish(emulator: SlackEmulator, arguments: Json) -> Json:
    user = required(arguments, "user_id")
    emulator.state.views[f"home:{user}"] = dict(arguments["view"])
    return {"view": arguments["view"]}


@method("assistant.threads.setStatus", "assistant:write", "chat:write")
def set_status(emulator: SlackEmulator, arguments: Json) -> Json:
    channel = channel_of(emulator.state, required(arguments, "channel_id"))
    if "status" not in arguments:
        raise ApiError("invalid_arguments")
    status = Status(channel.id, required(arguments, "thread_ts"), str(arguments["status"]))
    emulator.state.statuses.append(status)
    return {}


@method("assistant.threads.setTitle", "assistant:write")
def set_title(emulator: SlackEmulator, arguments: Json) -> Json:
    channel_of(emulator.state, required(arguments, "channel_id"))
    emulator.state.titles[required(arguments, "thread_ts")] = required(arguments, "title")
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_prompts(emulator: SlackEmulator, arguments: Json) -> Json:
    channel_of(emulator.state, required(arguments, "channel_id"))
    prompts = arguments.get("prompts")
    if not isinstance(prompts, list) or len(prompts) > 4:  # pyright: ignore[reportUnknownArgumentType]
        raise ApiError("invalid_arguments")
    emulator.state.prompts[required(arguments, "thread_ts")] = prompts
    return {}
