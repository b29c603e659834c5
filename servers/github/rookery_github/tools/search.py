"""Searching issues and pull requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from rookery_core.errors import InvalidInput
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github import references
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble
from rookery_github.client import GitHubClient
from rookery_github.search_query import compile_query, date_bounds, date_range
from rookery_github.tools.items import row
from rookery_github.voices import PEOPLE
from rookery_github.wire import JSON
from rookery_github.workspace import Place, Workspace

PER_PAGE = 30
REACHABLE = 1000


class SearchTools:
    """The search over issues and pull requests."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def search_issues(
        self,
        query: str = "",
        repo: str = "",
        kind: Literal["any", "issue", "pr"] = "any",
        state: Literal["any", "open", "closed", "merged", "draft"] = "any",
        author: str = "",
        assignee: str = "",
        involves: str = "",
        labels: Sequence[str] = (),
        since: str = "",
        until: str = "",
        dates: Literal["updated", "created", "closed", "merged"] = "updated",
        sort: Literal["best", "updated", "created", "comments"] = "best",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Search issues and pull requests by words and filters; every word must occur. `repo`: owner/repo, or owner/*
        for all of an owner. Other GitHub qualifiers (reviewed-by:, milestone:, -label:) may stand in `query`."""
        scope = Scope.of(self._workspace, repo)
        compiled = compile_query(
            query,
            [
                *scope.qualifiers,
                ("is", "" if kind == "any" else kind),
                *_states(state),
                ("author", author),
                ("assignee", assignee),
                ("involves", involves),
                *(("label", label) for label in labels),
                (dates, date_range(*date_bounds(since, until))),
                ("is", "public" if self._workspace.only_public() else ""),
            ],
            self._workspace.confinement,
        )
        search = Search(self._workspace, scope.client, "issues", compiled, sort)
        return await assemble(
            "search_issues", {"q": compiled, "s": sort}, cursor, max_tokens, search.issue_rows, search.head
        )


def _states(state: str) -> list[tuple[str, str]]:
    if state == "draft":
        return [("is", "open"), ("draft", "true")]
    return [("is", "" if state == "any" else state)]


class Scope:
    """Where to search: a host, and the repository or owner there."""

    def __init__(self, client: GitHubClient, qualifiers: list[tuple[str, str]]) -> None:
        self.client = client
        self.qualifiers = qualifiers

    @classmethod
    def of(cls, workspace: Workspace, repo: str) -> Scope:
        """The scope of an argument: owner/repo, owner/*, owner/, a URL, or empty for the default."""
        settings = workspace.settings
        text = (
            repo.strip()
            or settings.default_repo
            or (f"{settings.default_owner}/*" if settings.default_owner else "")
        )
        if not text:
            return cls(workspace.client(), [])
        if text.endswith(("/*", "/")) and text.count("/") == 1:
            owner = text.partition("/")[0]
            workspace.confinement.check_owner(owner)
            return cls(workspace.client(), [("user", owner)])
        found = references.parse(text) if "/" in text else references.Reference(owner=text, kind="account")
        if not found.repo:
            workspace.confinement.check_owner(found.owner)
            return cls(workspace.client(found.host), [("user", found.owner)])
        workspace.confinement.check(found.full_name)
        return cls(workspace.client(found.host), [("repo", found.full_name)])


class Search:
    """One search, page by page; what lies outside of the allow-list or is hidden by lockdown is left out and counted."""

    def __init__(
        self,
        workspace: Workspace,
        client: GitHubClient,
        kind: str,
        query: str,
        sort: str = "best",
        accept: str = JSON,
    ) -> None:
        self._workspace = workspace
        self.client = client
        self._kind = kind
        self._accept = accept
        self.query = query
        self._sort = "" if sort == "best" else sort
        self.total: int | None = None
        self._incomplete = False
        self.left_out = 0
        self._ahead: asyncio.Task[Any] | None = None

    def begin(self) -> None:
        """Ask for the first page already, so that several searches run side by side."""
        self._ahead = asyncio.create_task(self._page(1))
        self._ahead.add_done_callback(lambda done: done.cancelled() or done.exception())

    def head(self) -> str:
        """The query as GitHub got it, how much it found, and what is not shown."""
        found = "" if self.total is None else f": {self.total} found"
        lines = [f"{self._kind} matching `{self.query}`{found}"]
        if self._incomplete:
            lines.append("GitHub timed out: results are incomplete; narrow the search")
        if (self.total or 0) > REACHABLE:
            lines.append(f"only the first {REACHABLE} can be reached: narrow by dates or filters")
        if self.left_out:
            lines.append(f"{self.left_out} left out: outside of what this server may show")
        return "\n".join(lines)

    async def items(self, start: Position) -> AsyncIterator[tuple[Position, Any]]:
        """Every found item from a position on, with where it stands."""
        page, index = int(start.get("n", 1)), int(start.get("i", 0))
        while True:
            answer = await (self._ahead if self._ahead and page == 1 else self._page(page))
            self.total, self._incomplete = answer["total_count"], answer["incomplete_results"]
            items = answer["items"]
            for at in range(index, len(items)):
                yield {"n": page, "i": at}, items[at]
            if page * PER_PAGE >= min(self.total or 0, REACHABLE) or not items:
                return
            page, index = page + 1, 0

    async def _page(self, page: int) -> Any:
        parameters = {
            "q": self.query,
            "sort": self._sort,
            "order": "desc" if self._sort else "",
            "per_page": PER_PAGE,
            "page": page,
        }
        try:
            fetched = await self.client.get(
                f"/search/{self._kind}", parameters, what=f"the search `{self.query}`", accept=self._accept
            )
        except InvalidInput as error:
            if "is:issue" in error.message:
                raise InvalidInput(
                    error.message, hint='Set kind to "issue" or "pr".', candidates=["issue", "pr"]
                ) from None
            raise
        return fetched.json()

    async def issue_rows(self, start: Position) -> AsyncIterator[Entry]:
        """Issues and pull requests, one line each."""
        async for at, item in self.items(start):
            place = Place(self.client, item["repository_url"].partition("/repos/")[2])
            trust = self._workspace.trust
            if (
                self._workspace.confinement.allows(place.full_name)
                and await trust.may_be_listed(place)
                and await trust.shows(place, item)
            ):
                yield Entry(at=at, body=row(item), voice=PEOPLE, in_row=True)
            else:
                self.left_out += 1
