"""users.*, usergroups.*, team.info and auth.test: who there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.slack.errors import ApiError
from emulators.slack.lookup import page, paged
from emulators.slack.models import Json
from emulators.slack.state import TEAM_ID
from emulators.slack.web import method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


@method("auth.test")
def auth_test(emulator: SlackEmulator, arguments: Json) -> Json:
    app = emulator.state.app
    return {
        "url": "https://rookery.slack.com/",
        "team": "Rookery",
        "user": "rookery",
        "team_id": TEAM_ID,
        "user_id": app.bot_user,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


@method("team.info", "team:read")
def team_info(emulator: SlackEmulator, arguments: Json) -> Json:
    return {
        "team": {"id": TEAM_ID, "name": "Rookery", "domain": "rookery", "url": "https://rookery.slack.com/"}
    }


@method("bots.info", "users:read")
def bots_info(emulator: SlackEmulator, arguments: Json) -> Json:
    app = emulator.state.app
    return {
        "bot": {
            "id": app.bot_id,
            "deleted": False,
            "name": "rookery",
            "user_id": app.bot_user,
            "app_id": app.id,
        }
    }


@method("users.info", "users:read")
def users_info(emulator: SlackEmulator, arguments: Json) -> Json:
    user = emulator.state.users.get(required(arguments, "user"))
    if user is None:
        raise ApiError("user_not_found")
    return {"user": user.wire()}


@method("users.list", "users:read")
def users_list(emulator: SlackEmulator, arguments: Json) -> Json:
    chosen, cursor = page(list(emulator.state.users.values()), arguments, default=1000)
    return {**paged("members", [user.wire() for user in chosen], cursor), "cache_ts": 1_700_000_000}


@method("usergroups.list", "usergroups:read")
def usergroups_list(emulator: SlackEmulator, arguments: Json) -> Json:
    return {"usergroups": [group.wire(TEAM_ID) for group in emulator.state.groups.values()]}


@method("usergroups.users.list", "usergroups:read")
def usergroup_users(emulator: SlackEmulator, arguments: Json) -> Json:
    group = emulator.state.groups.get(required(arguments, "usergroup"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": group.users}
