"""What the emulated GitHub holds: accounts and repositories, each object in its REST shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Repository:
    """One repository. Everything that GitHub would derive is derived when it is asked for."""

    data: Json
    issues: dict[int, Json] = field(default_factory=dict[int, Json])
    pulls: dict[int, Json] = field(default_factory=dict[int, Json])
    comments: dict[int, list[Json]] = field(default_factory=dict[int, list[Json]])
    reviews: dict[int, list[Json]] = field(default_factory=dict[int, list[Json]])
    review_comments: dict[int, list[Json]] = field(default_factory=dict[int, list[Json]])
    timelines: dict[int, list[Json]] = field(default_factory=dict[int, list[Json]])
    pull_commits: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    pull_files: dict[int, list[Json]] = field(default_factory=dict[int, list[Json]])
    commits: dict[str, Json] = field(default_factory=dict[str, Json])
    trees: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    branches: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    releases: list[Json] = field(default_factory=list[Json])
    checks: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    statuses: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    runs: dict[int, Json] = field(default_factory=dict[int, Json])
    jobs: dict[int, list[Json]] = field(default_factory=dict[int, list[Json]])
    logs: dict[int, str] = field(default_factory=dict[int, str])
    resolved: set[int] = field(default_factory=set[int])
    permissions: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def full_name(self) -> str:
        return self.data["full_name"]

    @property
    def default_branch(self) -> str:
        return self.data["default_branch"]

    def commit_of(self, ref: str) -> str | None:
        """The SHA that a branch, a tag or an (abbreviated) SHA stands for."""
        for names in (self.branches, self.tags):
            for prefix in ("", "refs/heads/", "refs/tags/", "heads/", "tags/"):
                if ref.startswith(prefix) and ref.removeprefix(prefix) in names:
                    return names[ref.removeprefix(prefix)]
        if ref == "HEAD":
            return self.branches.get(self.default_branch)
        found = [sha for sha in self.commits if len(ref) >= 4 and sha.startswith(ref)]
        return found[0] if len(found) == 1 else None

    def history(self, sha: str) -> list[str]:
        """A commit and its ancestors, newest first, along first parents and merged branches."""
        order: list[str] = []
        waiting = [sha]
        seen: set[str] = set()
        while waiting:
            waiting.sort(key=lambda one: self.commits[one]["commit"]["committer"]["date"])
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            order.append(current)
            parents = (parent["sha"] for parent in self.commits[current]["parents"])
            waiting.extend(parent for parent in parents if parent in self.commits and parent not in seen)
        return order

    def add_comment(self, number: int, comment: Json) -> None:
        """Append a comment and let its issue know."""
        self.comments.setdefault(number, []).append(comment)
        for holder in (self.issues.get(number), self.pulls.get(number)):
            if holder is not None:
                holder["comments"] = len(self.comments[number])
                holder["updated_at"] = max(holder["updated_at"], comment["updated_at"])


@dataclass
class World:
    """All accounts and repositories. tokens: who signs in with a token, and with which classic scopes.

    moved: old names of repositories. apps: installations by id, each with the repositories it may see.
    """

    users: dict[str, Json] = field(default_factory=dict[str, Json])
    members: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    repositories: dict[str, Repository] = field(default_factory=dict[str, Repository])
    tokens: dict[str, tuple[str, tuple[str, ...]]] = field(
        default_factory=dict[str, tuple[str, tuple[str, ...]]]
    )
    moved: dict[str, str] = field(default_factory=dict[str, str])
    next_id: int = 900_000_000

    def add(self, repository: Repository) -> Repository:
        """Take a repository in, under its name."""
        self.repositories[repository.full_name.lower()] = repository
        owner = repository.data["owner"]
        self.users.setdefault(owner["login"].lower(), owner)
        return repository

    def find(self, full_name: str) -> Repository | None:
        """The repository of that name, in any case."""
        return self.repositories.get(full_name.lower())

    def new_id(self) -> int:
        """An id that nothing has."""
        self.next_id += 1
        return self.next_id
