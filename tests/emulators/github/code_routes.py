"""Commits, files, trees, comparisons and releases."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from starlette.responses import Response

from emulators.github import shapes
from emulators.github.answers import Refused, content, listing, whole
from emulators.github.pull_routes import diff_of
from emulators.github.world import Json, Repository

if TYPE_CHECKING:
    from emulators.github.application import Asked


def _commit(repository: Repository, ref: str) -> Json:
    sha = repository.commit_of(ref)
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {ref}")
    return repository.commits[sha]


def commits(asked: Asked, owner: str, repo: str) -> Response:
    """The history of a ref, newest first."""
    repository = asked.repository(owner, repo)
    query = asked.request.query_params
    sha = repository.commit_of(query.get("sha") or repository.default_branch)
    if sha is None:
        raise Refused(404, "Not Found") if query.get("sha") else Refused(409, "Git Repository is empty.")
    chosen = [repository.commits[one] for one in repository.history(sha)]
    if author := query.get("author"):
        chosen = [one for one in chosen if author.lower() in _names(one)]
    if path := query.get("path"):
        chosen = [
            one for one in chosen if any(file["filename"].startswith(path) for file in one.get("files", []))
        ]
    since, until = query.get("since", ""), query.get("until", "9999")
    chosen = [one for one in chosen if since <= one["commit"]["committer"]["date"] <= until]
    return listing(asked.request, [shapes.listed_commit(one) for one in chosen])


def _names(commit: Json) -> list[str]:
    author = commit.get("author")
    return [commit["commit"]["author"]["email"].lower(), author["login"].lower() if author else ""]


def commit(asked: Asked, owner: str, repo: str, ref: str) -> Response:
    """One commit with its files, or its diff."""
    repository = asked.repository(owner, repo)
    found = _commit(repository, ref)
    if asked.request.headers.get("accept", "").endswith(".sha"):
        return content(asked.request, found["sha"].encode(), "application/vnd.github.sha; charset=utf-8")
    if "diff" in asked.request.headers.get("accept", ""):
        return content(
            asked.request,
            diff_of(found.get("files", [])).encode(),
            "application/vnd.github.diff; charset=utf-8",
        )
    files = found.get("files", [])
    totals = {name: sum(file[name] for file in files) for name in ("additions", "deletions")}
    return whole(asked.request, {"stats": {**totals, "total": sum(totals.values())}, **found, "files": files})


def contents(asked: Asked, owner: str, repo: str, path: str = "") -> Response:
    """A file or the entries of a folder."""
    repository = asked.repository(owner, repo)
    ref = asked.request.query_params.get("ref") or repository.default_branch
    sha = repository.commit_of(ref)
    if sha is None:
        raise Refused(404, f"No commit found for the ref {ref}")
    path = path.strip("/")
    tree = repository.trees[sha]
    if path in tree:
        if "raw" in asked.request.headers.get("accept", ""):
            return content(asked.request, tree[path], "application/vnd.github.raw; charset=utf-8")
        return whole(asked.request, _entry(repository, path, ref, tree[path], inline=True))
    inside = _children(tree, path)
    if not inside:
        raise Refused(404, "Not Found")
    return whole(
        asked.request, [_entry(repository, name, ref, tree.get(name), inline=False) for name in inside]
    )


def _children(tree: dict[str, bytes], folder: str) -> list[str]:
    start = f"{folder}/" if folder else ""
    found = {start + name.removeprefix(start).partition("/")[0] for name in tree if name.startswith(start)}
    return sorted(found)


def blob_sha(data: bytes) -> str:
    """The SHA that git gives a file."""
    return hashlib.sha1(b"blob %d\x00" % len(data) + data).hexdigest()


def _entry(repository: Repository, path: str, ref: str, data: bytes | None, *, inline: bool) -> Json:
    api = f"{shapes.API}/repos/{repository.full_name}"
    kind, word = ("file", "blob") if data is not None else ("dir", "tree")
    sha = blob_sha(data if data is not None else path.encode())
    url, git = f"{api}/contents/{path}?ref={ref}", f"{api}/git/{word}s/{sha}"
    html = f"{shapes.WEB}/{repository.full_name}/{word}/{ref}/{path}"
    entry: Json = {
        "type": kind, "name": path.rpartition("/")[2], "path": path, "sha": sha, "size": len(data or b""), "url": url,
        "git_url": git, "html_url": html, "_links": {"self": url, "git": git, "html": html},
        "download_url": f"https://raw.githubusercontent.com/{repository.full_name}/{ref}/{path}" if data is not None else None,
    }  # fmt: skip
    if inline:
        entry |= {"encoding": "base64", "content": base64.encodebytes(data or b"").decode()}
    return entry


def tree(asked: Asked, owner: str, repo: str, ref: str) -> Response:
    """A whole tree."""
    repository = asked.repository(owner, repo)
    sha = repository.commit_of(ref)
    if sha is None:
        raise Refused(404, "Not Found")
    api = f"{shapes.API}/repos/{repository.full_name}/git"
    files = repository.trees[sha]
    folders = sorted({path[:at] for path in files for at, letter in enumerate(path) if letter == "/"})
    entries: list[Json] = [
        {
            "path": one,
            "mode": "040000",
            "type": "tree",
            "sha": blob_sha(one.encode()),
            "url": f"{api}/trees/{blob_sha(one.encode())}",
        }
        for one in folders
    ]
    entries += [
        {
            "path": path,
            "mode": "100644",
            "type": "blob",
            "sha": blob_sha(data),
            "size": len(data),
            "url": f"{api}/blobs/{blob_sha(data)}",
        }
        for path, data in files.items()
    ]
    if not asked.request.query_params.get("recursive"):
        entries = [entry for entry in entries if "/" not in entry["path"]]
    entries.sort(key=lambda entry: entry["path"])
    return whole(
        asked.request, {"sha": sha, "url": f"{api}/trees/{sha}", "tree": entries, "truncated": False}
    )


def compare(asked: Asked, owner: str, repo: str, span: str) -> Response:
    """How two commits stand to each other."""
    repository = asked.repository(owner, repo)
    low, _, high = span.partition("...")
    base, head = _commit(repository, low), _commit(repository, high)
    before, after = repository.history(base["sha"]), repository.history(head["sha"])
    ahead = [one for one in after if one not in before]
    behind = [one for one in before if one not in after]
    status = {
        (True, True): "diverged",
        (True, False): "ahead",
        (False, True): "behind",
        (False, False): "identical",
    }[bool(ahead), bool(behind)]
    url = f"{shapes.API}/repos/{repository.full_name}/compare/{span}"
    shared = next((one for one in after if one in before), base["sha"])
    web = f"{shapes.WEB}/{repository.full_name}/compare/{span}"
    body: Json = {
        "url": url, "html_url": web, "permalink_url": web, "diff_url": f"{web}.diff", "patch_url": f"{web}.patch",
        "base_commit": shapes.listed_commit(base), "merge_base_commit": shapes.listed_commit(repository.commits[shared]), "status": status,
        "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
        "commits": [shapes.listed_commit(repository.commits[one]) for one in reversed(ahead)],
        "files": [file for one in ahead for file in repository.commits[one].get("files", [])],
    }  # fmt: skip
    return whole(asked.request, body)


def releases(asked: Asked, owner: str, repo: str) -> Response:
    """Releases, newest first; drafts only for those who may write."""
    repository = asked.repository(owner, repo)
    writes = (asked.viewer or "").lower() in repository.permissions
    return listing(asked.request, [one for one in repository.releases if writes or not one["draft"]])


def release(asked: Asked, owner: str, repo: str, tag: str) -> Response:
    """One release by its tag."""
    for one in asked.repository(owner, repo).releases:
        if one["tag_name"] == tag and not one["draft"]:
            return whole(asked.request, one)
    raise Refused(404, "Not Found")


def check_runs(asked: Asked, owner: str, repo: str, ref: str) -> Response:
    """The checks of a commit."""
    repository = asked.repository(owner, repo)
    runs = repository.checks.get(_commit(repository, ref)["sha"], [])
    return whole(asked.request, {"total_count": len(runs), "check_runs": runs})


def status(asked: Asked, owner: str, repo: str, ref: str) -> Response:
    """The combined status of a commit."""
    repository = asked.repository(owner, repo)
    sha = _commit(repository, ref)["sha"]
    held = repository.statuses.get(sha, [])
    states = {one["state"] for one in held}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    api = f"{shapes.API}/repos/{repository.full_name}"
    minimal = dict(repository.data.items())
    body = {
        "state": state,
        "statuses": held,
        "sha": sha,
        "total_count": len(held),
        "repository": minimal,
        "commit_url": f"{api}/commits/{sha}",
        "url": f"{api}/commits/{sha}/status",
    }
    return whole(asked.request, body)


ROUTES = [
    ("GET", "/repos/{owner}/{repo}/commits", commits),
    ("GET", "/repos/{owner}/{repo}/commits/{ref:path}/check-runs", check_runs),
    ("GET", "/repos/{owner}/{repo}/commits/{ref:path}/status", status),
    ("GET", "/repos/{owner}/{repo}/commits/{ref:path}", commit),
    ("GET", "/repos/{owner}/{repo}/contents", contents),
    ("GET", "/repos/{owner}/{repo}/contents/{path:path}", contents),
    ("GET", "/repos/{owner}/{repo}/git/trees/{ref:path}", tree),
    ("GET", "/repos/{owner}/{repo}/compare/{span:path}", compare),
    ("GET", "/repos/{owner}/{repo}/releases", releases),
    ("GET", "/repos/{owner}/{repo}/releases/tags/{tag:path}", release),
]
