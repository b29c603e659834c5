"""All guides of a server: ours, those of repositories, those of folders; the repositories' kept up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_docs.guide_repositories import GuideCopy
from rookery_docs.guides import Guides

logger = get_logger(__name__)
_FIRST_PATIENCE_S = 15.0
_SOONEST_S = 60.0
_AFTER_FAILURE_S = 300.0


class GuideLibrary:
    """A team's own guide takes the place of ours of the same name, one of a folder that of a repository.

    refresh_s: how old a copy of a repository may be before its host is asked again; 0 asks only for the first copy.
    """

    def __init__(self, folders: Sequence[Path], copies: Sequence[GuideCopy], refresh_s: float) -> None:
        self._folders, self._copies, self._refresh_s = folders, copies, refresh_s
        self._failures: dict[GuideCopy, str] = {}
        self._asked = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self.guides = self._load()

    @property
    def failures(self) -> list[str]:
        """For each repository that could not be read when it was last asked: which, and why."""
        return list(self._failures.values())

    async def current(self) -> Guides:
        """The guides, after every repository without a copy has been asked once, or some seconds."""
        if self._keeping and not all(copy.folder for copy in self._copies):
            try:
                async with asyncio.timeout(_FIRST_PATIENCE_S):
                    await self._asked.wait()
            except TimeoutError:
                pass
        return self.guides

    def start(self) -> None:
        """Begin to ask the hosts, in the background."""
        if self._copies:
            self._keeping = asyncio.create_task(self._keep(), name="keep-guides")

    async def stop(self) -> None:
        """Ask no more."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})

    async def _keep(self) -> None:
        while True:
            await self.refresh()
            self._asked.set()
            if not self._refresh_s and not self._failures:
                return
            usual = max(self._refresh_s, _SOONEST_S)
            await asyncio.sleep(min(usual, _AFTER_FAILURE_S) if self._failures else usual)

    async def refresh(self) -> None:
        """Ask the host of every copy that is too old, and show what they have."""
        await asyncio.gather(*(self._refresh(copy) for copy in self._copies))
        self.guides = await asyncio.to_thread(self._load)

    async def _refresh(self, copy: GuideCopy) -> None:
        if copy.folder and (not self._refresh_s or copy.age_s() < self._refresh_s):
            return
        try:
            await copy.refresh()
        except (RookeryError, OSError) as error:
            kept = "The last good copy is used." if copy.folder else "There is no copy of it yet."
            failure = f"Guides of {copy.repository} cannot be read: {error} {kept}"
            if self._failures.get(copy) != failure:
                logger.warning("%s", failure)
            self._failures[copy] = failure
        else:
            self._failures.pop(copy, None)

    def _load(self) -> Guides:
        copies = [folder for copy in self._copies if (folder := copy.folder)]
        return Guides.load([*copies, *self._folders])
