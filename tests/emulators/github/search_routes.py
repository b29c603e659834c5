"""The five searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from emulators.github import search, shapes
from emulators.github.answers import Refused, found
from emulators.github.code_routes import blob_sha
from emulators.github.search import Query
from emulators.github.world import Json, Repository

if TYPE_CHECKING:
    from emulators.github.application import Asked


def _query(asked: Asked) -> Query:
    text = asked.request.query_params.get("q", "").strip()
    if not text:
        raise Refused(422, "Validation Failed", [{"resource": "Search", "field": "q", "code": "missing"}])
    if len(text) > 4096:
        raise Refused(
            422,
            "Validation Failed",
            [
                {
                    "message": "The search is longer than 256 characters.",
                    "resource": "Search",
                    "field": "q",
                    "code": "invalid",
                }
            ],
        )
    query = search.parse(text)
    missing = [name for name in query.values("repo") if asked.world.find(name) is None]
    if missing and len(missing) == len(query.values("repo")):
        message = "The listed users and repositories cannot be searched either because the resources do not exist or you do not have permission to view them."
        raise Refused(
            422,
            "Validation Failed",
            [{"message": message, "resource": "Search", "field": "q", "code": "invalid"}],
        )
    return query


def _minimal(repository: Repository) -> Json:
    data = repository.data
    return shapes.minimal_repository(
        repository.full_name, data["owner"], private=data["private"], description=data["description"]
    )


def issues(asked: Asked) -> Response:
    """Issues and pull requests."""
    scored = search.issues(asked.world, _query(asked), asked.sees)
    sort = asked.request.query_params.get("sort", "")
    key = {"created": "created_at", "updated": "updated_at", "comments": "comments"}.get(sort)
    down = asked.request.query_params.get("order", "desc") == "desc"
    scored.sort(key=lambda one: (one[1][key] if key else one[0], one[1]["number"]), reverse=down)
    items = [
        {key: value for key, value in issue.items() if key != "body" or value is not None}
        for _score, issue in scored
    ]
    return found(asked.request, [{**item, "score": 1.0} for item in items], search_type="lexical")


def code(asked: Asked) -> Response:
    """Files of default branches; for those who are signed in."""
    if asked.viewer is None:
        raise Refused(401, "Requires authentication")
    items: list[Json] = []
    for repository, path, text, fragments in search.code(asked.world, _query(asked), asked.sees):
        head = repository.branches[repository.default_branch]
        api = f"{shapes.API}/repos/{repository.full_name}"
        sha = blob_sha(text.encode())
        item: Json = {
            "name": path.rpartition("/")[2], "path": path, "sha": sha, "url": f"{api}/contents/{path}?ref={head}",
            "git_url": f"{api}/git/blobs/{sha}", "html_url": f"{shapes.WEB}/{repository.full_name}/blob/{head}/{path}",
            "repository": _minimal(repository), "score": 1.0,
        }  # fmt: skip
        if "text-match" in asked.request.headers.get("accept", ""):
            item["text_matches"] = [{**one, "object_url": item["url"]} for one in fragments]
        items.append(item)
    return found(asked.request, items)


def commits(asked: Asked) -> Response:
    """Commits of default branches."""
    items: list[Json] = []
    for repository, commit in search.commits(asked.world, _query(asked), asked.sees):
        items.append({**shapes.listed_commit(commit), "repository": _minimal(repository), "score": 1.0})
    key = {"author-date": "author", "committer-date": "committer"}.get(
        asked.request.query_params.get("sort", "")
    )
    if key:
        items.sort(
            key=lambda item: item["commit"][key]["date"],
            reverse=asked.request.query_params.get("order", "desc") == "desc",
        )
    return found(asked.request, items)


def repositories(asked: Asked) -> Response:
    """Repositories."""
    query = _query(asked)
    items: list[Json] = []
    for repository in search.repositories_of(asked.world, query, asked.sees):
        data = repository.data
        topics = query.values("topic")
        languages = query.values("language")
        fits = search.matches_words(query.words, data["name"], data["description"], " ".join(data["topics"]))
        if (
            fits
            and all(one in data["topics"] for one in topics)
            and all((data["language"] or "").lower() == one for one in languages)
        ):
            items.append({**data, "score": 1.0})
    key = {"stars": "stargazers_count", "updated": "updated_at", "forks": "forks_count"}.get(
        asked.request.query_params.get("sort", "")
    )
    if key:
        items.sort(key=lambda item: item[key], reverse=True)
    return found(asked.request, items)


def users(asked: Asked) -> Response:
    """Accounts."""
    query = _query(asked)
    kinds = {"org": "Organization", "user": "User"}
    wanted = [kinds.get(value) for value in query.values("type")]
    items = [
        {**user, "score": 1.0}
        for user in asked.world.users.values()
        if search.matches_words(query.words, user["login"], user.get("name"))
        and (not wanted or user["type"] in wanted)
    ]
    return found(asked.request, items)


ROUTES = [
    ("GET", "/search/issues", issues),
    ("GET", "/search/code", code),
    ("GET", "/search/commits", commits),
    ("GET", "/search/repositories", repositories),
    ("GET", "/search/users", users),
]
