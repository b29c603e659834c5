"""What a person means by a GitHub link or a short form: read without asking GitHub.

Any web or API address is understood wherever a repository, a number, a commit, a file or a run is wanted, and
so are `owner/repo`, `owner/repo#12`, `#12`, `owner/repo@sha`, `host/owner/repo` and clone addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from rookery_core.errors import InvalidInput

Kind = Literal[
    "account", "repository", "issue", "pull", "commit", "compare", "file", "tree", "release", "run", "job",
    "search",
]  # fmt: skip

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?(?:_[A-Za-z0-9]+)?"
_REPO = r"[A-Za-z0-9._-]{1,100}"
_SHORT = re.compile(
    rf"^(?:(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?)/)?(?P<owner>{_NAME})/(?P<repo>{_REPO})"
    r"(?:#(?P<number>\d{1,10})|@(?P<ref>[^\s@]+))?$"
)
_CLONE = re.compile(
    rf"^(?:ssh://)?git@(?P<host>[^:/]+)[:/](?P<owner>{_NAME})/(?P<repo>{_REPO}?)(?:\.git)?/?$"
)
_NUMBER = re.compile(r"^(?:#|GH-)?(?P<number>[1-9]\d{0,9})$", re.IGNORECASE)
_SHA = re.compile(r"^[0-9a-f]{7,64}$", re.IGNORECASE)
_LINES = re.compile(r"^L(\d+)(?:C\d+)?(?:-L?(\d+)(?:C\d+)?)?$")
_ANCHORS = {
    "issuecomment-": "issue_comment",
    "discussion_r": "review_comment",
    "r": "review_comment",
    "pullrequestreview-": "review",
}
_NOT_ACCOUNTS = frozenset(
    [
        "about", "apps", "codespaces", "collections", "contact", "enterprise", "events", "explore",
        "features", "issues", "join", "login", "marketplace", "new", "notifications", "organizations",
        "pricing", "pulls", "search", "security", "settings", "sponsors", "stars", "topics", "trending",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One thing on GitHub. `host` is the web host as written, or None for the default one.

    ref: branch, tag or SHA as written; of a file address it is the first segment, and `path` the rest, because
    only GitHub knows where a branch name with slashes ends. lines: first and last line. comment: kind and id.
    """

    host: str | None = None
    owner: str
    repo: str = ""
    kind: Kind = "repository"
    number: int | None = None
    ref: str | None = None
    path: str = ""
    lines: tuple[int, int] | None = None
    comment: tuple[str, int] | None = None
    run: int | None = None
    job: int | None = None

    @property
    def full_name(self) -> str:
        """owner/repo."""
        return f"{self.owner}/{self.repo}" if self.repo else self.owner


def is_sha(text: str | None) -> bool:
    """Whether this can be a commit's (abbreviated) SHA."""
    return bool(text) and _SHA.match(text or "") is not None


def is_full_sha(text: str | None) -> bool:
    """Whether this is a commit's whole SHA: what it names never changes."""
    return is_sha(text) and len(text or "") in (40, 64)


def parse(text: str, *, default_repo: str = "") -> Reference:
    """What `text` refers to. Raises InvalidInput that says which forms are understood.

    default_repo: owner/repo that a bare number or SHA belongs to.
    """
    text = text.strip().rstrip(".,;").strip("<>")
    if not text and default_repo:
        return parse(default_repo)
    if match := _CLONE.match(text):
        return Reference(
            host=_host(match["host"]), owner=match["owner"], repo=match["repo"].removesuffix(".git")
        )
    if "://" in text or text.lower().startswith(("github.com/", "www.github.com/", "api.github.com/")):
        return _from_url(text if "://" in text else f"https://{text}")
    found = _SHORT.match(text)
    if found and found["repo"] not in (".", ".."):
        return _from_short(found)
    return _within_default(text, default_repo)


def repository(text: str, *, default_repo: str = "", default_owner: str = "") -> Reference:
    """The repository that `text` names or lies in. A bare name is taken from the default owner.

    Raises InvalidInput when it names an account or nothing.
    """
    if default_owner and re.fullmatch(_REPO, text) and not text.isdigit():
        return Reference(owner=default_owner, repo=text)
    found = parse(text, default_repo=default_repo)
    if not found.repo:
        raise InvalidInput(f"repo: {text!r} names an account, not a repository.", hint="Write owner/repo.")
    return found


def _from_short(match: re.Match[str]) -> Reference:
    host, owner, repo = match["host"], match["owner"], match["repo"].removesuffix(".git")
    base = Reference(host=_host(host), owner=owner, repo=repo)
    if match["number"]:
        return replace(base, kind="issue", number=int(match["number"]))
    if match["ref"]:
        return replace(base, kind="commit", ref=match["ref"])
    return base


def _within_default(text: str, default_repo: str) -> Reference:
    number = _NUMBER.match(text)
    if (number or is_sha(text)) and default_repo:
        base = parse(default_repo)
        if number:
            return replace(base, kind="issue", number=int(number["number"]))
        return replace(base, kind="commit", ref=text)
    missing = (
        "names no repository and no default is set" if number or is_sha(text) else "is not a GitHub reference"
    )
    raise InvalidInput(
        f"{text[:200]!r} {missing}.",
        hint="Write owner/repo, owner/repo#12, owner/repo@sha or any GitHub URL.",
    )


