"""Which tools a server offers, under which names: all that read, those that write when they are switched on."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from rookery_core.serving import ToolSpec, tool

from rookery_github import usage
from rookery_github.tools.issues import IssueTools
from rookery_github.tools.search import SearchTools

if TYPE_CHECKING:
    from rookery_github.answers import Answer
    from rookery_github.settings import GitHubSettings
    from rookery_github.workspace import Workspace

Read = Callable[..., Awaitable["Answer"]]


def catalogue(settings: GitHubSettings, workspace: Workspace) -> list[ToolSpec]:
    """The tools by these settings."""
    issues, search = IssueTools(workspace), SearchTools(workspace)
    reading: list[Read] = [search.search_issues, issues.get_issue]
    return [tool(answered(fn), open_world=True) for fn in reading]


def answered(fn: Read) -> Callable[..., Awaitable[Any]]:
    """`fn`, its answer as a tool result: the text for the model, the object for programs, the cost in `_meta`."""

    @functools.wraps(fn)
    async def call(*args: Any, **kwargs: Any) -> Any:
        from fastmcp.tools import ToolResult

        with usage.counting() as counted:
            answer = await fn(*args, **kwargs)
        text = answer["text"]
        if counted.stale_since is not None:
            text += f"\n(GitHub cannot be asked just now; shown as of {_time(counted.stale_since)})"
        structured = {**answer, "text": text}
        shown = text + (f"\nnext_cursor: {answer['next_cursor']}" if answer["has_more"] else "")
        return ToolResult(
            content=shown, structured_content=structured, meta={"rookery/github": counted.as_meta()}
        )

    return call


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
