"""TimescaleDB's documentation from a working copy: Markdown whose front matter holds part of the text, with snippets
that pages import from each other."""

from __future__ import annotations

import asyncio
import posixpath
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.archive import common_folder, is_archive, names_in, read_archive
from rookery_ingest.docs.folder import read_folder
from rookery_ingest.docs.formats.markdown import split_front_matter
from rookery_ingest.docs.formats.reading import format_of
from rookery_ingest.docs.raw import Delivered, RawPage

SOURCE = "tiger"
TITLE = "TimescaleDB and Tiger Data"
SITE = "https://docs.tigerdata.com/"
_IMPORT = re.compile(
    r"^import\s+(\w+)\s+from\s+['\"](?:versionContent/)?([^'\"]+)['\"];?[ \t]*$", re.MULTILINE
)
_DEEPEST = 5


def url_of(path: str) -> str:
    """Where a page of the working copy is read: its folders and name, `latest` after the first folder."""
    stem = path.removesuffix(".mdx").removesuffix(".md").removesuffix("/index")
    first, _, rest = stem.partition("/")
    rest = rest.removeprefix("_")
    return f"{SITE}{first}/latest/{rest}/" if rest else f"{SITE}{first}/latest/"


def is_page(path: str) -> bool:
    """Whether a file is a page of its own rather than a snippet, a template or a navigation list."""
    parts = path.split("/")
    if parts[0] in ("_partials", "_troubleshooting", "_queries", "_code-samples", "page-index", "navigation"):
        return parts[0] == "_troubleshooting"
    hidden = any(part.startswith(".") or part in ("_template", "page-index") for part in parts)
    return len(parts) > 1 and not hidden and path.endswith((".md", ".mdx"))


async def read_timescale(root: Path) -> AsyncIterator[Delivered]:
    """The pages of a folder or archive, with their snippets put in and their front matter's text written out."""
    files: dict[str, bytes] = {}
    others: list[Delivered] = []
    async for item in _all(root):
        if isinstance(item, RawPage):
            files[item.path] = item.data
        else:
            others.append(item)
    for item in others:
        yield item
    for path in sorted(files):
        if is_page(path):
            text = await asyncio.to_thread(expanded, path, files)
            yield RawPage(path, url_of(path), "mdx", text.encode())


async def _all(root: Path) -> AsyncIterator[Delivered]:
    if await asyncio.to_thread(is_archive, root):
        names = await asyncio.to_thread(names_in, root)
        folder = common_folder([name for name in names if format_of(name)])

        def select(name: str) -> str | None:
            name = name.removeprefix("./")
            return (
                name.removeprefix(folder)
                if name.startswith(folder) and format_of(name) in ("markdown", "mdx")
                else None
            )

        pages = read_archive(root, select, url_of)
    else:
        source = root / "src" if await asyncio.to_thread((root / "src").is_dir) else root
        pages = read_folder(source, url_of)
    async for page in pages:
        yield page


def expanded(path: str, files: Mapping[str, bytes]) -> str:
    """A page's Markdown: title and text out of its front matter, imported snippets in place of their tags."""
    matter, body = split_front_matter(decode_text(files[path]).text)
    body = _with_snippets(path, body, files, _DEEPEST)
    detail = matter.get("api_details")
    written = _details(cast("dict[str, Any]", detail)) if isinstance(detail, dict) else ""
    title = matter.get("title") or matter.get("api_name")
    if isinstance(title, str) and not re.search(r"^#\s", body, re.MULTILINE):
        body = f"# {title}\n\n{body}"
    kept = {
        name: matter[name]
        for name in ("title", "excerpt", "description")
        if isinstance(matter.get(name), str)
    }
    head = f"---\n{yaml.safe_dump(kept, allow_unicode=True)}---\n" if kept else ""
    return f"{head}{body}\n\n{_errors(matter)}{written}"


def _errors(matter: Mapping[str, Any]) -> str:
    """The messages that a page on trouble explains: readers paste them."""
    messages = [
        message for row in _rows(matter.get("errors")) if isinstance(message := row.get("message"), str)
    ]
    return "".join(f"```text\n{message.rstrip()}\n```\n\n" for message in messages)


def _with_snippets(path: str, body: str, files: Mapping[str, bytes], depth: int) -> str:
    """`body` with each `<Name />` replaced by the file that the page imports under that name."""
    if depth == 0:
        return body
    for name, target in _IMPORT.findall(body):
        candidates = (
            posixpath.normpath(target),
            posixpath.normpath(posixpath.join(posixpath.dirname(path), target)),
        )
        found = next(
            (
                each
                for base in candidates
                for each in (base, base.removesuffix("x"), base + ".md")
                if each in files
            ),
            None,
        )
        if found is None:
            continue
        _, text = split_front_matter(decode_text(files[found]).text)
        text = _with_snippets(found, text, files, depth - 1)
        body = re.sub(rf"<{name}\b[^>]*?/>", lambda _match, text=text: text.strip(), body)
    return _IMPORT.sub("", body)


def _details(detail: Mapping[str, Any]) -> str:
    """What the front matter says of a function: its summary, signatures, parameters, what it returns."""
    parts: list[str] = []
    for name in ("summary", "explanation"):
        if isinstance(text := detail.get(name), str):
            parts.append(text)
    for signature in _rows(detail.get("signatures")):
        parts.append(f"```{signature.get('language', 'sql')}\n{str(signature.get('code', '')).rstrip()}\n```")
    parameters = detail.get("parameters")
    if isinstance(parameters, dict):
        for group, rows in cast("dict[str, Any]", parameters).items():
            parts += _table(str(group), _rows(rows))
    for example in _rows(detail.get("examples")):
        command = example.get("command")
        code = cast("dict[str, Any]", command).get("code") if isinstance(command, dict) else None
        if isinstance(text := example.get("description"), str):
            parts.append(text)
        if isinstance(code, str):
            parts.append(f"```sql\n{code.rstrip()}\n```")
    return "\n\n".join(parts)


def _table(group: str, rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    heading = "Returns" if group == "returns" else f"{group.capitalize()} arguments"
    lines = ["| Name | Type | Description |", "| --- | --- | --- |"]
    for row in rows:
        name = row.get("name") or row.get("column") or ""
        described = str(row.get("description", "")).replace("|", "\\|")
        lines.append(f"| `{name}` | {row.get('type', '')} | {' '.join(described.split())} |")
    return [f"## {heading}", "\n".join(lines)]


def _rows(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        return []
    rows = cast("list[Any]", value)
    return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]
