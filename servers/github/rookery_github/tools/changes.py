"""Changed files, hunks and commits, as pull requests and commits both show them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rookery_github import permalinks
from rookery_github.answers import Entry, Position
from rookery_github.diffs import Hunk, hunks
from rookery_github.tools.items import day, inner
from rookery_github.voices import Voice, contributor
from rookery_github.workspace import Place

CODE = Voice("the change", "code")


def wanted(filename: str, path: str) -> bool:
    """Whether a file is asked for: by its path, a folder above it, or a glob. Nothing asked: all."""
    path = path.strip("/")
    return not path or filename == path or filename.startswith(f"{path}/") or fnmatchcase(filename, path)


def file_row(file: Mapping[str, Any]) -> str:
    """A changed file in one line."""
    name = file["filename"]
    if file.get("previous_filename"):
        name = f"{file['previous_filename']} → {name}"
    size = (
        f"+{file.get('additions', 0)} -{file.get('deletions', 0)}"
        if file.get("changes")
        else "binary or empty"
    )
    return f"{name} {size}" + ("" if file.get("status") == "modified" else f" {file.get('status')}")


def commit_row(commit: Mapping[str, Any]) -> str:
    """A commit in one line: link, subject, author, day."""
    git: Mapping[str, Any] = commit["commit"]
    subject = (git.get("message") or "").partition("\n")[0]
    author = contributor(commit.get("author"), inner(git, "author").get("name"))
    made = day(inner(git, "author").get("date"))
    parts = [subject, f"by {author.author}", made]
    return f"{commit['html_url']} " + " · ".join(part for part in parts if part)


class Sides:
    """The commits that links lead to: after the change, and before it for what it removes."""

    def __init__(self, place: Place, head: str, base: str) -> None:
        self.place = place
        self.head = head
        self.base = base

    def link(self, file: Mapping[str, Any], hunk: Hunk | None = None) -> str:
        """The permalink of a file, or of a hunk's lines in it."""
        gone = file.get("status") == "removed" or (hunk is not None and hunk.removes_all)
        name = str(file.get("previous_filename") or file["filename"]) if gone else str(file["filename"])
        lines = None if hunk is None else (hunk.old if gone else hunk.new)
        shown = lines if lines and lines[0] > 0 and lines[1] >= lines[0] else None
        return permalinks.blob(
            self.place.web, self.place.full_name, self.base if gone else self.head, name, shown
        )


async def diff_entries(
    files: AsyncIterator[tuple[Position, Any]], sides: Sides, path: str, start: Position
) -> AsyncIterator[Entry]:
    """Every hunk of the files that are asked for, each under its permalink."""
    first = int(start.get("h", 0))
    async for at, file in files:
        if wanted(file["filename"], path):
            pieces = hunks(file.get("patch") or "")
            for number in range(first, len(pieces)):
                hunk = pieces[number]
                label = (f"{file_row(file)}\n" if number == 0 else "") + sides.link(file, hunk)
                yield Entry(at={**at, "h": number}, label=label, body=hunk.text, voice=CODE)
            if not pieces:
                reason = (
                    "no text changed"
                    if not file.get("changes")
                    else "too large for GitHub to show as a patch"
                )
                yield Entry(at={**at, "h": 0}, label=f"{file_row(file)}\n{sides.link(file)} ({reason})")
        first = 0
