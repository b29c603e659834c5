"""Pull requests: their reviews, review comments, commits, files and diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from emulators.github import shapes
from emulators.github.answers import Refused, content, listing, one_of, whole
from emulators.github.world import Json, Repository

if TYPE_CHECKING:
    from emulators.github.application import Asked

_ONLY_ALONE = [
    "merged",
    "merged_by",
    "mergeable",
    "rebaseable",
    "mergeable_state",
    "comments",
    "review_comments",
    "maintainer_can_modify",
    "commits",
    "additions",
    "deletions",
    "changed_files",
]


def find_pull(asked: Asked, owner: str, repo: str, number: int) -> tuple[Repository, Json]:
    """The pull request of that number, else 404."""
    repository = asked.repository(owner, repo)
    if number not in repository.pulls:
        raise Refused(404, "Not Found")
    return repository, repository.pulls[number]


def pulls(asked: Asked, owner: str, repo: str) -> Response:
    """Pull requests of a repository, without what GitHub computes for one alone."""
    query = asked.request.query_params
    state = query.get("state", "open")
    chosen = [one for one in asked.repository(owner, repo).pulls.values() if state in ("all", one["state"])]
    if head := query.get("head"):
        chosen = [one for one in chosen if one["head"]["label"] == head]
    key = {"created": "created_at", "updated": "updated_at"}.get(query.get("sort", "created"), "created_at")
    chosen.sort(key=lambda one: (one[key], one["number"]), reverse=query.get("direction", "desc") == "desc")
    return listing(
        asked.request,
        [{key: value for key, value in one.items() if key not in _ONLY_ALONE} for one in chosen],
    )


def pull(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """One pull request, or its diff."""
    repository, found = find_pull(asked, owner, repo, number)
    if "diff" in asked.request.headers.get("accept", ""):
        return content(
            asked.request,
            diff_of(repository.pull_files.get(number, [])).encode(),
            "application/vnd.github.diff; charset=utf-8",
        )
    return whole(asked.request, found)


def diff_of(files: list[Json]) -> str:
    """The patches of files as one diff."""
    parts: list[str] = []
    for file in files:
        old = file.get("previous_filename", file["filename"])
        parts.append(
            f"diff --git a/{old} b/{file['filename']}\n--- a/{old}\n+++ b/{file['filename']}\n{file.get('patch', '')}\n"
        )
    return "".join(parts)


def reviews(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """Reviews in order."""
    repository, _pull = find_pull(asked, owner, repo, number)
    return listing(asked.request, repository.reviews.get(number, []))


def review(asked: Asked, owner: str, repo: str, number: int, ident: int) -> Response:
    """One review."""
    repository, _pull = find_pull(asked, owner, repo, number)
    for one in repository.reviews.get(number, []):
        if one["id"] == ident:
            return whole(asked.request, one)
    raise Refused(404, "Not Found")


def review_comments(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """Review comments in order."""
    repository, _pull = find_pull(asked, owner, repo, number)
    return listing(asked.request, repository.review_comments.get(number, []))


def review_comment(asked: Asked, owner: str, repo: str, ident: int) -> Response:
    """One review comment."""
    return one_of(asked.request, asked.repository(owner, repo).review_comments.values(), ident)


def graphql(asked: Asked) -> Response:
    """The one query that is understood: the threads of a pull request, and whether they are resolved."""
    if asked.viewer is None:
        raise Refused(401, "This endpoint requires you to be authenticated.")
    wanted: Json = asked.fields.get("variables") or {}
    if "reviewThreads" not in asked.fields.get("query", ""):
        return whole(asked.request, {"errors": [{"message": "the emulator knows reviewThreads only"}]})
    repository, _pull = find_pull(asked, wanted["owner"], wanted["name"], wanted["number"])
    roots = [
        one["id"]
        for one in repository.review_comments.get(wanted["number"], [])
        if not one.get("in_reply_to_id")
    ]
    start = int(wanted.get("after") or 0)
    nodes = [
        {"isResolved": ident in repository.resolved, "comments": {"nodes": [{"databaseId": ident}]}}
        for ident in roots[start : start + 100]
    ]
    page = {"hasNextPage": start + 100 < len(roots), "endCursor": str(start + 100)}
    threads = {"pageInfo": page, "nodes": nodes}
    return whole(asked.request, {"data": {"repository": {"pullRequest": {"reviewThreads": threads}}}})


def commits(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """The commits of a pull request, oldest first."""
    repository, _pull = find_pull(asked, owner, repo, number)
    shas = repository.pull_commits.get(number, [])
    return listing(asked.request, [shapes.listed_commit(repository.commits[sha]) for sha in shas])


def files(asked: Asked, owner: str, repo: str, number: int) -> Response:
    """The changed files with their patches."""
    repository, _pull = find_pull(asked, owner, repo, number)
    return listing(asked.request, repository.pull_files.get(number, []))


ROUTES = [
    ("POST", "/graphql", graphql),
    ("POST", "/api/graphql", graphql),
    ("GET", "/repos/{owner}/{repo}/pulls", pulls),
    ("GET", "/repos/{owner}/{repo}/pulls/{number:d}", pull),
    ("GET", "/repos/{owner}/{repo}/pulls/{number:d}/reviews", reviews),
    ("GET", "/repos/{owner}/{repo}/pulls/{number:d}/reviews/{ident:d}", review),
    ("GET", "/repos/{owner}/{repo}/pulls/{number:d}/comments", review_comments),
    ("GET", "/repos/{owner}/{repo}/pulls/comments/{ident:d}", review_comment),
    ("GET", "/repos/{owner}/{repo}/pulls/{number:d}/commits", commits),
    ("GET", "/repos/{owner}/{repo}/pulls/{number:d}/files", files),
]
