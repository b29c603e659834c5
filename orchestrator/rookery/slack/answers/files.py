"""Files that go with an answer: gathered while the model works, posted in the thread after its words, once.

They are kept in the ledger before the answer's last word is shown. A worker that finds the answer whole after a crash
posts what is still kept: Slack names a file before anybody sees it, so that the thread tells whether it is there.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rookery.slack.answers.thread import pages_of_thread
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
_KEPT, _POSTED = "file-kept:", "file:"
logger = get_logger(__name__)


@dataclass(slots=True)
class PendingFiles:
    """The files of one run."""

    files: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, name: str, content: str) -> None:
        """Raises InvalidInput for what cannot be posted."""
        safe = re.sub(r"[^\w.() -]", "_", name.strip().rsplit("/", 1)[-1])[:100]
        if not safe.strip(". "):
            raise InvalidInput(f"{name!r} is not a file name.")
        if len(content) > MAX_CHARACTERS:
            raise InvalidInput("The file is larger than a million characters.")
        if len(self.files) >= MAX_FILES and safe not in self.files:
            raise InvalidInput(f"An answer may have {MAX_FILES} files.")
        self.files[safe] = content

    async def keep(self, effects: Effects, question: IncomingMessage) -> None:
        """Write the files down before the answer's last word, so that whoever finds it whole can post them.

        What an attempt before this one kept, and this one did not make, is forgotten.
        """
        wanted = {
            _name(name, content): {"name": name, "content": _packed(content)}
            for name, content in self.files.items()
        }
        for row in await effects.of(_owner(question)):
            if row["name"].startswith(_KEPT) and row["name"] not in wanted:
                await effects.withdraw(_unreceipted(question, row["name"]))
        for name, request in wanted.items():
            await effects.intend(_owner(question), name, request)


class FileUploader:
    """Posts the files that were kept for an answer, each once, whoever kept them."""

    def __init__(self, api: SlackApi, effects: Effects, question: IncomingMessage) -> None:
        self._api = api
        self._effects = effects
        self._question = question

    async def deliver(self) -> None:
        """Post what is kept and not posted. A file that Slack refuses is left out."""
        rows = {row["name"]: row for row in await self._effects.of(_owner(self._question))}
        for name in [name for name in rows if name.startswith(_KEPT)]:
            posting = rows.get(_POSTED + name.removeprefix(_KEPT))
            try:
                await self._deliver(name, rows[name]["request"], posting)
            except SlackRefused as refused:
                logger.warning("the file %s could not be posted: %s", rows[name]["request"]["name"], refused)
            await self._effects.withdraw(_unreceipted(self._question, name))

    async def _deliver(self, name: str, kept: Json, posting: Json | None) -> None:
        if posting is None:
            file_id = await _stored(self._api, kept["name"], base64.b64decode(kept["content"]))
        elif posting["receipt"] is not None:
            return
        else:
            file_id = str(posting["request"]["file"])
        effect = await self._effects.intend(
            _owner(self._question), _POSTED + name.removeprefix(_KEPT), {"file": file_id}
        )
        if posting is None or not await self._is_there(file_id):
            await self._api(
                "files.completeUploadExternal",
                files=[{"id": file_id, "title": kept["name"]}],
                channel_id=self._question.channel,
                thread_ts=self._question.thread_ts,
            )
        await self._effects.receipt(effect, {"file": file_id})

    async def _is_there(self, file_id: str) -> bool:
        """Whether an earlier attempt's posting of this very file took effect."""
        thread = await pages_of_thread(self._api, self._question.channel, self._question.thread_ts)
        shared: list[list[Json]] = [message.get("files") or [] for message in thread]
        return any(file.get("id") == file_id for files in shared for file in files)


def _owner(question: IncomingMessage) -> str:
    return f"slack:{question.key}"


def _name(name: str, content: str) -> str:
    """Equal files of one answer are one file, in whichever attempt they were made."""
    return _KEPT + hashlib.sha256(f"{name}\0{content}".encode(errors="replace")).hexdigest()[:16]


def _packed(content: str) -> str:
    """The ledger is JSON in PostgreSQL, which does not take every character."""
    return base64.b64encode(content.encode(errors="replace")).decode()


def _unreceipted(question: IncomingMessage, name: str) -> Effect:
    return Effect(_owner(question), name, "intended", None, None)


async def _stored(api: SlackApi, name: str, content: bytes) -> str:
    """Give Slack the content; answers the file's id. Nobody sees the file yet."""
    import aiohttp

    place = await api("files.getUploadURLExternal", filename=name, length=len(content))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            async with session.post(place["upload_url"], data=content) as response:
                if response.status != 200:
                    raise Unavailable(f"Slack answered {response.status} to an upload.")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"An upload broke off ({type(error).__name__}).") from None
    return str(place["file_id"])
