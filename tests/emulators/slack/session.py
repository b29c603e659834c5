"""Where sockets and interactions begin and end: apps.connections.open, response URLs, trigger ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from emulators.slack.models import Json
from emulators.slack.web import EMULATOR, method

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


@method("apps.connections.open", app_token=True)
def open_connection(emulator: SlackEmulator, arguments: Json) -> Json:
    """A ticket is good for one connection."""
    ticket = emulator.state.next_id("ticket-")
    emulator.tickets.add(ticket)
    socket_url = emulator.url.replace("http://", "ws://", 1)
    return {"url": f"{socket_url}/link/?ticket={ticket}&app_id={emulator.state.app.id}"}


@method("api.test")
def api_test(emulator: SlackEmulator, arguments: Json) -> Json:
    return {"args": arguments}


async def respond(request: web.Request) -> web.Response:
    """A response URL: good five times in half an hour at Slack, always here."""
    emulator = request.app[EMULATOR]
    emulator.responses.append({"id": request.match_info["id"], **(await request.json())})
    emulator.state.changed()
    return web.Response(text="ok")
