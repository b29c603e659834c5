"""Files at any ref, by line ranges, and folders as trees; every answer names the commit it is of."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from rookery_core.errors import InvalidInput, NotFound
from rookery_core.serving.arguments import Cursor, MaxTokens
from rookery_github import permalinks
from rookery_github.answers import DEFAULT_TOKENS, Answer, Entry, Position, assemble
from rookery_github.client import RAW, Fetched
from rookery_github.references import Reference
from rookery_github.tools.commits import resolve
from rookery_github.voices import Voice
from rookery_github.workspace import Place, Workspace

MAX_REF_SEGMENTS = 6
_BINARY_LOOK = 8000
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # GitHub ends a line at LF only; str.splitlines() knows ten more ends


class FileTools:
    """The tool that reads files and folders."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def get_file(
        self,
        repo: str = "",
        path: str = "",
        ref: str = "",
        lines: str = "",
        cursor: Cursor = "",
        max_tokens: MaxTokens = DEFAULT_TOKENS,
    ) -> Answer:
        """Read a file, or list a folder (path="" is the root). `ref`: branch, tag or SHA; `lines`: "40-80" or "40-".
        A GitHub file URL in `repo` says path, ref and lines by itself. Answers with a permalink at the commit."""
        place, reference = self._place(repo)
        await self._workspace.trust.admit(place)
        sha, path = await _locate(place, reference, path, ref)
        await self._workspace.trust.check_commit(place, sha)
        what = f"{path or 'the root'} of {place.full_name} at {sha[:12]}"
        fetched = await place.get(f"/contents/{path}", {"ref": sha}, what=what, accept=RAW, immutable=True)
        span = _span(lines) if lines else (reference.lines if reference else None)
        arguments = {"file": f"{place.full_name}/{path}@{sha}", "lines": span}
        if _is_folder(fetched):
            folder = _Folder(place, sha, path, fetched.json())
            return await assemble("get_file", arguments, cursor, max_tokens, folder.entries, folder.head)
        file = _File(place, sha, path, fetched.body, span)
        return await assemble("get_file", arguments, cursor, max_tokens, file.entries, file.head)

    def _place(self, repo: str) -> tuple[Place, Reference | None]:
        if "://" in repo:
            place, reference = self._workspace.refer(repo)
            return place, reference
        return self._workspace.repository(repo), None


def _is_folder(fetched: Fetched) -> bool:
    media = fetched.headers.get("content-type", "")
    return media.startswith("application/json") and fetched.body[:1] == b"["


async def _locate(place: Place, reference: Reference | None, path: str, ref: str) -> tuple[str, str]:
    """The commit and the path. In an address the branch may have slashes: the shortest that exists is taken."""
    if ref or reference is None or not reference.ref:
        _checked(path)
        return await resolve(place, ref or "HEAD"), path.strip("/")
    segments = [reference.ref, *reference.path.split("/")] if reference.path else [reference.ref]
    for count in range(1, min(len(segments), MAX_REF_SEGMENTS) + 1):
        try:
            sha = await resolve(place, "/".join(segments[:count]))
        except NotFound:
            continue
        inside = "/".join(segments[count:])
        return sha, f"{inside}/{path}".strip("/") if path else inside
    raise NotFound(f"{place.full_name} has no branch, tag or commit that begins {segments[0]!r}.")


def _checked(path: str) -> None:
    if any(part in (".", "..") for part in path.split("/")) or "\x00" in path or "?" in path or "#" in path:
        raise InvalidInput(
            "path must stay inside the repository: no '.' or '..' segments, no NUL, ? or #.",
            hint="Write folder/file.py.",
        )


def _span(text: str) -> tuple[int, int]:
    first, dash, last = text.replace("L", "").partition("-")
    try:
        span = int(first), int(last) if last else (10**9 if dash else int(first))
    except ValueError:
        span = (0, 0)
    if not 0 < span[0] <= span[1]:
        raise InvalidInput(
            f"lines: {text[:40]!r} is not a range of lines.", hint='Write "40-80", "40-" or "40".'
        )
    return span


class _File:
    """A file being read. Line ends and bytes stay as they are; what is not UTF-8 is not shown."""

    def __init__(self, place: Place, sha: str, path: str, body: bytes, span: Sequence[int] | None) -> None:
        self._place = place
        self._sha = sha
        self._path = path
        self._size = len(body)
        self._text = _as_text(body)
        self._total = 0 if self._text is None else len(_LINE.findall(self._text))
        first, last = span or (1, max(1, self._total))
        if self._text is not None and first > max(1, self._total):
            raise InvalidInput(f"lines: {path} has {self._total} lines.")
        self._first, self._last = first, min(last, max(1, self._total))

    def head(self) -> str:
        """What is shown of what, under its permalink."""
        if self._text is None:
            link = permalinks.blob(self._place.web, self._place.full_name, self._sha, self._path)
            return f"{link}\nnot text: {self._size} bytes"
        span = (self._first, self._last)
        link = permalinks.blob(self._place.web, self._place.full_name, self._sha, self._path, span)
        return f"{link}\nlines {self._first}-{self._last} of {self._total}"

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """The lines, in one piece that a cursor can go on with in the middle."""
        if self._text is None:
            return
        body = "".join(_LINE.findall(self._text)[self._first - 1 : self._last])
        line = self._first + body.count("\n", 0, int(start.get("o", 0)))
        label = f"(continued in line {line})" if start else ""
        yield Entry(at={}, label=label, body=body, voice=Voice(self._place.full_name, "file"))


def _as_text(body: bytes) -> str | None:
    if b"\x00" in body[:_BINARY_LOOK]:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


class _Folder:
    """A folder being listed."""

    def __init__(self, place: Place, sha: str, path: str, entries: list[Any]) -> None:
        self._place = place
        self._sha = sha
        self._path = path
        self._entries = sorted(entries, key=lambda entry: (entry["type"] != "dir", entry["name"]))

    def head(self) -> str:
        """Where the folder is and how much is in it."""
        link = permalinks.tree(self._place.web, self._place.full_name, self._sha, self._path)
        files = permalinks.blob(self._place.web, self._place.full_name, self._sha, self._path).rstrip("/")
        return f"{link}\n{len(self._entries)} entries; a file's link is {files}/NAME"

    async def entries(self, start: Position) -> AsyncIterator[Entry]:
        """Folders first, then files with their sizes."""
        voice = Voice(self._place.full_name, "folder")
        for index in range(int(start.get("i", 0)), len(self._entries)):
            entry = self._entries[index]
            kind = {"dir": "/", "symlink": " (link)", "submodule": " (submodule)"}.get(
                entry["type"], f" {entry.get('size', 0)} bytes"
            )
            yield Entry(at={"i": index}, body=f"{entry['name']}{kind}", voice=voice, in_row=True)
