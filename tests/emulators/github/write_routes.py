"""What changes a repository: comments, issues, pull requests, reviews."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import Response

from emulators.github import shapes
from emulators.github.answers import Refused, whole
from emulators.github.issue_routes import find_issue
from emulators.github.pull_routes import find_pull
from emulators.github.world import Json, Repository

if TYPE_CHECKING:
    from emulators.github.application import Asked


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _author(asked: Asked, repository: Repository) -> tuple[Json, str]:
    login = asked.may_write()
    author = asked.world.users.setdefault(login.lower(), shapes.user(login))
    return author, "MEMBER" if login.lower() in repository.permissions else "NONE"


def _required(asked: Asked, field: str, resource: str) -> str:
    value = asked.fields.get(field)
    if not isinstance(value, str) or not value:
        raise Refused(
            422, "Validation Failed", [{"resource": resource, "field": field, "code": "missing_field"}]
        )
    return value


def names(asked: Asked, field: str) -> list[str]:
    """A field that is a list of names, or nothing."""
    found: list[str] | None = asked.fields.get(field)
    return found or []


def add_comment(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """A comment on an issue or pull request."""
    repository, issue = find_issue(asked, owner, repo, number)
    author, association = _author(asked, repository)
    if issue["locked"] and association == "NONE":
        raise Refused(403, "Unable to create comment because issue is locked.")
    body = _required(asked, "body", "IssueComment")
    pull = number in repository.pulls
    made = shapes.comment(
        repository.full_name, number, asked.world.new_id(), author, body, _now(), association, pull=pull
    )
    repository.add_comment(number, made)
    return whole(asked.request, made, 201)


def create_issue(asked: Asked, owner: str, repo: str) -> Response:
    """An issue."""
    repository = asked.repository(owner, repo)
    author, association = _author(asked, repository)
    title = _required(asked, "title", "Issue")
    number = _next_number(repository)
    labels = [shapes.label(repository.full_name, name) for name in names(asked, "labels")]
    people = [asked.world.users[name.lower()] for name in names(asked, "assignees")]
    made = shapes.issue(
        repository.full_name, number, author, title, asked.fields.get("body"), _now(),
        author_association=association, labels=labels, assignees=people, assignee=people[0] if people else None,
    )  # fmt: skip
    repository.issues[number] = made
    return whole(asked.request, made, 201)


def _next_number(repository: Repository) -> int:
    return next(number for number in itertools.count(max(repository.issues, default=0) + 1))


def update_issue(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """Title, body, state, labels and assignees."""
    repository, issue = find_issue(asked, owner, repo, number)
    author, _association = _author(asked, repository)
    change = asked.fields
    for key in ("title", "body", "state", "state_reason"):
        if key in change:
            issue[key] = change[key]
    if "labels" in change:
        issue["labels"] = [shapes.label(repository.full_name, name) for name in change["labels"]]
    if "assignees" in change:
        issue["assignees"] = [asked.world.users[name.lower()] for name in change["assignees"]]
        issue["assignee"] = issue["assignees"][0] if issue["assignees"] else None
    if change.get("state") == "closed":
        issue.update(closed_at=_now(), closed_by=author)
    issue["updated_at"] = _now()
    if pull := repository.pulls.get(number):
        pull.update({key: issue[key] for key in ("title", "body", "state", "labels", "updated_at")})
    return whole(asked.request, issue)


def create_pull(asked: Asked, owner: str, repo: str) -> Response:
    """A pull request from a branch of this repository."""
    repository = asked.repository(owner, repo)
    author, association = _author(asked, repository)
    title, head, base = (_required(asked, field, "PullRequest") for field in ("title", "head", "base"))
    branch = head.partition(":")[2] or head
    for name in (branch, base):
        if name not in repository.branches:
            raise Refused(
                422,
                "Validation Failed",
                [
                    {
                        "resource": "PullRequest",
                        "field": "head" if name == branch else "base",
                        "code": "invalid",
                    }
                ],
            )
    label = f"{repository.full_name.partition('/')[0]}:{branch}"
    if any(
        one["state"] == "open" and one["head"]["label"] == label and one["base"]["ref"] == base
        for one in repository.pulls.values()
    ):
        raise Refused(
            422,
            "Validation Failed",
            [
                {
                    "resource": "PullRequest",
                    "code": "custom",
                    "message": f"A pull request already exists for {label}.",
                }
            ],
        )
    number = _next_number(repository)
    sides = {
        name: {
            "label": f"{owner}:{name}",
            "ref": name,
            "sha": repository.branches[name],
            "user": repository.data["owner"],
            "repo": repository.data,
        }
        for name in (branch, base)
    }
    made = shapes.pull(
        repository.full_name, number, author, title, asked.fields.get("body"), _now(), head=sides[branch], base=sides[base],
        author_association=association, draft=bool(asked.fields.get("draft")),
    )  # fmt: skip
    repository.pulls[number] = made
    links = shapes.pull_links(repository.full_name, number)
    issue = shapes.issue(
        repository.full_name, number, author, title, asked.fields.get("body"), made["created_at"]
    )
    repository.issues[number] = {
        **issue,
        "html_url": links["html_url"],
        "pull_request": {**links, "merged_at": None},
    }
    return whole(asked.request, made, 201)


def submit_review(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """A review with its verdict."""
    repository, pull = find_pull(asked, owner, repo, number)
    author, association = _author(asked, repository)
    event = asked.fields.get("event", "")
    states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
    if event not in states:
        raise Refused(
            422, "Validation Failed", [{"resource": "PullRequestReview", "field": "event", "code": "invalid"}]
        )
    if event == "APPROVE" and author["login"] == pull["user"]["login"]:
        raise Refused(422, "Unprocessable Entity", ["Can not approve your own pull request"])
    ident = asked.world.new_id()
    page = pull["html_url"]
    made: Json = {
        "id": ident, "node_id": f"PRR_{ident}", "user": author, "body": asked.fields.get("body") or "", "state": states[event],
        "html_url": f"{page}#pullrequestreview-{ident}", "pull_request_url": pull["url"], "submitted_at": _now(),
        "_links": {"html": {"href": page}, "pull_request": {"href": pull["url"]}},
        "commit_id": asked.fields.get("commit_id") or pull["head"]["sha"], "author_association": association,
    }  # fmt: skip
    repository.reviews.setdefault(number, []).append(made)
    return whole(asked.request, made)


def reply(asked: Asked, owner: str, repo: str, number: int, ident: int) -> Response:
    """An answer to a review comment."""
    repository, _pull = find_pull(asked, owner, repo, number)
    author, association = _author(asked, repository)
    body = _required(asked, "body", "PullRequestReviewComment")
    held = repository.review_comments.get(number, [])
    above = next((one for one in held if one["id"] == ident), None)
    if above is None:
        raise Refused(404, "Not Found")
    new = asked.world.new_id()
    url = f"{shapes.API}/repos/{repository.full_name}/pulls/comments/{new}"
    html = f"{shapes.WEB}/{repository.full_name}/pull/{number}#discussion_r{new}"
    made = {
        **above, "id": new, "node_id": f"PRRC_{new}", "url": url, "html_url": html, "user": author, "body": body, "in_reply_to_id": ident,
        "created_at": _now(), "updated_at": _now(), "author_association": association,
        "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": above["pull_request_url"]}},
    }  # fmt: skip
    held.append(made)
    return whole(asked.request, made, 201)


ROUTES = [
    ("POST", "/repos/{owner}/{repo}/issues/{number:d}/comments", add_comment),
    ("POST", "/repos/{owner}/{repo}/issues", create_issue),
    ("PATCH", "/repos/{owner}/{repo}/issues/{number:d}", update_issue),
    ("POST", "/repos/{owner}/{repo}/pulls", create_pull),
    ("POST", "/repos/{owner}/{repo}/pulls/{number:d}/reviews", submit_review),
    ("POST", "/repos/{owner}/{repo}/pulls/{number:d}/comments/{ident:d}/replies", reply),
]
