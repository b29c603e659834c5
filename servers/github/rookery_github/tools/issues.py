"""Reading issues, and the conversations of pull requests, which are issues, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble, clipped
from rookery_github.references import Reference
from rookery_github.tools.items import day, heading
from rookery_github.voices import voice_of
from rookery_github.workspace import Place, Workspace, each_of

COMMENT_PATHS = {
    "issue_comment": "/issues/comments/{ident}",
    "review_comment": "/pulls/comments/{ident}",
    "review": "/pulls/{number}/reviews/{ident}",
}
PER_PAGE = 100


class IssueTools:
    """Tools about single issues."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def get_issue(
        self,
        issue: str,
        comments: Literal["oldest", "newest", "none"] = "oldest",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Read an issue, or a pull request's description and conversation, with comments. `issue`: any GitHub URL,
        owner/repo#12 or #12. The URL of one comment reads that comment whole; comments="none" the description whole."""
        place, reference = self._workspace.refer(issue, number=True)
        await self._workspace.trust.admit(place)
        if reference.comment:
            return await self._comment(place, reference, cursor, max_tokens)
        number = reference.number
        item = await place.get_json(f"/issues/{number}", what=f"{place.full_name}#{number}")
        await self._workspace.trust.check(place, item, f"{place.full_name}#{number}")
        reading = _Reading(self._workspace, place, item, comments, max_tokens)
        arguments = {"issue": f"{place.full_name}#{number}", "comments": comments}
        return await assemble("get_issue", arguments, cursor, max_tokens, reading.entries, reading.head)

    async def _comment(self, place: Place, reference: Reference, cursor: str, max_tokens: int) -> Answer:
        assert reference.comment is not None
        kind, ident = reference.comment
        path = COMMENT_PATHS[kind].format(ident=ident, number=reference.number)
        comment = await place.get_json(path, what=f"comment {ident} of {place.full_name}#{reference.number}")
        await self._workspace.trust.check(place, comment, f"comment {ident}")

        async def entries(_start: Position) -> AsyncIterator[Entry]:
            yield Entry(at={}, body=comment.get("body") or "(no text)", voice=voice_of(comment))

        def head() -> str:
            place_in_code = f"; on {comment['path']}" if comment.get("path") else ""
            return f"{comment['html_url']}\n{kind.replace('_', ' ')}, {comment.get('created_at') or comment.get('submitted_at')}{place_in_code}"

        arguments = {"comment": ident, "kind": kind}
        return await assemble("get_issue", arguments, cursor, max_tokens, entries, head)


class _Reading:
    """One issue being read: its description, then its conversation."""

    def __init__(
        self, workspace: Workspace, place: Place, item: Mapping[str, Any], comments: str, max_tokens: int
    ) -> None:
        self._workspace = workspace
        self._place = place
        self._item = item
        self._comments = comments
        self._max_tokens = max_tokens
        self._hidden = 0
        self._begun = False

    def head(self) -> str:
        """Facts; on later pages only the link."""
        if self._begun:
            return f"{self._item['html_url']} (continued)"
        lines = [heading(self._item, self._place.full_name) + f"; {self._item['comments']} comments"]
        if self._item.get("pull_request"):
            lines.append("get_pull_request has reviews, checks, commits, files and diff.")
        if self._hidden:
            lines.append(f"lockdown hides {self._hidden} comments of people without push access")
        return "\n".join(lines)

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """The description, unless a cursor points behind it, then comments in the order asked for."""
        if start.get("s", "body") == "body":
            yield self._description()
        else:
            self._begun = True
        if self._comments == "none":
            return
        async for at, comment in self._in_order(start):
            if await self._workspace.trust.shows(self._place, comment):
                yield comment_entry({"s": "comments", **at}, comment, max(120, self._max_tokens // 5))
            else:
                self._hidden += 1

    def _description(self) -> Entry:
        text = self._item.get("body") or ""
        title = f"# {self._item['title']}\n"
        if self._comments == "none":
            return Entry(at={"s": "body"}, body=title + text, voice=voice_of(self._item))
        shown, note = clipped(text, self._max_tokens // 2, 'comments="none" reads it whole')
        return Entry(at={"s": "body"}, body=title + shown, voice=voice_of(self._item), note=note)

    async def _in_order(self, start: Position) -> AsyncIterator[tuple[dict[str, int], Any]]:
        path = f"/issues/{self._item['number']}/comments"
        if self._comments == "oldest":
            async for one in each_of(self._place, path, start, what="the comments"):
                yield one
            return
        last = -(-int(self._item["comments"]) // PER_PAGE) or 1
        for page in range(int(start.get("n", last)), 0, -1):
            fetched = await self._place.get(path, {"per_page": PER_PAGE, "page": page}, what="the comments")
            listed = fetched.json()
            first = int(start["i"]) if start.get("n") == page else len(listed) - 1
            for index in range(first, -1, -1):
                yield {"n": page, "i": index}, listed[index]


def comment_entry(at: Position, comment: Mapping[str, Any], max_tokens: int, label: str = "") -> Entry:
    """A comment under its link, clipped with how to read it whole."""
    shown, note = clipped(
        comment.get("body") or "", max_tokens, "get_issue with this comment's link reads it whole"
    )
    made = day(comment.get("created_at") or comment.get("submitted_at"))
    edited = comment.get("updated_at") or comment.get("created_at")
    when = made + (f", edited {day(edited)}" if day(edited) > made else "")
    return Entry(
        at=at, label=f"{comment['html_url']} {label}{when}", body=shown, voice=voice_of(comment), note=note
    )
