"""Reading a pull request, part by part."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from rookery_core.errors import RookeryError
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble, clipped
from rookery_github.tools.changes import Sides, commit_row, diff_entries, file_row, wanted
from rookery_github.tools.checks import Checks, check_entries, read_checks
from rookery_github.tools.issues import comment_entry
from rookery_github.tools.items import heading
from rookery_github.tools.resolution import resolved_threads
from rookery_github.tools.reviews import thread_entries, verdicts
from rookery_github.voices import PEOPLE, voice_of
from rookery_github.workspace import Place, Workspace, each_of

Part = Literal["description", "conversation", "reviews", "threads", "commits", "checks", "files", "diff"]
ORDER: tuple[Part, ...] = (
    "description",
    "conversation",
    "reviews",
    "threads",
    "commits",
    "checks",
    "files",
    "diff",
)


class PullTools:
    """Tools about single pull requests."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def get_pull_request(
        self,
        pull: str,
        parts: Sequence[Part] = ("description",),
        path: str = "",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Read a pull request. The top always says state, branches, size, approvals and checks; `parts` adds more:
        threads are the inline review comments, diff comes in hunks, of one file or folder when `path` is given."""
        place, reference = self._workspace.refer(pull, number=True)
        await self._workspace.trust.admit(place)
        what = f"{place.full_name}#{reference.number}"
        item = await place.get_json(f"/pulls/{reference.number}", what=what)
        await self._workspace.trust.check(place, item, what)
        chosen: list[Part] = [part for part in ORDER if part in parts]
        reading = PullReading(self._workspace, place, item, chosen, path, max_tokens)
        if not cursor:
            await reading.look_around()
        arguments = {"pull": what, "parts": chosen, "path": path}
        return await assemble(
            "get_pull_request", arguments, cursor, max_tokens, reading.entries, reading.head
        )


class PullReading:
    """One pull request being read."""

    def __init__(
        self,
        workspace: Workspace,
        place: Place,
        item: Mapping[str, Any],
        parts: Sequence[Part],
        path: str,
        max_tokens: int,
    ) -> None:
        self._workspace = workspace
        self._place = place
        self._item = item
        self._parts = parts
        self._path = path
        self._max_tokens = max_tokens
        self._about: list[str] = []
        self._rest = f"/pulls/{item['number']}"
        self._hidden = 0
        self._sides = Sides(place, item["head"]["sha"], item["base"]["sha"])

    async def look_around(self) -> None:
        """Learn the approvals and, of one that is open, the checks, for the top of the answer."""
        item = self._item
        reviews, checks = await asyncio.gather(self._approvals(), self._check_summary())
        sides = f"{_side(item['head'])} → {item['base']['ref']}, head {item['head']['sha']}"
        size = f"{item.get('commits')} commits, {item.get('changed_files')} files +{item.get('additions')} -{item.get('deletions')}"
        self._about = [part for part in (f"{sides}; {size}", reviews, checks) if part]
        if item["state"] == "open" and item.get("mergeable_state"):
            self._about.append(f"mergeable: {item['mergeable_state']}")

    def head(self) -> str:
        """Facts; on later pages only the link."""
        if not self._about:
            return f"{self._item['html_url']} (continued)"
        item = self._item
        counts = f"; {item.get('comments')} comments, {item.get('review_comments')} review comments"
        hidden = f"lockdown hides {self._hidden} texts of people without push access" if self._hidden else ""
        return "\n".join(
            part for part in (heading(item, self._place.full_name) + counts, *self._about, hidden) if part
        )

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """The parts in order, beginning where a cursor points."""
        makers = {
            "description": self._description,
            "conversation": self._conversation,
            "reviews": self._review_bodies,
            "threads": self._threads,
            "commits": self._commits,
            "checks": self._check_rows,
            "files": self._files,
            "diff": self._diff,
        }
        first = start.get("s", self._parts[0] if self._parts else "")
        for part in self._parts[self._parts.index(first) if first in self._parts else 0 :]:
            inside = start if part == first else {}
            async for entry in makers[part](inside):
                yield Entry(
                    at={"s": part, **entry.at},
                    body=entry.body,
                    voice=entry.voice,
                    label=entry.label,
                    note=entry.note,
                    in_row=entry.in_row,
                )

    async def _description(self, _start: Position) -> AsyncIterator[Entry]:
        title = f"# {self._item['title']}\n"
        text = self._item.get("body") or ""
        if len(self._parts) == 1:
            yield Entry(at={}, body=title + text, voice=voice_of(self._item))
            return
        shown, note = clipped(text, self._max_tokens // 3, 'parts=["description"] alone reads it whole')
        yield Entry(at={}, body=title + shown, voice=voice_of(self._item), note=note)

    async def _conversation(self, start: Position) -> AsyncIterator[Entry]:
        path = f"/issues/{self._item['number']}/comments"
        async for at, comment in each_of(self._place, path, start, what="the comments"):
            if await self._shows(comment):
                yield comment_entry(at, comment, max(120, self._max_tokens // 5))

    async def _review_bodies(self, start: Position) -> AsyncIterator[Entry]:
        async for at, review in each_of(self._place, f"{self._rest}/reviews", start, what="the reviews"):
            verdict = review["state"].lower().replace("_", " ")
            if verdict == "commented" and not review.get("body"):
                continue  # the envelope of inline comments, which are in threads
            if await self._shows(review):
                yield comment_entry(at, review, max(120, self._max_tokens // 5), f"{verdict} ")

    async def _threads(self, start: Position) -> AsyncIterator[Entry]:
        listed = each_of(self._place, f"{self._rest}/comments", {}, what="the review comments")
        comments = [one async for _at, one in listed]
        chosen = [one for one in comments if wanted(one["path"], self._path)]
        resolved = await resolved_threads(self._place, self._item["number"]) if chosen else {}
        limit = max(120, self._max_tokens // 6)
        async for entry, comment in thread_entries(
            self._place, chosen, resolved, int(start.get("c", 0)), limit
        ):
            if await self._shows(comment):
                yield entry

    async def _commits(self, start: Position) -> AsyncIterator[Entry]:
        async for at, commit in each_of(self._place, f"{self._rest}/commits", start, what="the commits"):
            yield Entry(at=at, body=commit_row(commit), voice=PEOPLE, in_row=True)

    async def _check_rows(self, start: Position) -> AsyncIterator[Entry]:
        checks = await self._checks()
        for entry in check_entries(checks, int(start.get("c", 0))):
            yield entry

    async def _files(self, start: Position) -> AsyncIterator[Entry]:
        label = f"files, each at {self._sides.link({'filename': ''})}PATH"
        async for at, file in self._changed(start):
            if wanted(file["filename"], self._path):
                if label:
                    yield Entry(at=at, label=label)
                    label = ""
                yield Entry(at=at, body=file_row(file), voice=PEOPLE, in_row=True)

    async def _diff(self, start: Position) -> AsyncIterator[Entry]:
        async for entry in diff_entries(self._changed(start), self._sides, self._path, start):
            yield entry

    def _changed(self, start: Position) -> AsyncIterator[tuple[dict[str, int], Any]]:
        return each_of(self._place, f"{self._rest}/files", start, what="the changed files")

    async def _approvals(self) -> str:
        try:
            listed = each_of(self._place, f"{self._rest}/reviews", {}, what="the reviews")
            return verdicts(self._item, [review async for _at, review in listed])
        except RookeryError as error:
            return f"reviews: not readable ({error.code})"

    async def _check_summary(self) -> str:
        if self._item["state"] != "open":
            return ""
        try:
            return (await self._checks()).summary()
        except RookeryError as error:
            return f"checks: not readable ({error.code})"

    async def _checks(self) -> Checks:
        return await read_checks(self._place, self._item["head"]["sha"])

    async def _shows(self, item: Mapping[str, Any]) -> bool:
        shown = await self._workspace.trust.shows(self._place, item)
        self._hidden += not shown
        return shown


def _side(side: Mapping[str, Any]) -> str:
    """owner:branch; of a deleted fork only the branch is left."""
    return str(side.get("label") or side.get("ref") or "a deleted branch")
