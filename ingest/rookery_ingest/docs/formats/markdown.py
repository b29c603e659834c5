"""Reads Markdown and MDX: front matter, GitHub's tables, definition lists, admonitions, JSX around prose."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Any, cast

import yaml
from markdown_it import MarkdownIt

from rookery_ingest.docs.formats.article import Article
from rookery_ingest.docs.formats.html import read_html

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_ESM = re.compile(
    r"^(?:import\s.+?(?:from\s+)?['\"][^'\"]+['\"];?|export\s+(?:const|default)\s.*?;?)[ \t]*$", re.MULTILINE
)
_JSX_TAG = re.compile(
    r"</?[A-Z][\w.]*(?:\s+[\w:-]+(?:=(?:\"[^\"]*\"|'[^']*'|\{[^{}]*\}))?|\s*\{[^{}]*\})*\s*/?>"
)
_JSX_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.DOTALL)
_HEADING_ID = re.compile(r"[ \t]*\{#([\w:.-]+)\}[ \t]*$")
_DIRECTIVE = re.compile(r"^(:{3,}|!{3}|\?{3}\+?)[ \t]*(\w[\w-]*)?.*$", re.MULTILINE)


def read_markdown(data: bytes | str) -> Article:
    """The article of a Markdown or MDX document. The front matter's title and description are used, not shown."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    matter, body = split_front_matter(text)
    html = render(body)
    article = read_html(html) if html.strip() else Article("", [])
    title = matter.get("title")
    if isinstance(title, str) and title.strip() and not article.title:
        article.title = title.strip()
    article.description = description_of(matter)
    return article


def render(body: str) -> str:
    """Markdown as HTML, with ids on headings as GitHub gives them."""
    from rookery_ingest.docs.formats.slugs import Slugs

    parser = _parser()
    tokens = parser.parse(_without_jsx(body.replace("\r\n", "\n")))
    slugs = Slugs()
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open" and content.children is not None:
            explicit = _HEADING_ID.search(content.content)
            if explicit:
                content.content = content.content[: explicit.start()]
                _cut_tail(content, explicit.group(0))
            words = "".join(
                child.content for child in content.children if child.type in ("text", "code_inline")
            )
            opening.attrSet("id", explicit.group(1) if explicit else slugs.slug(words))
    return parser.renderer.render(tokens, parser.options, {})


def _cut_tail(content: Any, tail: str) -> None:
    for child in reversed(content.children):
        if child.type == "text" and child.content.endswith(tail.rstrip()):
            child.content = child.content[: -len(tail.rstrip())].rstrip()
            return


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.use(deflist_plugin).use(footnote_plugin)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """(front matter, the rest). What is not YAML of a mapping is no front matter but is still left out."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        matter = yaml.safe_load(match.group(1) or "")
    except yaml.YAMLError:
        matter = None
    return cast("dict[str, Any]", matter) if isinstance(matter, dict) else {}, text[match.end() :]


def description_of(matter: dict[str, Any]) -> str | None:
    """The summary that front matter gives, under one of its usual names."""
    for name in ("description", "excerpt", "summary", "abstract"):
        value = matter.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split())
    return None


def _without_jsx(text: str) -> str:
    """Without the module syntax and component tags of MDX; what stands between tags stays. Code is not touched."""
    parts: list[str] = []
    position = 0
    for start, end in _fenced(text):
        parts.append(_prose(text[position:start]))
        parts.append(text[start:end])
        position = end
    parts.append(_prose(text[position:]))
    return "".join(parts)


def _prose(text: str) -> str:
    text = _JSX_COMMENT.sub("", _ESM.sub("", text))
    text = _JSX_TAG.sub("", text)
    return _DIRECTIVE.sub(
        lambda match: f"\n**{match.group(2).capitalize()}**\n" if match.group(2) else "", text
    )


def _fenced(text: str) -> list[tuple[int, int]]:
    """Where fenced code lies."""
    found: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        mark = match.group(1)
        if opened is None:
            opened = (match.start(), mark)
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]):
            line_end = text.find("\n", match.end())
            end = len(text) if line_end < 0 else line_end + 1
            if text[match.end() : end].strip():
                continue
            found.append((opened[0], end))
            opened = None
    if opened is not None:
        found.append((opened[0], len(text)))
    return found
