"""Reads a repository from files of issues and pull requests, one JSON object a line, gzipped or not.

A line is {"type": "issue"|"pull", "issue"|"pull": the REST object, "events": its timeline, "comments": the review
comments of a pull request}; a file of commits has REST commits, alone or under "commit". As backups of public
repositories are written.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from emulators.github import shapes
from emulators.github.world import Json, Repository, World

GHOST = "ghost"


def load_folder(world: World, folder: Path) -> list[Repository]:
    """Read every .jsonl and .jsonl.gz of issues, pulls and commits below `folder`. Returns the repositories."""
    found: dict[str, Repository] = {}
    commits: list[Json] = []
    for path in sorted(folder.rglob("*.jsonl*")):
        for line in _lines(path):
            if line.get("type") in ("issue", "pull"):
                repository = _repository_of(world, line)
                found[repository.full_name] = repository
                _take(world, repository, line)
            elif commit := _commit_in(line):
                commits.append(commit)
    for commit in commits:
        _take_commit(world, list(found.values()), commit)
    for repository in found.values():
        _finish(repository)
    return list(found.values())


def _lines(path: Path) -> Iterator[Json]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for line in text.decode("utf-8").split("\n"):
        if line.strip():
            read = json.loads(line)
            if isinstance(read, dict):
                yield cast(Json, read)


def _commit_in(line: Json) -> Json | None:
    commit: Any = line.get("commit") if line.get("type") == "commit" else line
    if not isinstance(commit, dict) or "sha" not in commit or "commit" not in commit:
        return None
    return cast(Json, commit)


def _repository_of(world: World, line: Json) -> Repository:
    item = line[line["type"]]
    owner, name = item["url"].partition("/repos/")[2].split("/")[:2]
    repository = world.find(f"{owner}/{name}")
    if repository is None:
        account = world.users.setdefault(owner.lower(), shapes.user(owner, kind="Organization"))
        minimal = shapes.minimal_repository(f"{owner}/{name}", account, private=False, description=None)
        began = "2020-01-01T00:00:00Z"
        data = shapes.repository(minimal, default_branch="master", created_at=began, pushed_at=began)
        repository = world.add(Repository(data=data))
    side: Json = item.get("base") or {}
    base: Json = side.get("repo") or {"default_branch": side.get("ref")}
    for key in _KNOWN_OF_BASE:
        if base.get(key) is not None:
            repository.data[key] = base[key]
    return repository


_KNOWN_OF_BASE = (
    "default_branch", "description", "language", "stargazers_count", "topics", "license", "pushed_at", "created_at",
)  # fmt: skip


def _take(world: World, repository: Repository, line: Json) -> None:
    item: Json = line[line["type"]]
    number = item["number"]
    if item.get("user") is None:
        item["user"] = shapes.user(GHOST)
    item.setdefault("author_association", "NONE")
    _learn_user(world, item["user"], item["author_association"], repository)
    if line["type"] == "issue":
        repository.issues[number] = _whole_issue(repository, item)
    else:
        repository.pulls[number] = _whole_pull(repository, item)
        repository.issues[number] = _issue_of_pull(repository, repository.pulls[number])
    for event in line.get("events") or ():
        _take_event(world, repository, number, event)
    for comment in line.get("comments") or ():
        _take_review_comment(world, repository, number, comment)


def _whole_issue(repository: Repository, item: Json) -> Json:
    whole = shapes.issue(
        repository.full_name,
        item["number"],
        item["user"],
        item["title"],
        item.get("body"),
        item["created_at"],
    )
    return {**whole, **item, "assignee": (item.get("assignees") or [None])[0]}


def _whole_pull(repository: Repository, item: Json) -> Json:
    whole = shapes.pull(
        repository.full_name, item["number"], item["user"], item["title"], item.get("body"), item["created_at"],
        head=item["head"], base=item["base"],
    )  # fmt: skip
    return {**whole, **{key: value for key, value in item.items() if value is not None}}


def _issue_of_pull(repository: Repository, pull: Json) -> Json:
    links = shapes.pull_links(repository.full_name, pull["number"])
    shared = {
        key: pull[key]
        for key in (
            "state",
            "labels",
            "assignee",
            "assignees",
            "milestone",
            "locked",
            "comments",
            "closed_at",
            "updated_at",
            "author_association",
        )
    }
    whole = shapes.issue(
        repository.full_name,
        pull["number"],
        pull["user"],
        pull["title"],
        pull["body"],
        pull["created_at"],
        **shared,
    )
    return {
        **whole,
        "html_url": links["html_url"],
        "draft": bool(pull.get("draft")),
        "pull_request": {**links, "merged_at": pull.get("merged_at")},
    }


def _take_event(world: World, repository: Repository, number: int, event: Json) -> None:
    repository.timelines.setdefault(number, []).append(event)
    name = event["event"]
    if name in ("commented", "reviewed"):
        event["user"] = event.get("user") or event.get("actor") or shapes.user(GHOST)
        _learn_user(world, event["user"], event.get("author_association", "NONE"), repository)
    if name == "commented":
        comment = shapes.comment(
            repository.full_name, number, event["id"], event["user"], event.get("body") or "", event["created_at"],
            event.get("author_association", "NONE"), pull=number in repository.pulls,
        )  # fmt: skip
        repository.comments.setdefault(number, []).append(
            {**comment, "updated_at": event.get("updated_at") or event["created_at"]}
        )
    elif name == "reviewed":
        repository.reviews.setdefault(number, []).append(_review(repository, number, event))
    elif name == "committed":
        commit = _commit_of_event(repository, event)
        repository.commits.setdefault(commit["sha"], commit)
        repository.pull_commits.setdefault(number, []).append(commit["sha"])


def _review(repository: Repository, number: int, event: Json) -> Json:
    page = f"{shapes.WEB}/{repository.full_name}/pull/{number}"
    url = f"{shapes.API}/repos/{repository.full_name}/pulls/{number}"
    return {
        "id": event["id"],
        "node_id": event.get("node_id") or f"PRR_{event['id']}",
        "user": event["user"],
        "body": event.get("body") or "",
        "state": event["state"].upper(),
        "html_url": event.get("html_url") or f"{page}#pullrequestreview-{event['id']}",
        "pull_request_url": url,
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "submitted_at": event.get("submitted_at") or event["created_at"],
        "commit_id": event.get("commit_id"),
        "author_association": event.get("author_association", "NONE"),
    }


def _commit_of_event(repository: Repository, event: Json) -> Json:
    inner = {
        key: event[key] for key in ("author", "committer", "message", "tree", "verification") if key in event
    }
    return _whole_commit(
        repository,
        {"sha": event["sha"], "parents": event.get("parents") or [], "commit": inner},
    )


def _whole_commit(repository: Repository, commit: Json) -> Json:
    sha = commit["sha"]
    url = f"{shapes.API}/repos/{repository.full_name}/commits/{sha}"
    inner = {
        "url": f"{shapes.API}/repos/{repository.full_name}/git/commits/{sha}",
        "comment_count": 0,
        **commit["commit"],
    }
    inner["committer"] = inner.get("committer") or inner["author"]
    return {
        "node_id": f"C_{sha[:12]}",
        "url": url,
        "html_url": f"{shapes.WEB}/{repository.full_name}/commit/{sha}",
        "comments_url": f"{url}/comments",
        "author": None,
        "committer": None,
        "parents": [],
        **commit,
        "commit": inner,
    }


def _take_commit(world: World, repositories: list[Repository], commit: Json) -> None:
    name = str(commit.get("url", "")).partition("/repos/")[2].split("/commits/")[0]
    home = world.find(name) or (repositories[0] if repositories else None)
    if home is not None:
        home.commits[commit["sha"]] = _whole_commit(home, commit)


def _take_review_comment(world: World, repository: Repository, number: int, comment: Json) -> None:
    comment["user"] = comment.get("user") or shapes.user(GHOST)
    _learn_user(world, comment["user"], comment.get("author_association", "NONE"), repository)
    comment.setdefault("url", f"{shapes.API}/repos/{repository.full_name}/pulls/comments/{comment['id']}")
    comment.setdefault("reactions", shapes.reactions(comment["url"]))
    if "pull_request_url" not in comment:
        comment["pull_request_url"] = f"{shapes.API}/repos/{repository.full_name}/pulls/{number}"
    if comment.get("in_reply_to_id") is None:
        comment.pop("in_reply_to_id", None)
    repository.review_comments.setdefault(number, []).append(comment)


def _learn_user(world: World, user: Json, association: str, repository: Repository) -> None:
    world.users.setdefault(user["login"].lower(), user)
    if association in ("OWNER", "MEMBER", "COLLABORATOR"):
        repository.permissions.setdefault(user["login"].lower(), "write")
        owner = repository.data["owner"]["login"].lower()
        if association == "MEMBER" and user["login"] not in world.members.setdefault(owner, []):
            world.members[owner].append(user["login"])


def _finish(repository: Repository) -> None:
    """What the counts say must be what the lists hold; the newest commit is the default branch's head."""
    for number, issue in repository.issues.items():
        held = len(repository.comments.get(number, ()))
        issue["comments"] = held
        if pull := repository.pulls.get(number):
            pull.update(comments=held, review_comments=len(repository.review_comments.get(number, ())))
            _files_from_comments(repository, number, pull)
    merged: list[tuple[Any, str]] = []
    for pull in repository.pulls.values():
        sha = pull.get("merge_commit_sha")
        if pull.get("merged_at") and sha:
            if sha not in repository.commits:
                repository.commits[sha] = _merge_commit(repository, pull)
            merged.append((pull["merged_at"], sha))
    for (_, older), (_, newer) in zip(sorted(merged), sorted(merged)[1:], strict=False):
        parents = repository.commits[newer]["parents"]
        if older not in [parent["sha"] for parent in parents]:
            parents.insert(
                0, {"sha": older, "url": f"{shapes.API}/repos/{repository.full_name}/commits/{older}"}
            )
    if repository.commits and repository.default_branch not in repository.branches:
        newest = max(repository.commits.values(), key=lambda one: one["commit"]["committer"]["date"])
        repository.branches[repository.default_branch] = max(merged)[1] if merged else newest["sha"]
    for sha in repository.commits:
        repository.trees.setdefault(sha, {})


