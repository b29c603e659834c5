"""Which tools a server offers, under which names: all that read, those that write when they are switched on."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from rookery_core.errors import ConfigurationError
from rookery_core.serving import ToolSpec, tool
from rookery_github import usage
from rookery_github.settings import words
from rookery_github.tools.code import CodeTools
from rookery_github.tools.commits import CommitTools
from rookery_github.tools.files import FileTools
from rookery_github.tools.issue_writing import IssueWriting
from rookery_github.tools.issues import IssueTools
from rookery_github.tools.people import PeopleTools
from rookery_github.tools.pull_writing import PullWriting
from rookery_github.tools.pulls import PullTools
from rookery_github.tools.releases import ReleaseTools
from rookery_github.tools.runs import RunTools
from rookery_github.tools.search import SearchTools
from rookery_github.writer import Writer

if TYPE_CHECKING:
    from rookery_github.answers import Answer
    from rookery_github.settings import GitHubSettings
    from rookery_github.workspace import Workspace

Read = Callable[..., Awaitable["Answer"]]
FAMILIAR = {
    "search_issues_and_prs": "search_issues",
    "get_recent_commits": "list_commits",
    "get_users": "search_users",
    "search_repo_code": "search_code",
    "get_releases": "list_releases",
    "find_repos": "search_repositories",
}
"""Names under which users of another server look for the same tools; ROOKERY_GITHUB_ALIASES=familiar offers them."""


def catalogue(settings: GitHubSettings, workspace: Workspace) -> list[ToolSpec]:
    """The tools by these settings. Raises ConfigurationError that suggests names for one that is unknown."""
    reading, writing = _reading(workspace), _writing(workspace)
    known = {*reading, *writing, *FAMILIAR}
    chosen = _names(settings.tools, known, "ROOKERY_GITHUB_TOOLS") or set(reading)
    excluded = _names(settings.exclude_tools, known, "ROOKERY_GITHUB_EXCLUDE_TOOLS")
    allowed = (
        set(writing)
        if settings.write.strip() == "all"
        else _names(settings.write, set(writing), "ROOKERY_GITHUB_WRITE")
    )
    specs = [
        tool(answered(fn), name=shown, open_world=True)
        for name, fn in reading.items()
        if name in chosen and name not in excluded
        for shown in _shown(name, settings.aliases, known)
    ]
    specs += [
        tool(
            fn,
            name=name,
            read_only=False,
            idempotent=True,
            destructive=name == "update_issue",
            open_world=True,
        )
        for name, fn in writing.items()
        if name in allowed and name not in excluded
    ]
    return specs


def _reading(workspace: Workspace) -> dict[str, Read]:
    code, commits, people = CodeTools(workspace), CommitTools(workspace), PeopleTools(workspace)
    tools: list[Read] = [
        SearchTools(workspace).search_issues,
        IssueTools(workspace).get_issue,
        PullTools(workspace).get_pull_request,
        code.search_code,
        FileTools(workspace).get_file,
        commits.list_commits,
        commits.get_commit,
        ReleaseTools(workspace).list_releases,
        code.search_repositories,
        RunTools(workspace).get_workflow_run,
        people.get_user_activity,
        people.search_users,
    ]
    return {fn.__name__: fn for fn in tools}


def _writing(workspace: Workspace) -> dict[str, Callable[..., Awaitable[Any]]]:
    writer = Writer(workspace, workspace.find_ledger)
    issues, pulls = IssueWriting(workspace, writer), PullWriting(workspace, writer)
    tools = [
        issues.add_comment,
        issues.create_issue,
        issues.update_issue,
        pulls.reply_to_review,
        pulls.create_pull_request,
        pulls.submit_review,
    ]
    return {fn.__name__: fn for fn in tools}


def _names(value: str, known: Iterable[str], variable: str) -> set[str]:
    found = {FAMILIAR.get(name, name) for name in words(value)}
    for name in found:
        if name not in known:
            near = get_close_matches(name, list(known), 3)
            raise ConfigurationError(f"{variable}: no tool is called {name!r}.", candidates=near)
    return found


def _shown(name: str, aliases: str, known: Iterable[str]) -> list[str]:
    """The names under which a tool is offered: its own, and its aliases."""
    pairs = dict(FAMILIAR) if "familiar" in words(aliases) else {}
    for entry in words(aliases):
        alias, equals, target = entry.partition("=")
        if not equals and entry != "familiar":
            raise ConfigurationError(
                f"ROOKERY_GITHUB_ALIASES: {entry!r} is not name=tool.", hint="Or write familiar."
            )
        if equals:
            if target not in known or alias in known:
                raise ConfigurationError(f"ROOKERY_GITHUB_ALIASES: {entry!r} does not rename a tool.")
            pairs[alias] = target
    return [name, *(alias for alias, target in pairs.items() if target == name)]


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
