"""Searching code, and repositories."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from rookery_core.errors import RookeryError
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github import permalinks
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble
from rookery_github.client import RAW, TEXT_MATCHES
from rookery_github.search_query import compile_query
from rookery_github.tools.items import day
from rookery_github.tools.search import Scope, Search
from rookery_github.voices import PEOPLE, Voice
from rookery_github.workspace import Place, Workspace

_AT_SHA = re.compile(r"/blob/([0-9a-f]{40,64})/")
LOOKED_AHEAD = 5


class CodeTools:
    """The searches over code and repositories."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def search_code(
        self,
        query: str,
        repo: str = "",
        path: str = "",
        language: str = "",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Search the code of default branches; every word must occur, "quoted phrases" as they are. `repo`: owner/repo or
        owner/*. Each hit has a permalink to the first matching line and the lines around it. Needs a token."""
        scope = Scope.of(self._workspace, repo)
        compiled = compile_query(
            query, [*scope.qualifiers, ("path", path), ("language", language)], self._workspace.confinement
        )
        search = Search(self._workspace, scope.client, "code", compiled, accept=TEXT_MATCHES)
        hits = _CodeHits(self._workspace, search, scope)
        return await assemble("search_code", {"q": compiled}, cursor, max_tokens, hits.entries, search.head)

    async def search_repositories(
        self,
        query: str = "",
        owner: str = "",
        language: str = "",
        topic: str = "",
        sort: Literal["best", "stars", "updated"] = "best",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Find repositories by words in name and description, by owner, language or topic."""
        owner = owner or (self._workspace.settings.default_owner if not query else "")
        public = "public" if self._workspace.only_public() else ""
        qualifiers = [("user", owner), ("language", language), ("topic", topic), ("is", public)]
        compiled = compile_query(query, qualifiers, self._workspace.confinement)
        search = Search(self._workspace, self._workspace.client(), "repositories", compiled, sort)

        async def entries(start: Position) -> AsyncIterator[Entry]:
            async for at, item in search.items(start):
                hidden = self._workspace.only_public() and item.get("private", True)
                if self._workspace.confinement.allows(item["full_name"]) and not hidden:
                    yield Entry(at=at, body=_repository_row(item), voice=PEOPLE, in_row=True)
                else:
                    search.left_out += 1

        return await assemble(
            "search_repositories", {"q": compiled, "s": sort}, cursor, max_tokens, entries, search.head
        )


def _repository_row(item: Mapping[str, Any]) -> str:
    flags = [name for name in ("private", "fork", "archived") if item.get(name)]
    about = " ".join(str(item.get("description") or "").split())
    parts = [
        about,
        str(item.get("language") or ""),
        f"{item.get('stargazers_count', 0)} stars",
        f"pushed {day(item.get('pushed_at'))}",
        *flags,
    ]
    return f"{item['html_url']} " + " · ".join(part for part in parts if part)


class _CodeHits:
    """Hits of a code search. The line numbers come from the files themselves, which the cache keeps by SHA."""

    def __init__(self, workspace: Workspace, search: Search, scope: Scope) -> None:
        self._workspace = workspace
        self._search = search
        self._scope = scope

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """A hit is a permalink and its fragment."""
        ahead: list[tuple[Position, Mapping[str, Any], asyncio.Task[str]]] = []
        async for at, item in self._search.items(start):
            place = Place(self._scope.client, item["repository"]["full_name"])
            if not await self._may_show(place, item):
                self._search.left_out += 1
                continue
            ahead.append((at, item, asyncio.create_task(self._link(place, item))))
            if len(ahead) >= LOOKED_AHEAD:
                yield await _hit(*ahead.pop(0))
        while ahead:
            yield await _hit(*ahead.pop(0))

    async def _may_show(self, place: Place, item: Mapping[str, Any]) -> bool:
        allowed = self._workspace.confinement.allows(place.full_name)
        return allowed and await self._workspace.trust.may_be_listed(place)

    async def _link(self, place: Place, item: Mapping[str, Any]) -> str:
        found = _AT_SHA.search(item["html_url"])
        fragment = _fragment(item)
        if not found or not fragment:
            return str(item["html_url"])
        try:
            what = f"{item['path']} of {place.full_name}"
            file = await place.get(
                f"/contents/{item['path']}", {"ref": found[1]}, what=what, accept=RAW, immutable=True
            )
        except RookeryError:
            return str(item["html_url"])
        lines = _lines_of(file.body.decode("utf-8", "replace"), item)
        return permalinks.blob(place.web, place.full_name, found[1], item["path"], lines)


async def _hit(at: Position, item: Mapping[str, Any], link: asyncio.Task[str]) -> Entry:
    return Entry(
        at=at, label=await link, body=_fragment(item), voice=Voice(item["repository"]["full_name"], "file")
    )


def _fragment(item: Mapping[str, Any]) -> str:
    matches = [one for one in item.get("text_matches") or () if one.get("property") == "content"]
    return str(matches[0]["fragment"]) if matches else ""


def _lines_of(text: str, item: Mapping[str, Any]) -> tuple[int, int] | None:
    """The lines of the first match, or None when the file does not hold the fragment any more."""
    match = next((one for one in item["text_matches"] if one.get("property") == "content"), None)
    at = text.find(match["fragment"]) if match else -1
    if match is None or at < 0:
        return None
    first, last = match["matches"][0]["indices"] if match.get("matches") else (0, 0)
    start = text.count("\n", 0, at + first) + 1
    return start, start + match["fragment"].count("\n", first, last)
