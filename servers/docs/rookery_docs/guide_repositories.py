"""Git repositories that hold guides: how an operator names one, and the copy of it that is kept on this machine.

A copy is fetched whole into a folder of its own and only then takes the place of the one before, so that every reader
sees the old or the new guides, and the old ones for as long as the host is away.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from rookery_core.errors import ConfigurationError, InvalidInput
from rookery_core.foreign.archives import open_archive
from rookery_core.foreign.git import download_tree, list_remote
from rookery_core.foreign.limits import MAX_GUIDE_FILE_BYTES
from rookery_docs.guides import of_folder

_ON_GITHUB = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[\w.-]+)(?:/(?P<path>[^@\s]+))?(?:@(?P<ref>\S+))?")
_ADDRESS = re.compile(
    r"(?P<host>(?:https?|ssh)://[^/\s]+/|[\w.-]+@[\w.-]+:)(?P<name>[^@\s]+?)(?://(?P<path>[^@\s]+))?(?:@(?P<ref>\S+))?"
)
_PASSWORD = re.compile(r"https?://[^/\s]*@")
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

_LARGEST_COPY = 32_000_000
_MOST_FILES = 2_000


@dataclass(frozen=True, slots=True)
class GuideRepository:
    """A repository, a folder in it ("" for its top), and a branch, tag or whole commit id ("" for its default branch)."""

    url: str
    path: str = ""
    ref: str = ""

    @classmethod
    def parse(cls, text: str) -> GuideRepository:
        """From `owner/name[/path][@ref]` on GitHub, or `URL[//path][@ref]`. Raises ConfigurationError."""
        where = "ROOKERY_DOCS_GUIDE_REPOSITORIES"
        if _PASSWORD.match(text):
            raise ConfigurationError(
                f"{where}: an address holds a name or password.",
                hint="Leave it out and let git know it: by a credential helper, by GIT_CONFIG_COUNT, or by an ssh key.",
            )
        if match := _ADDRESS.fullmatch(text):
            url = match["host"] + match["name"]
        elif match := _ON_GITHUB.fullmatch(text):
            url = "https://github.com/" + match["name"]
        else:
            raise ConfigurationError(
                f"{where}: {text!r} names no repository.",
                hint="Write owner/name[/path][@ref] for GitHub, else an https or ssh address: URL[//path][@ref].",
            )
        return cls(url, (match["path"] or "").strip("/"), match["ref"] or "")

    def __str__(self) -> str:
        return self.url + (f"//{self.path}" if self.path else "") + (f"@{self.ref}" if self.ref else "")

    async def newest(self) -> tuple[str, str]:
        """(what to ask the host for, its revision). One small request; none for a commit id. Raises GitFailed, InvalidInput."""
        if _REVISION.fullmatch(self.ref):
            return self.ref, self.ref
        names = [f"refs/heads/{self.ref}", f"refs/tags/{self.ref}"] if self.ref else ["HEAD"]
        revisions = await list_remote(self.url, names)
        for name in names:
            if revision := revisions.get(name):
                return name, revision
        raise InvalidInput(f"it has no branch or tag {self.ref!r}." if self.ref else "it is empty.")

    async def download(self, name: str, into: Path) -> None:
        """Write the files of the folder, as they are at a name of the host, into a new folder. Raises GitFailed, InvalidInput."""
        with tempfile.TemporaryDirectory(dir=into.parent) as scratch:
            packed = Path(scratch) / "files.tar"
            await download_tree(self.url, name, self.path, packed)
            await asyncio.to_thread(_unpack, packed, into)


class GuideCopy:
    """The last good copy of a repository, in a folder that all servers of this machine share."""

    def __init__(self, repository: GuideRepository, folder: Path) -> None:
        self.repository = repository
        self._home = folder / blake2b(str(repository).encode(), digest_size=8).hexdigest()
        self._current = self._home / "current"

    @property
    def folder(self) -> Path | None:
        """Where its files are; None before there is a copy."""
        revision = self._revision()
        return self._home / revision if revision and (self._home / revision).is_dir() else None

    def age_s(self) -> float:
        """Seconds since the host last said that this is its newest; infinite before there is a copy."""
        return time.time() - self._current.stat().st_mtime if self.folder else float("inf")

    async def refresh(self) -> None:
        """Make the copy what the host has now. Raises GitFailed, InvalidInput or ConfigurationError, and keeps the copy as it is."""
        name, revision = await self.repository.newest()
        if self.folder is None or self._revision() != revision:
            self._home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._home) as scratch:
                files = Path(scratch) / "files"
                await self.repository.download(name, files)
                if not any(of_folder(files)):
                    raise InvalidInput("it holds no guide: no Markdown file and no folder with a SKILL.md.")
                await asyncio.to_thread(self._take, files, revision, Path(scratch))
        self._current.touch()

    def _revision(self) -> str | None:
        try:
            return self._current.read_text(encoding="ascii").strip()
        except OSError:
            return None

    def _take(self, files: Path, revision: str, scratch: Path) -> None:
        """Let `files` be the copy. Of those before, the last stays: another server may be reading it."""
        before = self._revision()
        with suppress(OSError):  # another server was quicker
            files.rename(self._home / revision)
        pointer = scratch / "current"
        pointer.write_text(revision, encoding="ascii")
        pointer.replace(self._current)
        for entry in self._home.iterdir():
            if _REVISION.fullmatch(entry.name) and entry.name not in (before, revision):
                shutil.rmtree(entry, ignore_errors=True)


def _unpack(packed: Path, into: Path) -> None:
    """Ordinary files that a guide could show. Links, hidden and large files are left out. Raises InvalidInput when it is too much."""
    into.mkdir()
    files = size = 0
    with open_archive(packed) as archive:
        for member in archive.members():
            if member.refusal or "/." in f"/{member.name}" or member.size > MAX_GUIDE_FILE_BYTES:
                continue
            files, size = files + 1, size + member.size
            if files > _MOST_FILES or size > _LARGEST_COPY:
                raise InvalidInput(
                    f"it holds more than {_MOST_FILES} files or {_LARGEST_COPY // 1_000_000} MB.",
                    hint="Name the folder of the guides: owner/name/path or URL//path.",
                )
            target = into / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(member))
