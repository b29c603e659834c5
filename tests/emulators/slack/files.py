"""files.*: looking at files, downloading them with the token, uploading in the three steps of today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from emulators.slack.errors import ApiError
from emulators.slack.lookup import channel_of
from emulators.slack.models import Json, Message, StoredFile
from emulators.slack.web import EMULATOR, method, required

if TYPE_CHECKING:
    from emulators.slack.server import SlackEmulator


@method("files.info", "files:read")
def info(emulator: SlackEmulator, arguments: Json) -> Json:
    file = emulator.state.files.get(required(arguments, "file"))
    if file is None:
        raise ApiError("file_not_found")
    return {"file": file.wire(), "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.getUploadURLExternal", "files:write")
def upload_url(emulator: SlackEmulator, arguments: Json) -> Json:
    name, length = required(arguments, "filename"), int(required(arguments, "length"))
    if length < 1:
        raise ApiError("invalid_arguments")
    file = StoredFile(emulator.state.next_id("F"), name, "text/plain", b"", emulator.state.app.bot_user)
    emulator.offer(file)
    return {"upload_url": f"{emulator.url}/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write")
def complete(emulator: SlackEmulator, arguments: Json) -> Json:
    state = emulator.state
    named: list[Json] = arguments.get("files") or []
    files = [state.files[given["id"]] for given in named if given["id"] in state.files]
    if not files:
        raise ApiError("file_not_found")
    if arguments.get("channel_id"):
        channel = channel_of(state, str(arguments["channel_id"]))
        message = Message(
            channel=channel.id,
            ts=state.next_ts(),
            user=state.app.bot_user,
            text=str(arguments.get("initial_comment") or ""),
            thread_ts=arguments.get("thread_ts"),
            bot_id=state.app.bot_id,
            app_id=state.app.id,
            files=files,
        )
        emulator.place(message)
    return {"files": [file.wire() for file in files]}


async def upload(request: web.Request) -> web.Response:
    """The bytes of a file, as multipart or as they are."""
    file = request.app[EMULATOR].state.files.get(request.match_info["id"])
    if file is None:
        return web.Response(status=404)
    if request.content_type == "multipart/form-data":
        parts = list((await request.post()).values())
        if parts and isinstance(parts[0], web.FileField):
            file.content = parts[0].file.read()
    else:
        file.content = await request.read()
    return web.Response(text=f"OK - {len(file.content)}")


async def download(request: web.Request) -> web.Response:
    """A file for the holder of the token; for anybody else Slack's login page, with status 200."""
    emulator = request.app[EMULATOR]
    file = emulator.state.files.get(request.match_info["id"])
    if file is None:
        return web.Response(status=404)
    emulator.downloads.append((file.id, request.headers.get("Authorization", "")))
    if request.headers.get("Authorization") != f"Bearer {emulator.state.app.bot_token}":
        return web.Response(text="<!DOCTYPE html><html><title>Slack</title></html>", content_type="text/html")
    if "files:read" not in emulator.state.app.scopes:
        return web.Response(status=403)
    return web.Response(body=file.content, content_type=file.mimetype)