def _merge_commit(repository: Repository, pull: Json) -> Json:
    merger = pull.get("merged_by") or pull["user"]
    person = {
        "name": merger["login"],
        "email": f"{merger['login']}@users.noreply.github.com",
        "date": pull["merged_at"],
    }
    head = pull["head"]["sha"]
    inner = {
        "author": person,
        "committer": person,
        "message": f"Merge {repository.full_name}#{pull['number']}: {pull['title']}\n\n{pull.get('body') or ''}",
        "tree": {"sha": head, "url": f"{shapes.API}/repos/{repository.full_name}/git/trees/{head}"},
        "verification": shapes.UNSIGNED,
    }
    parents = [{"sha": head, "url": f"{shapes.API}/repos/{repository.full_name}/commits/{head}"}]
    return _whole_commit(
        repository,
        {
            "sha": pull["merge_commit_sha"],
            "commit": inner,
            "parents": parents,
            "author": merger,
            "committer": merger,
        },
    )


def _files_from_comments(repository: Repository, number: int, pull: Json) -> None:
    """The changed files that are known: those that reviewers commented on, with the hunks they saw."""
    hunks: dict[str, dict[str, str]] = {}
    for comment in repository.review_comments.get(number, ()):
        hunk = comment.get("diff_hunk") or ""
        kept = hunks.setdefault(comment["path"], {})
        start = hunk.partition("\n")[0]
        kept[start] = max(kept.get(start, ""), hunk, key=len)
    files = [
        _file(repository, pull["head"]["sha"], path, "\n".join(kept.values()))
        for path, kept in sorted(hunks.items())
    ]
    if files:
        repository.pull_files[number] = files


def _file(repository: Repository, sha: str, path: str, patch: str) -> Json:
    added = sum(line.startswith("+") for line in patch.split("\n"))
    removed = sum(line.startswith("-") for line in patch.split("\n"))
    return {
        "sha": sha,
        "filename": path,
        "status": "modified",
        "additions": added,
        "deletions": removed,
        "changes": added + removed,
        "blob_url": f"{shapes.WEB}/{repository.full_name}/blob/{sha}/{path}",
        "raw_url": f"{shapes.WEB}/{repository.full_name}/raw/{sha}/{path}",
        "contents_url": f"{shapes.API}/repos/{repository.full_name}/contents/{path}?ref={sha}",
        "patch": patch,
    }
