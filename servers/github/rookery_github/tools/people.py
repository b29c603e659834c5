"""People: who they are, and what somebody did in a stretch of time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from rookery_core.errors import RookeryError
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_core.telemetry import get_logger
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble
from rookery_github.confinement import Confinement
from rookery_github.search_query import compile_query, date_bounds, date_range
from rookery_github.tools.commits import found_commits
from rookery_github.tools.search import Scope, Search
from rookery_github.voices import PEOPLE
from rookery_github.workspace import Workspace

logger = get_logger(__name__)
DEFAULT_DAYS = 7
_ANYWHERE = Confinement(())


class PeopleTools:
    """Tools about accounts."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def get_user_activity(
        self,
        user: str,
        repo: str = "",
        since: str = "",
        until: str = "",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """What somebody did between two days: pull requests opened and merged, reviews, issues, comments, commits.
        `repo`: owner/repo or owner/* to look there only. Without `since`: the last 7 days, as the answer says."""
        scope = Scope.of(self._workspace, repo)
        activity = _Activity(self._workspace, scope, user.strip().lstrip("@"), since, until)
        return await assemble(
            "get_user_activity", activity.arguments, cursor, max_tokens, activity.entries, activity.head
        )

    async def search_users(
        self, query: str = "", org: str = "", cursor: str = "", max_tokens: MaxTokens = DEFAULT_TOKENS
    ) -> Answer:
        """Find accounts by login or name; with `org` among the members of that organisation (all of them without a query)."""
        people = _People(self._workspace, query.strip().lstrip("@"), org)
        return await assemble(
            "search_users", {"q": query, "org": org}, cursor, max_tokens, people.entries, people.head
        )


class _Activity:
    """What one person did, kind by kind."""

    def __init__(self, workspace: Workspace, scope: Scope, user: str, since: str, until: str) -> None:
        self._workspace = workspace
        self._user = user
        self._since, self._until = date_bounds(since or f"{DEFAULT_DAYS}d", until)
        self._assumed = not since
        self._searches = [
            (title, self._search(scope, kind, qualifiers))
            for title, kind, qualifiers in (
                ("pull requests opened", "issues", [("is", "pr"), ("author", user), ("created", self._range)]),
                ("own pull requests merged", "issues", [("is", "pr"), ("author", user), ("merged", self._range)]),
                ("pull requests of others reviewed, changed since", "issues", [("is", "pr"), ("reviewed-by", user), ("-author", user), ("updated", self._range)]),
                ("issues opened", "issues", [("is", "issue"), ("author", user), ("created", self._range)]),
                ("issues of others commented on, changed since", "issues", [("is", "issue"), ("commenter", user), ("-author", user), ("updated", self._range)]),
                ("commits on default branches", "commits", [("author", user), ("author-date", self._range)]),
            )
        ]  # fmt: skip
        self.arguments = {"user": user, "since": self._since, "until": self._until, "scope": scope.qualifiers}
        self._where = (
            " in " + " ".join(value for _name, value in scope.qualifiers) if scope.qualifiers else ""
        )

    @property
    def _range(self) -> str:
        return date_range(self._since, self._until)

    def _search(self, scope: Scope, kind: str, qualifiers: list[tuple[str, str]]) -> Search:
        public = [("is", "public")] if self._workspace.only_public() else []
        query = compile_query("", [*scope.qualifiers, *qualifiers, *public], self._workspace.confinement)
        return Search(
            self._workspace, scope.client, kind, query, "updated" if kind == "issues" else "author-date"
        )

    def head(self) -> str:
        """Who, and which days."""
        window = f"{self._since} to {self._until or 'now'}"
        return f"activity of {self._user}{self._where}, {window}" + (
            " (no since given: the last 7 days)" if self._assumed else ""
        )

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """A heading with the count, then rows, for each kind."""
        first = int(start.get("k", 0))
        for _title, search in self._searches[first if "n" not in start else first + 1 :]:
            search.begin()
        for kind in range(first, len(self._searches)):
            title, search = self._searches[kind]
            inside = start if kind == first else {}
            async for entry in self._kind(kind, title, search, inside):
                yield entry

    async def _kind(self, kind: int, title: str, search: Search, start: Position) -> AsyncIterator[Entry]:
        rows = (
            search.issue_rows(start)
            if "commits" not in title
            else found_commits(self._workspace, search, start)
        )
        begun = "n" in start
        async for entry in rows:
            if not begun:
                yield Entry(at={"k": kind}, label=f"## {title}: {search.total}")
                begun = True
            yield Entry(at={"k": kind, **entry.at}, body=entry.body, voice=entry.voice, in_row=True)
        if not begun:
            yield Entry(at={"k": kind, "e": 1}, label=f"## {title}: none")


class _People:
    """Accounts that fit, with their names as far as they tell them."""

    def __init__(self, workspace: Workspace, query: str, org: str) -> None:
        self._workspace = workspace
        self._query = query
        self._org = org
        self._client = workspace.client()

    def head(self) -> str:
        """Where was looked for what."""
        return (
            f"members of {self._org} matching `{self._query}`"
            if self._org
            else f"accounts matching `{self._query}`"
        )

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """One line an account."""
        if not self._org:
            query = compile_query(self._query, [], _ANYWHERE)
            search = Search(self._workspace, self._client, "users", query)
            async for at, account in search.items(start):
                yield Entry(at=at, body=await self._row(account), voice=PEOPLE, in_row=True)
            return
        self._workspace.confinement.check_owner(self._org)
        async for entry in self._members(start):
            yield entry

    async def _members(self, start: Position) -> AsyncIterator[Entry]:
        page, index = int(start.get("n", 1)), int(start.get("i", 0))
        wanted = self._query.lower()
        listed = "public_members" if self._workspace.only_public() else "members"
        while True:
            fetched = await self._client.get(
                f"/orgs/{self._org}/{listed}",
                {"per_page": 100, "page": page},
                what=f"the members of {self._org}",
            )
            members = fetched.json()
            for at in range(index, len(members)):
                row = await self._row(members[at])
                if wanted in row.lower():
                    yield Entry(at={"n": page, "i": at}, body=row, voice=PEOPLE, in_row=True)
            if not fetched.has_next:
                return
            page, index = page + 1, 0

    async def _row(self, account: Mapping[str, Any]) -> str:
        parts = [str(account["html_url"]), account["login"]]
        profile: Mapping[str, Any] = {}
        try:
            profile = (
                await self._client.get(f"/users/{account['login']}", what=f"the account {account['login']}")
            ).json()
        except RookeryError:
            logger.debug("no profile of %s", account["login"])
        parts += [str(profile[key]) for key in ("name", "company", "email") if profile.get(key)]
        return " · ".join(parts) + (
            "" if account.get("type", "User") == "User" else f" ({account['type'].lower()})"
        )
