"""Reads DocBook, XML or the SGML that PostgreSQL's manual is written in, by renaming its elements to HTML's."""

from __future__ import annotations

import re
from typing import Any

from rookery_core.errors import InvalidInput
from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.formats.article import Article
from rookery_ingest.docs.formats.html import article_of
from rookery_ingest.docs.formats.tree import etree, html

_SECTIONS = {
    "book", "part", "chapter", "appendix", "preface", "article", "section", "sect1", "sect2", "sect3", "sect4", "sect5",
    "simplesect", "refentry", "refsect1", "refsect2", "refsect3", "refsynopsisdiv", "glossary", "reference",
}  # fmt: skip
_RENAMED = {
    "para": "p", "simpara": "p", "formalpara": "div", "programlisting": "pre", "screen": "pre", "synopsis": "pre",
    "literallayout": "pre", "cmdsynopsis": "p", "itemizedlist": "ul", "simplelist": "ul", "orderedlist": "ol",
    "procedure": "ol", "listitem": "li", "member": "li", "step": "li", "substeps": "ol", "row": "tr", "entry": "td",
    "informaltable": "table", "table": "table", "link": "a", "ulink": "a", "refpurpose": "span", "glossterm": "span",
    "blockquote": "blockquote", "note": "div", "tip": "div", "warning": "div", "caution": "div", "important": "div",
    "firstterm": "dfn", "emphasis": "em", "quote": "q",
}  # fmt: skip
_CODE = {
    "literal", "command", "function", "type", "varname", "filename", "option", "parameter", "structname", "structfield",
    "symbol", "envar", "constant", "replaceable", "userinput", "computeroutput", "token", "classname", "systemitem",
    "returnvalue", "keycap", "property", "refname", "arg",
}  # fmt: skip
_DROPPED = {
    "indexterm",
    "primary",
    "secondary",
    "remark",
    "colspec",
    "spanspec",
    "refmeta",
    "bookinfo",
    "docinfo",
}
_TYPES = {"type", "replaceable", "returnvalue"}
_ENTITY = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;|#)([A-Za-z][\w.-]*);")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
_MARKED = re.compile(r"<!\[\s*(?:%[\w.-]+;|IGNORE)\s*\[.*?\]\]>", re.DOTALL)
_SHORT_END = re.compile(r"</>")
_ANY_TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*)?([^<>]*?)(/?)>")
_NAMED = {
    "mdash": "—",
    "ndash": "–",
    "nbsp": " ",
    "hellip": "…",
    "copy": "©",
    "reg": "®",
    "trade": "™",
    "times": "×",
}


def read_docbook(data: bytes | str) -> Article:
    """The article of a DocBook document. Entities that are defined elsewhere keep their names, nothing is fetched.

    Raises InvalidInput for a text without sections and paragraphs.
    """
    text = data if isinstance(data, str) else decode_text(data).text
    source = _ENTITY.sub(_entity, _MARKED.sub("", _DOCTYPE.sub("", text)))
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", _close_short_ends(source))
    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, remove_comments=True, huge_tree=True
    )
    root = etree.fromstring(f"<wrapper>{source}</wrapper>".encode(), parser=parser)
    if root is None or not any(_local(element) in _SECTIONS | set(_RENAMED) for element in root.iter()):
        raise InvalidInput("Not DocBook: no section and no paragraph in it.")
    page = html.Element("main")
    _convert(root, page, depth=0)
    return article_of(page)


def _entity(match: re.Match[str]) -> str:
    return _NAMED.get(match.group(1), match.group(1))


def _close_short_ends(text: str) -> str:
    """SGML's `</>` closes whatever is open."""
    if not _SHORT_END.search(text):
        return text
    stack: list[str] = []

    def closed(match: re.Match[str]) -> str:
        end, name, _, empty = match.groups()
        if end and not name:
            return f"</{stack.pop()}>" if stack else ""
        if end:
            if name in stack:
                while stack and stack.pop() != name:
                    pass
        elif name and not empty:
            stack.append(name)
        return match.group(0)

    return _ANY_TAG.sub(closed, text)


def _local(element: Any) -> str:
    return element.tag.rsplit("}", 1)[-1].lower() if isinstance(element.tag, str) else ""


def _id(element: Any) -> str | None:
    return element.get("id") or element.get("{http://www.w3.org/XML/1998/namespace}id")


def _convert(source: Any, target: Any, depth: int) -> None:
    """Append what `source` holds to `target`, as HTML."""
    _append_text(target, source.text)
    for child in source:
        name = _local(child)
        if name and name not in _DROPPED:
            _element(child, name, target, depth)
        _append_text(target, child.tail)


def _element(child: Any, name: str, target: Any, depth: int) -> None:
    if name in _SECTIONS:
        made = _made(target, "div", child)
        _convert(child, made, depth + 1)
    elif name in ("title", "refentrytitle", "bridgehead"):
        heading = target.tag == "div" or target.tag == "main"
        _convert(child, _made(target, f"h{min(max(depth, 1), 6)}" if heading else "p", child), depth)
    elif name == "variablelist" or name == "glosslist":
        _convert(child, _made(target, "dl", child), depth)
    elif name in ("varlistentry", "glossentry"):
        _definition(child, target, depth)
    elif name == "xref":
        _append_text(target, child.get("endterm") or child.get("linkend"))
    elif name == "refnamediv":
        _purpose(child, target, depth)
    elif name == "thead":
        _convert(child, target, depth)
    else:
        _other(child, name, target, depth)


def _other(child: Any, name: str, target: Any, depth: int) -> None:
    tag = _RENAMED.get(name) or ("code" if name in _CODE else "span")
    made = _made(target, tag, child)
    if name in _TYPES:
        made.set("class", "replaceable")
    if name in ("note", "tip", "warning", "caution", "important"):
        made.set("class", name)
        _append_text(_made(made, "h3", None), name.capitalize())
    if tag == "a" and (link := child.get("url") or child.get("linkend") or child.get("href")):
        made.set("href", link if "://" in link else f"#{link}")
    _convert(child, made, depth)


def _definition(entry: Any, target: Any, depth: int) -> None:
    for part in entry:
        name = _local(part)
        if name in ("term", "glossterm"):
            made = _made(target, "dt", part)
            if (anchor := _id(entry)) and made.get("id") is None:
                made.set("id", anchor)
            _convert(part, made, depth)
        elif name in ("listitem", "glossdef"):
            _convert(part, _made(target, "dd", part), depth)


def _purpose(names: Any, target: Any, depth: int) -> None:
    """The name and purpose of a reference page, as DocBook's own stylesheets write them."""
    shown = [" ".join("".join(part.itertext()).split()) for part in names if _local(part) == "refname"]
    purpose = [" ".join("".join(part.itertext()).split()) for part in names if _local(part) == "refpurpose"]
    box = _made(target, "div", names)
    box.set("class", "refnamediv")
    _append_text(_made(box, f"h{min(max(depth, 1), 6)}", None), ", ".join(shown))
    _append_text(_made(box, "p", None), " — ".join(filter(None, [", ".join(shown), *purpose])))


def _made(parent: Any, tag: str, source: Any | None) -> Any:
    made = etree.SubElement(parent, tag)
    if source is not None and (anchor := _id(source)):
        made.set("id", anchor)
    return made


def _append_text(target: Any, text: str | None) -> None:
    if not text:
        return
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text
