"""Files that come with a question. The bot's token is sent to Slack's own hosts only."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rookery.agent.question import Attachment, ContextSection
from rookery.slack.settings import BotSettings
from rookery_core.errors import InvalidInput, NotAllowed, RookeryError, Unavailable
from rookery_core.telemetry import get_logger
from rookery_core.text import clip
from rookery_slackapi.web import SlackApi

Json = dict[str, Any]
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_TEXTUAL = frozenset(
    {
        "application/json",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/sql",
        "application/javascript",
        "application/x-sh",
        "application/csv",
    }
)
logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """The files of a question as sections and media for the model, and why others could not be read."""

    sections: tuple[ContextSection, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    problems: tuple[str, ...] = ()


class AttachmentReader:
    """Downloads a question's files (text, images, PDF) within limits of number and size."""

    def __init__(self, api: SlackApi, settings: BotSettings) -> None:
        self._api = api
        self._settings = settings
        self._hosts = _own_hosts(settings)

    async def read_files(self, files: Sequence[Json]) -> AttachmentContent:
        """Read the files. One that cannot be read becomes a line in `problems`."""
        sections: list[ContextSection] = []
        attachments: list[Attachment] = []
        problems: list[str] = []
        for file in files[: self._settings.files_per_question]:
            name = str(file.get("name") or "file")[:120]
            try:
                content = await self._read_file(file, name)
            except RookeryError as error:
                problems.append(f"The file {name} could not be read: {error.message}")
                continue
            if isinstance(content, Attachment):
                attachments.append(content)
            else:
                sections.append(content)
        omitted = len(files) - self._settings.files_per_question
        if omitted > 0:
            problems.append(f"{omitted} more files were not read.")
        return AttachmentContent(tuple(sections), tuple(attachments), tuple(problems))

    async def _read_file(self, file: Json, name: str) -> ContextSection | Attachment:
        if file.get("file_access") == "check_file_info" or not file.get("url_private"):
            file = (await self._api("files.info", file=str(file.get("id", ""))))["file"]
        media = str(file.get("mimetype") or "")
        if not (media in IMAGES or media == "application/pdf" or _is_text(media)):
            raise InvalidInput(f"its type ({media or 'unknown'}) is not text, an image or a PDF.")
        content = await self._download(file)
        if media in IMAGES:
            return Attachment(name=name, media_type=media, data=content)
        if media == "application/pdf":
            text = await asyncio.to_thread(text_of_pdf, content)
            if len(text.strip()) < 20:
                return Attachment(name=name, media_type=media, data=content)
        else:
            text = content.decode("utf-8", "replace")
        kept, omitted = clip(text, self._settings.file_tokens)
        note = f"\n({omitted} tokens of the file are omitted)" if omitted else ""
        return ContextSection(title=f"File {name}", text=kept + note, author=name, kind="file", priority=4)

    async def _download(self, file: Json) -> bytes:
        max_bytes = self._settings.file_bytes
        if int(file.get("size") or 0) > max_bytes:
            raise _too_large(max_bytes)
        url = self._checked(str(file.get("url_private_download") or file.get("url_private") or ""))
        import aiohttp

        headers = {"Authorization": f"Bearer {self._settings.require_bot_token()}"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
                session.get(url, headers=headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise Unavailable(f"Slack answered {response.status}.")
                if response.content_type == "text/html" and "html" not in str(file.get("mimetype")):
                    raise NotAllowed("Slack requires a login for it; the app needs the scope files:read.")
                return await _read_bounded(response.content, max_bytes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"the download failed ({type(error).__name__}).") from None

    def _checked(self, url: str) -> str:
        """The URL, when it is one of Slack's hosts. Raises NotAllowed: the token must not be sent elsewhere."""
        refusal = NotAllowed("it is not stored on Slack.")
        try:
            parts = urlsplit(url)
            address = (parts.scheme, parts.hostname or "", parts.port)
        except ValueError:
            raise refusal from None
        if (
            "\\" in url
            or parts.username
            or parts.password
            or not any(_allows(host, address) for host in self._hosts)
        ):
            raise refusal
        return url


def text_of_pdf(content: bytes) -> str:
    """The text of a PDF, page by page; empty when it has none or cannot be read."""
    from pypdf import PdfReader

    try:
        reader = PdfReader(io.BytesIO(content))
        return "\n\n".join(page.extract_text() for page in reader.pages[:200])
    except Exception as error:  # noqa: BLE001 - a hostile file may make the parser fail in any way
        logger.info("a PDF could not be read: %s", type(error).__name__)
        return ""


def _is_text(media: str) -> bool:
    return media.startswith("text/") or media in _TEXTUAL or media.endswith(("+json", "+xml"))


def _own_hosts(settings: BotSettings) -> list[tuple[str, str, int | None]]:
    hosts: list[tuple[str, str, int | None]] = [
        ("https", "files.slack.com", None),
        ("https", "slack-files.com", None),
        ("https", ".slack.com", None),
    ]
    if settings.emulated:
        parts = urlsplit(settings.slack_api_url)
        hosts.append((parts.scheme, parts.hostname or "", parts.port))
    return hosts


def _allows(host: tuple[str, str, int | None], address: tuple[str, str, int | None]) -> bool:
    scheme, name, port = host
    same_name = address[1].endswith(name) if name.startswith(".") else address[1] == name
    return address[0] == scheme and same_name and address[2] == port


async def _read_bounded(stream: Any, max_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in stream.iter_chunked(65_536):
        content += chunk
        if len(content) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(content)


def _too_large(max_bytes: int) -> InvalidInput:
    return InvalidInput(f"it is larger than {max_bytes // 1_000_000} MB.")
