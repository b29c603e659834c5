"""Issues, their conversations and timelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from emulators.github.answers import Refused, listing, one_of, whole
from emulators.github.world import Json, Repository

if TYPE_CHECKING:
    from emulators.github.application import Asked


def find_issue(asked: Asked, owner: str, repo: str, number: int) -> tuple[Repository, Json]:
    """The issue or pull request of that number, else 404."""
    repository = asked.repository(owner, repo)
    if number not in repository.issues:
        raise Refused(404, "Not Found")
    return repository, repository.issues[number]


def issues(asked: Asked, owner: str, repo: str) -> Response:
    """Issues and pull requests of a repository."""
    repository = asked.repository(owner, repo)
    query = asked.request.query_params
    state, labels = query.get("state", "open"), [one for one in query.get("labels", "").split(",") if one]
    chosen = [
        issue
        for issue in repository.issues.values()
        if state in ("all", issue["state"])
        and all(label in [held["name"] for held in issue["labels"]] for label in labels)
        and issue["updated_at"] >= query.get("since", "")
    ]
    key = {"created": "created_at", "updated": "updated_at", "comments": "comments"}[
        query.get("sort", "created")
    ]
    chosen.sort(
        key=lambda issue: (issue[key], issue["number"]), reverse=query.get("direction", "desc") == "desc"
    )
    return listing(asked.request, chosen)


def issue(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """One issue."""
    return whole(asked.request, find_issue(asked, owner, repo, number)[1])


def comments(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """The conversation of one issue, oldest first."""
    repository, _issue = find_issue(asked, owner, repo, number)
    since = asked.request.query_params.get("since", "")
    return listing(
        asked.request, [one for one in repository.comments.get(number, []) if one["updated_at"] >= since]
    )


def comment(asked: Asked, owner: str, repo: str, ident: int) -> Response:
    """One comment of a conversation."""
    return one_of(asked.request, asked.repository(owner, repo).comments.values(), ident)


def timeline(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """All that happened to one issue."""
    repository, _issue = find_issue(asked, owner, repo, number)
    return listing(asked.request, repository.timelines.get(number, []))


ROUTES = [
    ("GET", "/repos/{owner}/{repo}/issues", issues),
    ("GET", "/repos/{owner}/{repo}/issues/{number:d}", issue),
    ("GET", "/repos/{owner}/{repo}/issues/{number:d}/comments", comments),
    ("GET", "/repos/{owner}/{repo}/issues/comments/{ident:d}", comment),
    ("GET", "/repos/{owner}/{repo}/issues/{number:d}/timeline", timeline),
]
