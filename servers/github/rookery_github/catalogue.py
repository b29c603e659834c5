"""Which tools a server offers, under which names: all that read, those that write when they are switched on."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from rookery_core.errors import ConfigurationError
from rookery_core.serving import ToolSpec, tool
from rookery_core.suggestions import suggest
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
    aliases = _aliases(settings.aliases, {*reading, *writing, *FAMILIAR})
    allowed = _switched_on(settings.write, writing)
    specs = [
        tool(answered(fn), name=shown, open_world=True, synonyms=_synonyms(name, aliases))
        for name, fn in reading.items()
        for shown in (name, *(alias for alias, target in aliases.items() if target == name))
    ]
    specs += [
        tool(
            fn,
            name=name,
            read_only=False,
            idempotent=True,
            destructive=name == "update_issue",
            open_world=True,
            enabled=name in allowed,
        )
        for name, fn in writing.items()
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


def _switched_on(value: str, writing: Iterable[str]) -> set[str]:
    """The writing tools that are offered."""
    known = set(writing)
    if value.strip() == "all":
        return known
    for name in words(value):
        if name not in known:
            raise ConfigurationError(
                f"ROOKERY_GITHUB_WRITE: no writing tool is called {name!r}.", candidates=suggest(name, known)
            )
    return set(words(value))


def _aliases(value: str, known: Iterable[str]) -> dict[str, str]:
    """Further names under which tools are offered, and the tools' own."""
    entries, taken = words(value), set(known)
    pairs = dict(FAMILIAR) if "familiar" in entries else {}
    for entry in entries:
        alias, equals, target = entry.partition("=")
        if not equals and entry != "familiar":
            raise ConfigurationError(
                f"ROOKERY_GITHUB_ALIASES: {entry!r} is not name=tool.", hint="Or write familiar."
            )
        if equals:
            if target not in taken or alias in taken:
                raise ConfigurationError(f"ROOKERY_GITHUB_ALIASES: {entry!r} does not rename a tool.")
            pairs[alias] = target
    return pairs


def _synonyms(name: str, aliases: dict[str, str]) -> list[str]:
    """All names by which a tool may be chosen, whether it is offered under them or not."""
    return [name, *(alias for alias, target in {**FAMILIAR, **aliases}.items() if target == name)]


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
