"""Which text in angle brackets is an HTML tag, and which is a placeholder or a type such as `List<String>`.

Markdown takes any `<name>` for HTML. A name that HTML does not know, or an element that is opened and closed nowhere,
is what its author wrote: text.
"""

from __future__ import annotations

import re
from html import escape

TAG = re.compile(r"</?([A-Za-z][\w.:-]*)((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>")
_CLOSING = re.compile(r"</([A-Za-z][\w.:-]*)\s*>")
_INERT = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<[!?][^>]*>", re.DOTALL)

_ELEMENTS = frozenset(
    [
        "a",
        "abbr",
        "address",
        "area",
        "article",
        "aside",
        "audio",
        "b",
        "base",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "body",
        "br",
        "button",
        "canvas",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "data",
        "datalist",
        "dd",
        "del",
        "details",
        "dfn",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "em",
        "embed",
        "fieldset",
        "figcaption",
        "figure",
        "font",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hgroup",
        "hr",
        "html",
        "i",
        "iframe",
        "img",
        "input",
        "ins",
        "kbd",
        "label",
        "legend",
        "li",
        "link",
        "main",
        "map",
        "mark",
        "menu",
        "meta",
        "meter",
        "nav",
        "noscript",
        "object",
        "ol",
        "optgroup",
        "option",
        "output",
        "p",
        "param",
        "picture",
        "pre",
        "progress",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "script",
        "search",
        "section",
        "select",
        "slot",
        "small",
        "source",
        "span",
        "strike",
        "strong",
        "style",
        "sub",
        "summary",
        "sup",
        "svg",
        "table",
        "tbody",
        "td",
        "template",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "time",
        "title",
        "tr",
        "track",
        "tt",
        "u",
        "ul",
        "var",
        "video",
        "wbr",
    ]
)
_EMPTY = frozenset(("br", "hr", "wbr"))
_MAY_STAY_OPEN = frozenset(
    ("div", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "caption", "colgroup")
)


def closed_names(source: str) -> frozenset[str]:
    """The names, as written, of the tags that `source` closes."""
    return frozenset(match[1] for match in _CLOSING.finditer(source))


def is_html(tag: str, closed: frozenset[str], *, block: bool = False) -> bool:
    """Whether a text in angle brackets is HTML in a document that closes these names.

    block: it begins a line or stands in a block of HTML, where some elements are left open; in prose that is a name.
    """
    match = TAG.match(tag)
    if match is None:
        return _INERT.match(tag) is not None
    name, rest = match[1], match[2]
    known = name.lower() in _ELEMENTS and (name.islower() or name.isupper() or name[1:].isdigit())
    if not known:
        return False
    if tag.startswith("</") or name in closed or rest.rstrip().endswith("/"):
        return True
    return "=" in rest or name.lower() in _EMPTY or (block and name in _MAY_STAY_OPEN)


def is_component(tag: str) -> bool:
    """Whether a text in angle brackets is a tag of an MDX component: its name is capitalised or has a dot."""
    match = TAG.match(tag)
    return match is not None and (match[1][0].isupper() or "." in match[1])


def escape_foreign_tags(html: str, closed: frozenset[str], *, components: bool) -> str:
    """`html` with tags that are no HTML as text; those of components (where the document may have any) left out."""

    def replace(match: re.Match[str]) -> str:
        tag = match[0]
        if is_html(tag, closed, block=True):
            return tag
        return "" if components and is_component(tag) else escape(tag, quote=False)

    return TAG.sub(replace, html)
