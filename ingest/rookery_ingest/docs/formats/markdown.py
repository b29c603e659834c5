"""Reads Markdown and MDX by markdown-it: front matter, GitHub's tables, definition lists, admonitions, components."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Any, cast

import yaml
from markdown_it import MarkdownIt

from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.formats.article import Article
from rookery_ingest.docs.formats.html import read_html
from rookery_ingest.docs.formats.markdown_rules import add_rules

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_HEADING_ID = re.compile(r"[ \t]*\{(?:/\*\s*)?#([\w:.-]+)(?:\s*\*/)?\}[ \t]*$")
_IMPORT = re.compile(r"^import\s+([\w{*][^'\"\n]*?)\s+from\s+['\"][^'\"\n]+['\"];?[ \t]*$", re.MULTILINE)


def read_markdown(data: bytes | str) -> Article:
    """The article of a Markdown document. The front matter's title and description are used, not shown.

    A page that imports components and uses them is MDX, whatever its name ends with.
    """
    return _read(data, mdx=False)


def read_mdx(data: bytes | str) -> Article:
    """The article of an MDX document: without module syntax, comments and the tags of components."""
    return _read(data, mdx=True)


def _read(data: bytes | str, *, mdx: bool) -> Article:
    text = data if isinstance(data, str) else decode_text(data).text
    matter, body = split_front_matter(text.removeprefix("\ufeff"))
    html = render(body, mdx=mdx or _uses_components(body))
    article = read_html(html) if html.strip() else Article("", [])
    title = matter.get("title")
    if isinstance(title, str) and title.strip() and not article.title:
        article.title = title.strip()
    article.description = description_of(matter)
    return article


def _uses_components(body: str) -> bool:
    """Whether a page imports names and uses one of them as a tag."""
    names = {name for match in _IMPORT.finditer(body) for name in re.findall(r"[A-Z]\w*", match[1])}
    return any(re.search(rf"<{name}[\s/>]", body) for name in names)


def render(body: str, *, mdx: bool = False) -> str:
    """Markdown as HTML, with ids on headings as GitHub gives them."""
    from rookery_ingest.docs.formats.slugs import Slugs

    parser = _parser(mdx)
    tokens = parser.parse(body.replace("\r\n", "\n").replace("\r", "\n"))
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


@lru_cache(maxsize=2)
def _parser(mdx: bool) -> MarkdownIt:
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return add_rules(parser.use(deflist_plugin).use(footnote_plugin), mdx=mdx)


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
