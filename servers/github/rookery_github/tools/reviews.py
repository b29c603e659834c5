"""Reviews: who decided what, and the threads of inline comments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from rookery_github import permalinks
from rookery_github.answers import Entry
from rookery_github.tools.issues import comment_entry
from rookery_github.voices import login_of
from rookery_github.workspace import Place

_DECISIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_TOLD = {
    "APPROVED": "approved by",
    "CHANGES_REQUESTED": "changes requested by",
    "DISMISSED": "dismissed:",
    "COMMENTED": "commented:",
}


def verdicts(item: Mapping[str, Any], reviews: Sequence[Mapping[str, Any]]) -> str:
    """The last decision of every reviewer, who only commented, and who is still asked, in one line."""
    last = _last_states(reviews)
    author = login_of(item.get("user"))
    if last.get(author) == "COMMENTED":
        del last[author]
    parts: list[str] = []
    for state, told in _TOLD.items():
        if names := [name for name, given in last.items() if given == state]:
            parts.append(f"{told} {', '.join(names)}")
    if asked := [login_of(one) for one in item.get("requested_reviewers") or ()]:
        parts.append(f"review requested from {', '.join(asked)}")
    if teams := [str(one.get("slug") or one.get("name")) for one in item.get("requested_teams") or ()]:
        parts.append(f"teams asked: {', '.join(teams)}")
    return "reviews: " + ("; ".join(parts) if parts else "none")


def _last_states(reviews: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each reviewer said last; a comment takes back no decision."""
    last: dict[str, str] = {}
    for review in reviews:
        login = login_of(review.get("user"))
        if review["state"] in _DECISIONS or login not in last:
            last[login] = review["state"]
    return last


async def thread_entries(
    place: Place,
    comments: Sequence[Mapping[str, Any]],
    resolved: Mapping[int, bool],
    first: int,
    max_tokens: int,
) -> AsyncIterator[tuple[Entry, Mapping[str, Any]]]:
    """Inline comments, thread after thread, each thread under the lines it is about. Position key: `c`.

    resolved: by the id of a thread's first comment; a thread that is not in it says nothing of that.
    """
    number = 0
    for thread in threads_of(comments):
        for index, comment in enumerate(thread):
            if number >= first:
                entry = comment_entry({"c": number}, comment, max_tokens)
                if index == 0:
                    entry = Entry(
                        at=entry.at,
                        label=f"{_where(place, comment)}{_state(comment, resolved)}\n{entry.label}",
                        body=entry.body,
                        voice=entry.voice,
                        note=entry.note,
                    )
                yield entry, comment
            number += 1


def _state(comment: Mapping[str, Any], resolved: Mapping[int, bool]) -> str:
    return "" if comment["id"] not in resolved else " resolved" if resolved[comment["id"]] else " unresolved"


def threads_of(comments: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Comments by thread, threads in order of their first comment; an answer to a missing comment begins one."""
    threads: dict[int, list[Mapping[str, Any]]] = {}
    roots: dict[int, int] = {}
    for comment in comments:
        above: int | None = comment.get("in_reply_to_id")
        root: int = roots.get(above, above) if above else comment["id"]
        roots[comment["id"]] = root
        threads.setdefault(root, []).append(comment)
    return list(threads.values())


def _where(place: Place, comment: Mapping[str, Any]) -> str:
    line = comment.get("line")
    outdated = "" if line or comment.get("subject_type") == "file" else " (outdated)"
    sha = comment["commit_id"] if line else comment["original_commit_id"]
    last = line or comment.get("original_line")
    first = (comment.get("start_line") if line else comment.get("original_start_line")) or last
    if comment.get("side") == "LEFT":
        return f"on removed line {last} of {comment['path']}{outdated}"
    lines = (int(first), int(last)) if first and last else None
    return f"on {permalinks.blob(place.web, place.full_name, sha, comment['path'], lines)}{outdated}"
