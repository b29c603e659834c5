"""Releases of one or several repositories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from rookery_core.errors import NotAllowed, NotFound
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble, clipped
from rookery_github.search_query import date_bounds
from rookery_github.tools.items import day
from rookery_github.voices import contributor, login_of
from rookery_github.workspace import Workspace, each_of


class ReleaseTools:
    """The tool that lists releases."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def list_releases(
        self,
        repos: Sequence[str] = (),
        since: str = "",
        prereleases: bool = True,
        notes: bool = True,
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """List releases, newest first, of one or several repositories, with their notes clipped; the URL of one release
        reads its notes whole. A repository without any, or not found, says so."""
        since, _ = date_bounds(since, "")
        listing = _Listing(
            self._workspace, list(repos) or [""], since, early=prereleases, notes=notes, max_tokens=max_tokens
        )
        arguments = {"repos": list(repos), "since": since, "early": prereleases, "notes": notes}
        return await assemble("list_releases", arguments, cursor, max_tokens, listing.entries, listing.head)


class _Listing:
    """Releases, repository after repository."""

    def __init__(
        self, workspace: Workspace, repos: list[str], since: str, *, early: bool, notes: bool, max_tokens: int
    ) -> None:
        self._workspace = workspace
        self._repos = repos
        self._since = since
        self._early = early
        self._notes = notes
        self._max_tokens = max_tokens

    def head(self) -> str:
        """What is listed."""
        window = f" since {self._since}" if self._since else ""
        return f"releases{window}{'' if self._early else ' without pre-releases'}"

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """The releases of each repository; one that cannot be read says why and the others go on."""
        first = int(start.get("r", 0))
        for index in range(first, len(self._repos)):
            inside = start if index == first else {}
            try:
                async for entry in self._of(self._repos[index], index, inside):
                    yield entry
            except (NotFound, NotAllowed) as error:
                if len(self._repos) == 1:
                    raise
                yield Entry(at={"r": index}, label=str(error))

    async def _of(self, repo: str, index: int, start: Position) -> AsyncIterator[Entry]:
        if "/releases/tag" in repo:
            yield await self._one(repo, index)
            return
        place = self._workspace.repository(repo)
        await self._workspace.trust.admit(place)
        found = False
        async for at, release in each_of(
            place, "/releases", start, what=f"the releases of {place.full_name}", per_page=30
        ):
            if (release.get("published_at") or release["created_at"]) < self._since:
                break  # they come newest first
            if release["draft"] or (release["prerelease"] and not self._early):
                continue
            found = True
            yield self._entry({"r": index, **at}, release)
        if not found:
            yield Entry(
                at={"r": index, "e": 1},
                label=f"{place.full_name}: no release" + (f" since {self._since}" if self._since else ""),
            )

    async def _one(self, url: str, index: int) -> Entry:
        place, reference = self._workspace.refer(url)
        await self._workspace.trust.admit(place)
        release = await place.get_json(
            f"/releases/tags/{reference.ref}", what=f"release {reference.ref} of {place.full_name}"
        )
        return Entry(
            at={"r": index},
            label=_label(release),
            body=release.get("body") or "",
            voice=contributor(release.get("author")),
        )

    def _entry(self, at: Position, release: Mapping[str, Any]) -> Entry:
        body = release.get("body") or ""
        if not self._notes or not body:
            return Entry(at=at, label=_label(release))
        shown, note = clipped(
            body, max(100, self._max_tokens // 6), "list_releases with this link reads them whole"
        )
        return Entry(
            at=at, label=_label(release), body=shown, voice=contributor(release.get("author")), note=note
        )


def _label(release: Mapping[str, Any]) -> str:
    name = release.get("name") or ""
    # The tag is in the link; a name that only repeats it is left out.
    parts = [] if not name or name.replace(" ", "") == release["tag_name"] else [" ".join(name.split())]
    parts += [
        day(release.get("published_at") or release["created_at"]),
        f"by {login_of(release.get('author'))}",
    ]
    if release["prerelease"]:
        parts.append("pre-release")
    if assets := release.get("assets"):
        parts.append(f"{len(assets)} assets")
    return f"{release['html_url']} " + " · ".join(parts)
