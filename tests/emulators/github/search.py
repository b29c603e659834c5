"""Search as GitHub's REST API does it, lexical: qualifiers, quoted phrases, negation; every word must be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from emulators.github.world import Json, Repository, World

_TOKEN = re.compile(
    r'(?P<minus>-)?(?:(?P<name>[a-z-]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))', re.IGNORECASE
)
_WORD = re.compile(r"[\w.+#-]+")


@dataclass(slots=True)
class Query:
    """A search as it was understood."""

    words: list[str] = field(default_factory=list[str])
    without: list[str] = field(default_factory=list[str])
    qualifiers: list[tuple[str, str, bool]] = field(default_factory=list[tuple[str, str, bool]])

    def values(self, *names: str) -> list[str]:
        """The values of a qualifier that is not negated."""
        return [value for name, value, negated in self.qualifiers if name in names and not negated]


def parse(text: str) -> Query:
    """Read a query string."""
    query = Query()
    for match in _TOKEN.finditer(text):
        value = match["quoted"] if match["quoted"] is not None else match["plain"]
        if match["name"]:
            query.qualifiers.append((match["name"].lower(), value.lower(), bool(match["minus"])))
        elif value and value not in ("OR", "AND", "NOT", "(", ")"):
            (query.without if match["minus"] else query.words).append(value.lower())
    return query


def in_range(value: str | None, wanted: str) -> bool:
    """Whether an ISO time lies in `2024-01-01..2024-02-01`, `>=2024-01-01`, `<2024`, or on a day."""
    if value is None:
        return False
    if ".." in wanted:
        low, _, high = wanted.partition("..")
        return (low in ("*", "") or value >= low) and (
            high in ("*", "") or value[: len(high)] <= high.rstrip("z").upper()
        )
    for sign, test in _COMPARISONS.items():
        if wanted.startswith(sign):
            limit = wanted.removeprefix(sign).upper()
            return test(value[: len(limit)], limit)
    return value.startswith(wanted.upper())


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    ">=": lambda value, limit: value >= limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    "<": lambda value, limit: value < limit,
}


def repositories_of(world: World, query: Query, visible: Callable[[Repository], bool]) -> list[Repository]:
    """The repositories that a query looks into."""
    names = query.values("repo")
    owners = query.values("user", "org")
    found: list[Repository] = []
    for repository in world.repositories.values():
        name = repository.full_name.lower()
        named = name in names or name.partition("/")[0] in owners
        if visible(repository) and (named or not (names or owners)):
            found.append(repository)
    return found


def issues(world: World, query: Query, visible: Callable[[Repository], bool]) -> list[tuple[float, Json]]:
    """Issues and pull requests that match, each with its score."""
    found: list[tuple[float, Json]] = []
    for repository in repositories_of(world, query, visible):
        for number, issue in repository.issues.items():
            if all(_issue_is(repository, number, issue, *one) for one in query.qualifiers):
                score = _score(query, _texts(repository, number, issue, query))
                if score > 0:
                    found.append((score, issue))
    return found


def _texts(repository: Repository, number: int, issue: Json, query: Query) -> list[tuple[float, str]]:
    places = set(",".join(query.values("in")).split(",")) - {""} or {"title", "body", "comments"}
    texts = [(5.0, issue["title"])] if "title" in places else []
    if "body" in places:
        texts.append((1.0, issue["body"] or ""))
    if "comments" in places and query.words:
        texts.extend((0.5, comment["body"] or "") for comment in repository.comments.get(number, ()))
    return texts


def _score(query: Query, texts: Iterable[tuple[float, str]]) -> float:
    weighted = [(weight, text.lower()) for weight, text in texts]
    if any(word in text for word in query.without for _, text in weighted):
        return 0.0
    total = 1.0
    for word in query.words:
        hits = sum(weight for weight, text in weighted if word in text)
        if not hits:
            return 0.0
        total += hits
    return total


def _issue_is(repository: Repository, number: int, issue: Json, name: str, value: str, negated: bool) -> bool:
    return _issue_fits(repository, number, issue, name, value) != negated


def _login(user: Json | None) -> str:
    return user["login"].lower() if user else ""


def _issue_fits(repository: Repository, number: int, issue: Json, name: str, value: str) -> bool:
    pull = repository.pulls.get(number)
    if name in ("is", "type", "state"):
        return _is(repository, issue, pull, value)
    comments = repository.comments.get(number, [])
    tests: dict[str, Callable[[], bool]] = {
        "author": lambda: _login(issue["user"]) == value,
        "assignee": lambda: value in [_login(one) for one in issue["assignees"]],
        "commenter": lambda: value in [_login(one["user"]) for one in comments],
        "mentions": lambda: _mentions(issue, comments, value),
        "involves": lambda: (
            value
            in (
                _login(issue["user"]),
                *(_login(o) for o in issue["assignees"]),
                *(_login(o["user"]) for o in comments),
            )
            or _mentions(issue, comments, value)
        ),
        "label": lambda: value in [label["name"].lower() for label in issue["labels"]],
        "milestone": lambda: bool(issue["milestone"]) and issue["milestone"]["title"].lower() == value,
        "no": lambda: not issue.get({"label": "labels", "assignee": "assignees"}.get(value, value)),
        "created": lambda: in_range(issue["created_at"], value),
        "updated": lambda: in_range(issue["updated_at"], value),
        "closed": lambda: in_range(issue["closed_at"], value),
        "merged": lambda: in_range(pull["merged_at"] if pull else None, value),
        "head": lambda: pull is not None and pull["head"]["ref"].lower() == value,
        "base": lambda: pull is not None and pull["base"]["ref"].lower() == value,
        "reviewed-by": lambda: value in [_login(one["user"]) for one in repository.reviews.get(number, [])],
        "review-requested": lambda: (
            pull is not None and value in [_login(one) for one in pull["requested_reviewers"]]
        ),
        "review": lambda: _review_state(repository, number) == value,
    }
    return tests[name]() if name in tests else True


def _mentions(issue: Json, comments: list[Json], value: str) -> bool:
    pattern = re.compile(rf"@{re.escape(value)}\b", re.IGNORECASE)
    return any(pattern.search(text or "") for text in (issue["body"], *(one["body"] for one in comments)))


def _is(repository: Repository, issue: Json, pull: Json | None, value: str) -> bool:
    match value:
        case "issue" | "pr" | "pull-request":
            return (pull is None) == (value == "issue")
        case "open" | "closed":
            return issue["state"] == value
        case "merged" | "unmerged":
            return pull is not None and bool(pull["merged_at"]) == (value == "merged")
        case "draft":
            return pull is not None and bool(pull["draft"])
        case "public" | "private":
            return repository.data["private"] == (value == "private")
        case "locked":
            return bool(issue["locked"])
        case _:
            return True


def _review_state(repository: Repository, number: int) -> str:
    states = [review["state"] for review in repository.reviews.get(number, [])]
    if "CHANGES_REQUESTED" in states:
        return "changes_requested"
    return "approved" if "APPROVED" in states else "none"


def code(
    world: World, query: Query, visible: Callable[[Repository], bool]
) -> list[tuple[Repository, str, str, list[Json]]]:
    """Files of default branches that match: repository, path, text and the matched fragments."""
    found: list[tuple[Repository, str, str, list[Json]]] = []
    for repository in repositories_of(world, query, visible):
        head = repository.branches.get(repository.default_branch)
        for path, content in sorted(repository.trees.get(head or "", {}).items()):
            text = content.decode("utf-8", "replace")
            if b"\x00" in content or not _file_fits(query, path):
                continue
            if query.words and all(word in text.lower() or word in path.lower() for word in query.words):
                found.append((repository, path, text, _fragments(text, query.words)))
    return found


_ENDINGS = {"python": (".py",), "c++": (".cpp", ".h"), "markdown": (".md",)}


def _file_fits(query: Query, path: str) -> bool:
    return all(
        _fits(path.lower(), name, value) != negated
        for name, value, negated in query.qualifiers
        if name in _FILE_FILTERS
    )


_FILE_FILTERS = ("path", "filename", "extension", "language")


def _fits(path: str, name: str, value: str) -> bool:
    match name:
        case "path":
            return value.strip("/") in path
        case "filename":
            return value in path.rpartition("/")[2]
        case "extension":
            return path.endswith("." + value.lstrip("."))
        case _:
            return path.endswith(_ENDINGS.get(value, (f".{value}",)))


def _fragments(text: str, words: list[str]) -> list[Json]:
    found: list[Json] = []
    lower = text.lower()
    for word in words:
        at = lower.find(word)
        if at >= 0:
            start = max(0, text.rfind("\n", 0, max(0, at - 60)) + 1)
            end = text.find("\n", min(len(text), at + len(word) + 60))
            fragment = text[start : end if end >= 0 else len(text)]
            place = [at - start, at - start + len(word)]
            found.append(
                {
                    "object_type": "FileContent",
                    "property": "content",
                    "fragment": fragment,
                    "matches": [{"text": text[at : at + len(word)], "indices": place}],
                }
            )
    return found[:2]


def commits(
    world: World, query: Query, visible: Callable[[Repository], bool]
) -> list[tuple[Repository, Json]]:
    """Commits of default branches that match."""
    found: list[tuple[Repository, Json]] = []
    for repository in repositories_of(world, query, visible):
        head = repository.branches.get(repository.default_branch)
        for sha in repository.history(head) if head else ():
            commit = repository.commits[sha]
            message = commit["commit"]["message"].lower()
            if all(word in message for word in query.words) and all(
                _commit_fits(commit, *one) for one in query.qualifiers
            ):
                found.append((repository, commit))
    return found


def _commit_fits(commit: Json, name: str, value: str, negated: bool) -> bool:
    match name:
        case "author" | "committer":
            fits = _login(commit[name]) == value
        case "author-date" | "committer-date":
            fits = in_range(commit["commit"][name.removesuffix("-date")]["date"], value)
        case "merge":
            fits = (len(commit["parents"]) > 1) == (value == "true")
        case _:
            return True
    return fits != negated


def matches_words(words: list[str], *texts: str | None) -> bool:
    """Whether every word is in one of the texts."""
    joined = " ".join(text.lower() for text in texts if text)
    return all(word in joined for word in words)
