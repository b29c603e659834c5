"""reactions.*"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.slack.errors import ApiError
from emulators.slack.lookup import message_of
from emulators.slack.models import Json
from emulators.slack.web import method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


@method("reactions.add", "reactions:write")
def add(emulator: SlackEmulator, arguments: Json) -> Json:
    name, user = required(arguments, "name"), emulator.state.app.bot_user
    message = message_of(emulator.state, required(arguments, "channel"), required(arguments, "timestamp"))
    if user in message.reactions.get(name, []):
        raise ApiError("already_reacted")
    emulator.react(message, name, user)
    return {}


@method("reactions.remove", "reactions:write")
def remove(emulator: SlackEmulator, arguments: Json) -> Json:
    name, user = required(arguments, "name"), emulator.state.app.bot_user
    message = message_of(emulator.state, required(arguments, "channel"), required(arguments, "timestamp"))
    if user not in message.reactions.get(name, []):
        raise ApiError("no_reaction")
    emulator.unreact(message, name, user)
    return {}


@method("reactions.get", "reactions:read")
def get(emulator: SlackEmulator, arguments: Json) -> Json:
    message = message_of(emulator.state, required(arguments, "channel"), required(arguments, "timestamp"))
    return {"type": "message", "channel": message.channel, "message": emulator.wire(message)}
