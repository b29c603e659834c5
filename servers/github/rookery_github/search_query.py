"""Search terms and filters as one GitHub query, lexical and predictable.

What a person types is words and phrases. Qualifiers GitHub knows stay qualifiers; any other `word:word` (a C++
name, a pasted error) is quoted, so that it is searched for instead of being read as a filter nobody meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from rookery_core.dates import parse_time_range
from rookery_core.errors import InvalidInput
from rookery_github.confinement import Confinement

MAX_LENGTH = 250
KNOWN = frozenset(
    [
        "archived", "assignee", "author", "author-date", "author-email", "author-name", "base", "closed",
        "commenter", "comments", "committer", "committer-date", "created", "draft", "extension",
        "filename", "followers", "fork", "forks", "good-first-issues", "has", "head", "help-wanted-issues",
        "in", "interactions", "involves", "is", "label", "language", "license", "linked", "location",
        "locked", "mentions", "merge", "merged", "milestone", "mirror", "no", "org", "parent", "path",
        "project", "pushed", "reactions", "reason", "repo", "repos", "review", "review-requested",
        "reviewed-by", "size", "sort", "stars", "state", "status", "symbol", "team",
        "team-review-requested", "topic", "topics", "tree", "type", "updated", "user",
        "user-review-requested", "visibility",
    ]
)  # fmt: skip
_SCOPES = frozenset(("repo", "org", "user"))
_TOKEN = re.compile(r'-?"[^"]*"|-?[A-Za-z][A-Za-z-]*:(?:"[^"]*"|[^\s"]+)|[^\s"]+|"')
_SPAN_OF_HOURS = re.compile(r"^\s*-?\d+ ?(?:h|hours?|hrs?|m|mins?|minutes?)\b", re.IGNORECASE)
_OPERATORS = frozenset(("OR", "AND", "NOT"))


def compile_query(text: str, qualifiers: Iterable[tuple[str, str]], confinement: Confinement) -> str:
    """The query to send. Raises InvalidInput when it is empty or longer than GitHub takes, NotAllowed when it
    names a repository or owner outside of the allow-list."""
    words = [_word(token, confinement) for token in _TOKEN.findall(text.replace("\x00", " "))]
    filters = [qualifier(name, value) for name, value in qualifiers if value]
    for token in (*words, *filters):
        _check_scope(token, confinement)
    parts = [part for part in (*words, *filters) if part]
    if confinement.active and not any(_names_scope(part) for part in parts):
        parts += confinement.qualifiers()
    query = " ".join(parts)
    if not query:
        raise InvalidInput("query: empty.", hint="Give words to search for or at least one filter.")
    plain = " ".join(part for part in parts if not _is_qualifier(part))
    if len(plain) > MAX_LENGTH:
        raise InvalidInput(
            f"query: longer than {MAX_LENGTH} characters.", hint="Search for its rarest words."
        )
    return query


def qualifier(name: str, value: str) -> str:
    """`name:value`, quoted where it must be; a value beginning with a minus excludes."""
    minus = "-" if value.startswith("-") else ""
    value = value.removeprefix("-").replace('"', "").strip()
    return (
        f'{minus}{name}:"{value}"'
        if re.search(r"[\s:()]", value) and ".." not in value
        else f"{minus}{name}:{value}"
    )


def _word(token: str, confinement: Confinement) -> str:
    if token == '"':  # noqa: S105 a word of a search
        return ""
    if token.startswith(('"', '-"')):
        return token
    name = token.removeprefix("-").partition(":")[0].lower()
    if ":" in token and not (name in KNOWN and not token.endswith(":") and "::" not in token):
        return '"' + token.replace('"', "") + '"'
    if confinement.active and (token in _OPERATORS or "(" in token or ")" in token):
        return f'"{token}"'  # an OR could lead around the repositories that follow
    return token


def _is_qualifier(part: str) -> bool:
    return (
        part.removeprefix("-").partition(":")[0].lower() in KNOWN and ":" in part and not part.startswith('"')
    )


def _names_scope(part: str) -> bool:
    return part.partition(":")[0].lower() in _SCOPES and ":" in part


def _check_scope(part: str, confinement: Confinement) -> None:
    name, _, value = part.partition(":")
    value = value.strip('"').strip("/")
    if name.lower() == "repo":
        confinement.check(value)
    elif name.lower() in ("org", "user"):
        confinement.check_owner(value)


def date_bounds(since: str, until: str, now: datetime | None = None) -> tuple[str, str]:
    """Two dates as people write them, either of them blank, as GitHub reads them: whole days stay days.

    A span back from now (7d) begins with its day or hour, so that it is the same on every page. Raises InvalidInput.
    """
    now = now or datetime.now(UTC)
    first, last = parse_time_range(since, until, now=now, fields=("since", "until"))
    return _bound(first, since, now, end=False), _bound(last, until, now, end=True)


def _bound(moment: datetime | None, text: str, now: datetime, *, end: bool) -> str:
    if moment is None:
        return ""
    following = moment + timedelta(microseconds=1)
    if (following if end else moment).time() == time(0):
        return moment.strftime("%Y-%m-%d")
    if moment.time() == now.time() and text.strip().lower() != "now":
        return moment.strftime("%Y-%m-%d")
    if _SPAN_OF_HOURS.search(text):
        moment = moment.replace(minute=0, second=0)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def date_range(since: str, until: str) -> str:
    """Bounds of `date_bounds` as GitHub writes a range."""
    if since and until:
        return f"{since}..{until}"
    return f">={since}" if since else f"<={until}" if until else ""