def _host(host: str | None) -> str | None:
    if host is None:
        return None
    host = host.lower()
    return "github.com" if host in ("www.github.com", "api.github.com", "raw.githubusercontent.com") else host


def _from_url(text: str) -> Reference:
    try:
        url = urlsplit(text)
        host = (url.netloc.rpartition("@")[2]).lower()
    except ValueError:
        raise InvalidInput(f"{text[:200]!r} is not a URL.") from None
    parts = [unquote(part) for part in url.path.split("/") if part]
    if any(part in (".", "..") or "\x00" in part for part in parts):
        raise InvalidInput(f"{text[:200]!r} has a relative segment.")
    if host == "raw.githubusercontent.com" and len(parts) >= 4:
        parts = [*parts[:2], "blob", *(parts[4:] if parts[2:4] == ["refs", "heads"] else parts[2:])]
    elif host.startswith("api.") or parts[:2] == ["api", "v3"]:
        parts = _as_web_path(parts[2:] if parts[:2] == ["api", "v3"] else parts, text)
    web = _host(host.removeprefix("api."))
    return _from_path(Reference(host=web, owner="-"), parts, url, text)


def _as_web_path(parts: list[str], text: str) -> list[str]:
    """An API path as the web path of the same thing."""
    if parts[:1] == ["users"] or parts[:1] == ["orgs"]:
        return parts[1:2]
    if parts[:1] != ["repos"] or len(parts) < 3:
        raise InvalidInput(f"{text[:200]!r} is an API address that names no repository.")
    owner, repo, *rest = parts[1:]
    same = {"pulls": "pull", "commits": "commit", "contents": "blob"}
    if rest[:2] in (["issues", "comments"], ["pulls", "comments"]) and len(rest) == 3:
        raise InvalidInput(f"{text[:200]!r} is a comment's API address.", hint="Pass the comment's web link.")
    if rest[:1] == ["contents"]:
        rest = ["contents", "HEAD", *rest[1:]]
    if rest and rest[0] in same and len(rest) > 1:
        rest[0] = same[rest[0]]
    return [owner, repo, *rest]


def _from_path(base: Reference, parts: list[str], url: SplitResult, text: str) -> Reference:
    if not parts or parts[0].lower() in _NOT_ACCOUNTS - {"orgs"}:
        raise InvalidInput(f"{text[:200]!r} names nothing on GitHub that can be read.")
    if parts[0] == "orgs" and len(parts) > 1:
        parts = parts[1:2]
    if not re.fullmatch(_NAME, parts[0]):
        raise InvalidInput(f"{parts[0][:100]!r} is not the name of an account.")
    if len(parts) == 1:
        return replace(base, owner=parts[0], kind="account")
    repo = parts[1].removesuffix(".git")
    if not re.fullmatch(_REPO, repo):
        raise InvalidInput(f"{repo[:100]!r} is not the name of a repository.")
    return _from_rest(replace(base, owner=parts[0], repo=repo), parts[2:], url.fragment)


def _from_rest(base: Reference, rest: list[str], fragment: str) -> Reference:
    match rest:
        case ["issues" | "pull" | "pulls" as word, number, *more] if number.isdigit() and len(number) <= 10:
            return _numbered(base, word, int(number), more, fragment)
        case ["blob" | "raw" | "blame" | "edit", ref, *path]:
            return replace(base, kind="file", ref=ref, path="/".join(path), lines=_lines(fragment))
        case ["tree", ref, *path]:
            return replace(base, kind="tree", ref=ref, path="/".join(path))
        case ["commit", sha, *_]:
            return replace(base, kind="commit", ref=sha)
        case ["commits", *ref] if ref:
            return replace(base, ref="/".join(ref))
        case ["compare", *span] if span:
            return replace(base, kind="compare", ref="/".join(span))
        case ["releases", "tag" | "tags", *tag] if tag:
            return replace(base, kind="release", ref="/".join(tag))
        case ["actions", "runs", run, *more] if run.isdigit():
            return _run(base, int(run), more)
        case ["runs", job, *_] if job.isdigit():
            return replace(base, kind="job", job=int(job))
        case _:
            return base


def _numbered(base: Reference, word: str, number: int, more: list[str], fragment: str) -> Reference:
    kind: Kind = "issue" if word == "issues" else "pull"
    match more:
        case ["commits" | "changes", sha, *_] if is_sha(sha):
            return replace(base, kind=kind, number=number, ref=sha)
        case _:
            return replace(base, kind=kind, number=number, comment=_anchor(fragment))


def _run(base: Reference, run: int, more: list[str]) -> Reference:
    match more:
        case ["job" | "jobs", job, *_] if job.isdigit():
            return replace(base, kind="job", run=run, job=int(job))
        case _:
            return replace(base, kind="run", run=run)


def _anchor(fragment: str) -> tuple[str, int] | None:
    for prefix, kind in _ANCHORS.items():
        number = fragment.removeprefix(prefix)
        if fragment.startswith(prefix) and number.isdigit() and len(number) < 19:
            return kind, int(number)
    return None


def _lines(fragment: str) -> tuple[int, int] | None:
    match = _LINES.match(fragment)
    if not match:
        return None
    first = int(match[1])
    last = int(match[2] or first)
    return (first, last) if first <= last else (last, first)
