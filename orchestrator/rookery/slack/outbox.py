"""Files that go with an answer: gathered while the model works, posted in the thread after its words, once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rookery.slack.api import SlackApi
from rookery.slack.errors import SlackRefused
from rookery.slack.incoming import Written
from rookery_core.errors import InvalidInput, Unavailable
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery_core.queue.effects import Effects

MOST_FILES = 5
MOST_CHARACTERS = 1_000_000
_log = get_logger(__name__)


@dataclass(slots=True)
class Outbox:
    """The files of one run."""

    files: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, name: str, content: str) -> None:
        """Raises InvalidInput for what cannot be posted."""
        safe = re.sub(r"[^\w.() -]", "_", name.strip().rsplit("/", 1)[-1])[:100]
        if not safe.strip(". "):
            raise InvalidInput(f"{name!r} is not a file name.")
        if len(content) > MOST_CHARACTERS:
            raise InvalidInput("The file is larger than a million characters.")
        if len(self.files) >= MOST_FILES and safe not in self.files:
            raise InvalidInput(f"An answer may have {MOST_FILES} files.")
        self.files[safe] = content

    async def send(self, api: SlackApi, effects: Effects, question: Written) -> None:
        """Post the files. One whose posting was begun and not confirmed is not posted again: it may be there."""
        for number, (name, content) in enumerate(self.files.items()):
            effect = await effects.intend(f"slack:{question.key}", f"file:{number}", {"name": name})
            if effect.state != "new":
                continue
            try:
                file_id = await upload(api, question.channel, question.thread_ts, name, content.encode())
            except SlackRefused as refused:
                await effects.withdraw(effect)
                _log.warning("the file %s could not be posted: %s", name, refused)
                continue
            await effects.receipt(effect, {"file": file_id})


async def upload(api: SlackApi, channel: str, thread_ts: str, name: str, content: bytes) -> str:
    """The three steps of an upload; answers the file's id."""
    import aiohttp

    place = await api("files.getUploadURLExternal", filename=name, length=len(content))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        try:
            async with session.post(place["upload_url"], data=content) as response:
                if response.status != 200:
                    raise Unavailable(f"Slack answered {response.status} to an upload.")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"An upload broke off ({type(error).__name__}).") from None
    files: list[dict[str, Any]] = [{"id": place["file_id"], "title": name}]
    await api("files.completeUploadExternal", files=files, channel_id=channel, thread_ts=thread_ts)
    return str(place["file_id"])
