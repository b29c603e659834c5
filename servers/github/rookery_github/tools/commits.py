"""Commits: the history of a branch, a path or a person, and one commit with its changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble
from rookery_github.references import is_full_sha
from rookery_github.search_query import compile_query, date_bounds, date_range
from rookery_github.tools.changes import Sides, commit_row, diff_entries, file_row, wanted
from rookery_github.tools.items import inner
from rookery_github.tools.search import Scope, Search
from rookery_github.voices import PEOPLE, contributor
from rookery_github.workspace import Place, Workspace, each_of

SHA_ONLY = "application/vnd.github.sha"


class CommitTools:
    """Tools about commits."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def list_commits(
        self,
        repo: str = "",
        author: str = "",
        since: str = "",
        until: str = "",
        path: str = "",
        ref: str = "",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """List commits, newest first: of a repository (branch, tag or SHA in `ref`), a file or folder in it, a person.
        With repo=owner/* it finds a person's commits on the default branches of all of that owner."""
        scope = Scope.of(self._workspace, repo)
        if not any(name == "repo" for name, _value in scope.qualifiers):
            return await self._everywhere(scope, author, since, until, cursor, max_tokens)
        since, until = date_bounds(since, until)
        place = self._workspace.repository(repo)
        await self._workspace.trust.admit(place)
        if ref:
            await self._workspace.trust.check_commit(place, await resolve(place, ref))
        parameters = {
            "sha": ref,
            "author": author,
            "path": path.strip("/"),
            "since": _instant(since, "00:00:00"),
            "until": _instant(until, "23:59:59"),
        }

        async def entries(start: Position) -> AsyncIterator[Entry]:
            async for at, commit in each_of(
                place, "/commits", start, parameters, what=f"the commits of {place.full_name}", per_page=30
            ):
                yield Entry(at=at, body=commit_row(commit), voice=PEOPLE, in_row=True)

        shown = {name: value for name, value in parameters.items() if value}
        filters = "; ".join(f"{name} {value}" for name, value in shown.items())
        title = f"commits of {place.full_name}" + (f"; {filters}" if filters else "")
        return await assemble(
            "list_commits", {"repo": place.full_name, **shown}, cursor, max_tokens, entries, lambda: title
        )

    async def _everywhere(
        self, scope: Scope, author: str, since: str, until: str, cursor: str, max_tokens: int
    ) -> Answer:
        if not author:
            raise InvalidInput("repo: needed unless `author` is given.", hint="Pass owner/repo.")
        qualifiers = [
            *scope.qualifiers,
            ("author", author),
            ("author-date", date_range(*date_bounds(since, until))),
        ]
        if self._workspace.only_public():
            qualifiers.append(("is", "public"))
        query = compile_query("", qualifiers, self._workspace.confinement)
        search = Search(self._workspace, scope.client, "commits", query, "author-date")
        return await assemble(
            "list_commits",
            {"q": query},
            cursor,
            max_tokens,
            lambda start: found_commits(self._workspace, search, start),
            search.head,
        )

    async def get_commit(
        self,
        commit: str,
        diff: bool = False,
        path: str = "",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Read one commit: message, parents, changed files; with diff=true its hunks, of one file or folder when
        `path` is given. `commit`: any GitHub URL, owner/repo@sha, or owner/repo@branch for the newest."""
        place, reference = self._workspace.refer(commit)
        await self._workspace.trust.admit(place)
        sha = await resolve(place, reference.ref or "HEAD")
        await self._workspace.trust.check_commit(place, sha)
        reading = _CommitReading(place, sha, diff=diff, path=path)
        await reading.open()
        arguments = {"commit": f"{place.full_name}@{sha}", "diff": diff, "path": path}
        return await assemble("get_commit", arguments, cursor, max_tokens, reading.entries, reading.head)


async def found_commits(workspace: Workspace, search: Search, start: Position) -> AsyncIterator[Entry]:
    """Commits that a search found, one line each."""
    async for at, commit in search.items(start):
        full_name = commit["repository"]["full_name"]
        place = Place(search.client, full_name)
        if workspace.confinement.allows(full_name) and await workspace.trust.may_be_listed(place):
            yield Entry(at=at, body=commit_row(commit), voice=PEOPLE, in_row=True)
        else:
            search.left_out += 1


async def resolve(place: Place, ref: str) -> str:
    """The whole SHA of a branch, a tag or an abbreviated SHA. Raises NotFound."""
    if is_full_sha(ref):
        return ref.lower()
    try:
        fetched = await place.get(f"/commits/{ref}", what=f"{ref} in {place.full_name}", accept=SHA_ONLY)
    except InvalidInput:
        raise NotFound(f"{place.full_name} has no branch, tag or commit {ref!r}.") from None
    return fetched.body.decode("ascii", "replace").strip()


def _instant(day: str, time: str) -> str:
    return f"{day}T{time}Z" if len(day) == 10 else day


class _CommitReading:
    """One commit being read: its message, then its files or hunks."""

    def __init__(self, place: Place, sha: str, *, diff: bool, path: str) -> None:
        self._place = place
        self._sha = sha
        self._diff = diff
        self._path = path
        self._commit: Mapping[str, Any] = {}

    async def open(self) -> None:
        """Read the commit. It never changes, so the cache keeps it for ever."""
        what = f"{self._place.full_name}@{self._sha[:12]}"
        self._commit = await self._place.get_json(
            f"/commits/{self._sha}", {"per_page": 100}, what=what, immutable=True
        )

    def head(self) -> str:
        """Link, author, times, parents, size."""
        commit, git = self._commit, inner(self._commit, "commit")
        author = contributor(commit.get("author"), inner(git, "author").get("name"))
        facts = [f"by {author.author}, {inner(git, 'author').get('date')}"]
        facts.append("parents " + (", ".join(parent["sha"][:12] for parent in commit["parents"]) or "none"))
        stats = inner(commit, "stats")
        facts.append(f"+{stats.get('additions', 0)} -{stats.get('deletions', 0)}")
        return f"{commit['html_url']}\n" + "; ".join(facts)

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """The message, unless a cursor points behind it, then the changes."""
        git = inner(self._commit, "commit")
        if start.get("s", "message") == "message":
            voice = contributor(self._commit.get("author"), inner(git, "author").get("name"))
            yield Entry(at={"s": "message"}, body=git.get("message") or "", voice=voice)
            start = {}
        parents = self._commit["parents"]
        sides = Sides(self._place, self._sha, parents[0]["sha"] if parents else self._sha)
        if self._diff:
            async for entry in diff_entries(self._files(start), sides, self._path, start):
                yield Entry(
                    at={"s": "files", **entry.at}, body=entry.body, voice=entry.voice, label=entry.label
                )
            return
        if self._commit.get("files"):
            yield Entry(at={"s": "files"}, label=f"files, each at {sides.link({'filename': ''})}PATH")
        async for at, file in self._files(start):
            if wanted(file["filename"], self._path):
                yield Entry(at={"s": "files", **at}, body=file_row(file), voice=PEOPLE, in_row=True)

    async def _files(self, start: Position) -> AsyncIterator[tuple[dict[str, int], Any]]:
        page, index = int(start.get("n", 1)), int(start.get("i", 0))
        while True:
            fetched = await self._place.get(
                f"/commits/{self._sha}",
                {"per_page": 100, "page": page if page > 1 else None},
                what="the files",
                immutable=True,
            )
            files: list[Any] = fetched.json().get("files") or []
            for at in range(index, len(files)):
                yield {"n": page, "i": at}, files[at]
            if not fetched.has_next:
                return
            page, index = page + 1, 0
