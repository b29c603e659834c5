"""Writing issues and comments. Off unless ROOKERY_GITHUB_WRITE names the tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from rookery_github.workspace import Place, Workspace
from rookery_github.writer import Write, Writer, Written, check_unchanged, instant, same_text

Text = Annotated[str, Field(min_length=1, max_length=65_536)]
Title = Annotated[str, Field(min_length=1, max_length=256)]


class IssueWriting:
    """Tools that write issues and comments."""

    def __init__(self, workspace: Workspace, writer: Writer) -> None:
        self._workspace = workspace
        self._writer = writer

    async def add_comment(
        self,
        issue: str,
        body: Text,
        expected_updated_at: str = "",
        idempotency_key: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Comment on an issue or pull request. With expected_updated_at it fails when somebody was faster. The same
        idempotency_key never writes twice; dry_run shows what would be sent."""
        self._writer.admit()
        place, reference = self._workspace.refer(issue, number=True)
        rest = f"/issues/{reference.number}"
        item = await fresh(place, rest)
        check_unchanged("expected_updated_at", expected_updated_at, item["updated_at"], item["html_url"])

        async def find(since: float) -> dict[str, Any] | None:
            comments = await fresh(place, f"{rest}/comments", {"since": instant(since), "per_page": 100})
            return next((one for one in reversed(comments) if same_text(one.get("body"), body)), None)

        what = f"a comment on {place.full_name}#{reference.number}"
        write = Write("add_comment", place, "POST", f"{rest}/comments", {"body": body}, what, find)
        return await self._writer.perform(write, idempotency_key, dry_run=dry_run)

    async def create_issue(
        self,
        title: Title,
        body: str = "",
        repo: str = "",
        labels: Sequence[str] = (),
        assignees: Sequence[str] = (),
        idempotency_key: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Open an issue. The same idempotency_key never opens two; dry_run shows what would be sent."""
        self._writer.admit()
        place = self._workspace.repository(repo)
        sent: dict[str, Any] = {"title": title, "body": body}
        sent |= {name: list(value) for name, value in (("labels", labels), ("assignees", assignees)) if value}

        async def find(since: float) -> dict[str, Any] | None:
            parameters = {"state": "all", "sort": "created", "direction": "desc", "per_page": 30}
            for one in await fresh(place, "/issues", parameters):
                if (
                    one["created_at"] >= instant(since)
                    and one["title"] == title
                    and same_text(one.get("body"), body)
                ):
                    return one
            return None

        write = Write("create_issue", place, "POST", "/issues", sent, f"an issue in {place.full_name}", find)
        return await self._writer.perform(write, idempotency_key, dry_run=dry_run)

    async def update_issue(
        self,
        issue: str,
        expected_updated_at: str,
        title: str | None = None,
        body: str | None = None,
        state: Literal["open", "closed"] | None = None,
        state_reason: Literal["completed", "not_planned", "reopened"] | None = None,
        labels: Sequence[str] | None = None,
        assignees: Sequence[str] | None = None,
        idempotency_key: str = "",
        dry_run: bool = False,
    ) -> Written:
        """Change an issue or pull request: only what is given changes; labels and assignees replace the old ones. It
        fails unless updated_at is still expected_updated_at. dry_run shows what would be sent."""
        self._writer.admit()
        place, reference = self._workspace.refer(issue, number=True)
        rest = f"/issues/{reference.number}"
        item = await fresh(place, rest)
        check_unchanged("expected_updated_at", expected_updated_at, item["updated_at"], item["html_url"])
        given = {
            "title": title,
            "body": body,
            "state": state,
            "state_reason": state_reason,
            "labels": labels,
            "assignees": assignees,
        }
        sent = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if value is not None
        }

        async def find(_since: float) -> dict[str, Any] | None:
            now = await fresh(place, rest)
            return now if now["updated_at"] != expected_updated_at and _holds(now, sent) else None

        write = Write(
            "update_issue",
            place,
            "PATCH",
            rest,
            sent,
            f"a change of {place.full_name}#{reference.number}",
            find,
        )
        return await self._writer.perform(write, idempotency_key, dry_run=dry_run)


async def fresh(place: Place, rest: str, parameters: dict[str, Any] | None = None) -> Any:
    """What GitHub says now, whatever is kept."""
    return (await place.get(rest, parameters, fresh=True)).json()


def _holds(item: dict[str, Any], change: dict[str, Any]) -> bool:
    names = {
        "labels": sorted(label["name"] for label in item["labels"]),
        "assignees": sorted(one["login"] for one in item["assignees"]),
    }
    for name, value in change.items():
        if name in names:
            if names[name] != sorted(value):
                return False
        elif name == "body":
            if not same_text(item["body"], value):
                return False
        elif item.get(name) != value:
            return False
    return True
