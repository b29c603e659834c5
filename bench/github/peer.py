"""What the official server answers, field by field, from the same REST objects.

Source: github/github-mcp-server, pkg/github/minimal_types.go at commit 021e60e87df33e20703823ec1d5e8cb59948f3e8 (the
structs Minimal… and the functions convertTo…); empty values are dropped where the struct says omitempty. Where that
server answers with whole REST objects (both searches), the smaller MinimalIssue is counted in its favour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = dict[str, Any]
_REACTIONS = ("total_count", "+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def _without_empty(fields: Mapping[str, Any], always: Iterable[str] = ()) -> Json:
    kept = set(always)
    return {
        name: value
        for name, value in fields.items()
        if name in kept or value not in (None, "", 0, False, [], {})
    }


def user(account: Mapping[str, Any] | None) -> Json | None:
    """MinimalUser: login, id, profile_url, avatar_url."""
    if not account:
        return None
    return {
        "login": account["login"],
        "id": account["id"],
        "profile_url": account["html_url"],
        "avatar_url": account["avatar_url"],
    }


def _reactions(item: Mapping[str, Any]) -> Json | None:
    held = item.get("reactions")
    return {name: held[name] for name in _REACTIONS} if held else None


def _names(values: Iterable[Mapping[str, Any]] | None, key: str) -> list[Any]:
    return [value[key] for value in values or ()]


def _inside(item: Mapping[str, Any], key: str, name: str) -> Any:
    held: Mapping[str, Any] | None = item.get(key)
    return held[name] if held else None


def issue(item: Mapping[str, Any]) -> Json:
    """MinimalIssue."""
    fields: Json = {
        "number": item["number"],
        "title": item["title"],
        "body": item.get("body"),
        "state": item["state"],
        "state_reason": item.get("state_reason"),
        "draft": item.get("draft"),
        "locked": item.get("locked"),
        "html_url": item["html_url"],
        "user": user(item.get("user")),
        "author_association": item.get("author_association"),
        "labels": _names(item.get("labels"), "name"),
        "assignees": _names(item.get("assignees"), "login"),
        "milestone": _inside(item, "milestone", "title"),
        "comments": item.get("comments"),
        "reactions": _reactions(item),
        "created_at": item.get("created_at"),
        "updated_at": item.get("updated_at"),
        "closed_at": item.get("closed_at"),
        "closed_by": _inside(item, "closed_by", "login"),
    }
    return _without_empty(fields, ("number", "title", "state"))


def comment(item: Mapping[str, Any]) -> Json:
    """MinimalIssueComment."""
    fields = {
        name: item.get(name)
        for name in ("id", "body", "html_url", "author_association", "created_at", "updated_at")
    }
    return _without_empty({**fields, "user": user(item.get("user")), "reactions": _reactions(item)})


def _side(side: Mapping[str, Any]) -> Json:
    repo = side.get("repo")
    held = (
        {"repo": _without_empty({"full_name": repo["full_name"], "description": repo.get("description")})}
        if repo
        else {}
    )
    return {"ref": side["ref"], "sha": side["sha"], **held}


def pull(item: Mapping[str, Any]) -> Json:
    """MinimalPullRequest."""
    same = ("number", "title", "body", "state", "draft", "merged", "mergeable_state", "html_url", "additions", "deletions",
            "changed_files", "commits", "comments", "created_at", "updated_at", "closed_at", "merged_at")  # fmt: skip
    fields: Json = {name: item.get(name) for name in same}
    fields |= {
        "draft": bool(item.get("draft")),
        "merged": bool(item.get("merged")),
        "user": user(item.get("user")),
        "labels": _names(item.get("labels"), "name"),
        "assignees": _names(item.get("assignees"), "login"),
        "requested_reviewers": _names(item.get("requested_reviewers"), "login"),
        "merged_by": _inside(item, "merged_by", "login"),
        "head": _side(item["head"]),
        "base": _side(item["base"]),
        "milestone": _inside(item, "milestone", "title"),
    }
    return _without_empty(fields, ("number", "title", "state", "draft", "merged", "html_url"))


def review(item: Mapping[str, Any]) -> Json:
    """MinimalPullRequestReview."""
    names = ("id", "state", "body", "html_url", "commit_id", "submitted_at", "author_association")
    return _without_empty({**{name: item.get(name) for name in names}, "user": user(item.get("user"))})


def threads(comments: list[Json]) -> Json:
    """MinimalReviewThreadsResponse, with MinimalReviewThread and MinimalReviewComment."""
    grouped: dict[int, list[Json]] = {}
    for one in comments:
        grouped.setdefault(one.get("in_reply_to_id") or one["id"], []).append(one)
    shaped: list[Json] = [
        {
            "id": f"PRRT_{root}",
            "is_resolved": False,
            "is_outdated": held[0].get("line") is None,
            "is_collapsed": False,
            "comments": [_review_comment(one) for one in held],
            "total_count": len(held),
        }
        for root, held in grouped.items()
    ]
    page = {"hasNextPage": False, "hasPreviousPage": False}
    return {"review_threads": shaped, "totalCount": len(shaped), "pageInfo": page}


def _review_comment(item: Mapping[str, Any]) -> Json:
    names = ("body", "path", "line", "created_at", "updated_at", "html_url")
    return _without_empty({**{name: item.get(name) for name in names}, "author": item["user"]["login"]})


def file(item: Mapping[str, Any]) -> Json:
    """MinimalPRFile and MinimalCommitFile."""
    names = ("filename", "status", "additions", "deletions", "changes", "patch", "previous_filename")
    return _without_empty({name: item.get(name) for name in names})


def _person(person: Mapping[str, Any] | None) -> Json | None:
    return _without_empty({name: person.get(name) for name in ("name", "email", "date")}) if person else None


def pull_commit(item: Mapping[str, Any]) -> Json:
    """MinimalPullRequestCommit."""
    inner = item["commit"]
    return _without_empty(
        {
            "sha": item["sha"],
            "html_url": item["html_url"],
            "message": inner["message"],
            "author": _person(inner.get("author")),
        }
    )


def commit(item: Mapping[str, Any]) -> Json:
    """MinimalCommit without patches."""
    inner = item["commit"]
    info = {
        "message": inner["message"],
        "author": _person(inner.get("author")),
        "committer": _person(inner.get("committer")),
    }
    fields: Json = {
        "sha": item["sha"],
        "html_url": item["html_url"],
        "commit": _without_empty(info),
        "author": user(item.get("author")),
        "committer": user(item.get("committer")),
        "stats": _without_empty(item.get("stats") or {}),
        "files": [
            {name: value for name, value in file(one).items() if name != "patch"}
            for one in item.get("files") or ()
        ],
    }
    return _without_empty(fields)


def listed(shape: Callable[[Mapping[str, Any]], Json]) -> Callable[[Any], Any]:
    """A plain list of that shape."""
    return lambda answer: [shape(item) for item in answer]


def found(shape: Callable[[Mapping[str, Any]], Json]) -> Callable[[Any], Any]:
    """The result of a search in that shape."""
    return lambda answer: {
        "total_count": answer["total_count"],
        "incomplete_results": answer["incomplete_results"],
        "items": [shape(item) for item in answer["items"]],
    }


def issue_list(answer: list[Json]) -> Json:
    """MinimalIssuesResponse: what list_issues gives for issues that are no pull requests."""
    names = ("number", "title", "body", "state", "labels", "comments", "created_at", "updated_at")
    items = [
        {**{name: issue(one).get(name) for name in names}, "user": {"login": one["user"]["login"]}}
        for one in answer
    ]
    return {
        "issues": items,
        "totalCount": len(items),
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False},
    }
