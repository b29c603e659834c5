"""Files that go with an answer: collected while the model works, posted in the thread after the answer, each once.

They are written to the effect ledger before the answer's last words are shown, so that an attempt that finds the answer
complete after a crash posts the missing ones. Slack names a file before it is shared, so the thread tells whether a file
was posted.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rookery.slack.answers.thread import read_messages
from rookery.slack.event_types import IncomingMessage
from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.queue import Effect
from rookery_core.telemetry import get_logger
from rookery_slackapi.errors import SlackRefused
from rookery_slackapi.web import SlackApi

if TYPE_CHECKING:
    from rookery_core.queue.effects import Effects

Json = dict[str, Any]
MAX_FILES = 5
MAX_CHARACTERS = 1_000_000
UPLOAD_TIMEOUT_S = 60.0
_SAVED, _POSTED = "file-kept:", "file:"
logger = get_logger(__name__)


@dataclass(slots=True)
class PendingFiles:
    """The files that one run of the agent made, by name."""

    files: dict[str, str] = field(default_factory=dict[str, str])

    def add_file(self, name: str, content: str) -> None:
        """Add a file, or replace the one of that name. Raises InvalidInput when it cannot be posted."""
        safe = re.sub(r"[^\w.() -]", "_", name.strip().rsplit("/", 1)[-1])[:100]
        if not safe.strip(". "):
            raise InvalidInput(f"name must be a file name, not {name!r}.")
        if len(content) > MAX_CHARACTERS:
            raise InvalidInput(f"content must have at most {MAX_CHARACTERS:,} characters.")
        if len(self.files) >= MAX_FILES and safe not in self.files:
            raise InvalidInput(f"An answer may have at most {MAX_FILES} files.")
        self.files[safe] = content


class FileUploader:
    """Posts the saved files of an answer, each once, whichever attempt saved them."""

    def __init__(self, api: SlackApi, effects: Effects) -> None:
        self._api = api
        self._effects = effects

    async def save_files(self, question: IncomingMessage, files: PendingFiles) -> None:
        """Write the files to the ledger; files of an earlier attempt that this one did not make are withdrawn."""
        requests = {
            _effect_name(name, content): {"name": name, "content": _packed(content)}
            for name, content in files.files.items()
        }
        for row in await self._effects.of(_owner(question)):
            if row["name"].startswith(_SAVED) and row["name"] not in requests:
                await self._effects.withdraw(_saved_effect(question, row["name"]))
        for name, request in requests.items():
            await self._effects.intend(_owner(question), name, request)

    async def upload_files(self, question: IncomingMessage) -> None:
        """Post the saved files that are not posted yet. A file that Slack refuses is left out."""
        rows = {row["name"]: row for row in await self._effects.of(_owner(question))}
        for name in [name for name in rows if name.startswith(_SAVED)]:
            file, posting = rows[name]["request"], rows.get(_POSTED + name.removeprefix(_SAVED))
            try:
                await self._upload_file(question, name, file, posting)
            except SlackRefused as refused:
                logger.warning("the file %s could not be posted: %s", file["name"], refused)
            await self._effects.withdraw(_saved_effect(question, name))

    async def _upload_file(
        self, question: IncomingMessage, name: str, file: Json, posting: Json | None
    ) -> None:
        if posting is None:
            file_id = await _store_content(self._api, file["name"], base64.b64decode(file["content"]))
        elif posting["receipt"] is not None:
            return
        else:
            file_id = str(posting["request"]["file"])
        effect = await self._effects.intend(
            _owner(question), _POSTED + name.removeprefix(_SAVED), {"file": file_id}
        )
        if posting is None or not await self._is_shared(question, file_id):
            await self._api(
                "files.completeUploadExternal",
                files=[{"id": file_id, "title": file["name"]}],
                channel_id=question.channel,
                thread_ts=question.thread_ts,
            )
        await self._effects.receipt(effect, {"file": file_id})

    async def _is_shared(self, question: IncomingMessage, file_id: str) -> bool:
        """Whether an earlier attempt shared this file in the thread."""
        thread = await read_messages(self._api, question.channel, question.thread_ts)
        files: list[list[Json]] = [message.get("files") or [] for message in thread]
        return any(file.get("id") == file_id for shared in files for file in shared)


def _owner(question: IncomingMessage) -> str:
    return f"slack:{question.key}"


def _effect_name(name: str, content: str) -> str:
    """Attempts that make the same file share its effect."""
    return _SAVED + hashlib.sha256(f"{name}\0{content}".encode(errors="replace")).hexdigest()[:16]


def _packed(content: str) -> str:
    """The content as base64: PostgreSQL's JSON does not accept every character."""
    return base64.b64encode(content.encode(errors="replace")).decode()


def _saved_effect(question: IncomingMessage, name: str) -> Effect:
    return Effect(_owner(question), name, "intended", None, None)


async def _store_content(api: SlackApi, name: str, content: bytes) -> str:
    """Upload the content; returns the file's id. The file is not visible until it is shared."""
    import aiohttp

    upload = await api("files.getUploadURLExternal", filename=name, length=len(content))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=UPLOAD_TIMEOUT_S)) as session:
        try:
            async with session.post(upload["upload_url"], data=content) as response:
                if response.status != 200:
                    raise Unavailable(f"Slack answered {response.status} to an upload.")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"An upload to Slack failed ({type(error).__name__}).") from None
    return str(upload["file_id"])
