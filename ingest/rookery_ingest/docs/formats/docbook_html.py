"""HTML as DocBook's stock stylesheets write it, brought into shapes that say what they are.

A reference page is headed "Name" there, a function's synopsis is a paragraph with code in pieces, an admonition is a
table for its icon, and sections without an id get a number that the next build changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rookery_ingest.docs.formats.html import parsed
from rookery_ingest.docs.formats.tree import etree, html

_COMPONENTS = (
    "book",
    "part",
    "preface",
    "chapter",
    "appendix",
    "reference",
    "refentry",
    "glossary",
    "article",
)
_BOXES = ("note", "tip", "warning", "caution", "important")
_GENERATED = re.compile(r"idm?\d+|id-[\d.]+|[a-z]*\d{6,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def plain_page(data: bytes) -> bytes:
    """A page in plain shapes. What is no HTML stays as it is."""
    root = _parsed(data)
    if root is None:
        return data
    _plain(root)
    return _written(root)


def split_book(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The pages that the chunking stylesheets make of a book in one file: the id of each component, and its page.

    A component that has no id of its own stays in the one around it.
    """
    root = _parsed(data)
    if root is None:
        return
    components = [
        (name, element)
        for element in root.iter("div")
        if (element.get("class") or "") in _COMPONENTS[1:] and (name := _own_id(element))
    ]
    for _, element in components:
        _detach(element)
    homes = {anchor: name for name, element in components for anchor in element.xpath(".//@id | .//a/@name")}
    for name, element in components:
        _lead_home(element, name, homes)
        page = html.Element("html")
        etree.SubElement(page, "body").append(element)
        _plain(page)
        yield name, _written(page)


def _parsed(data: bytes) -> Any:
    """A tree without the control characters that a damaged reference (&#8;) makes: lxml reads them but writes none."""
    root = parsed(data)
    for element in () if root is None else root.iter("*"):
        element.text, element.tail = _sayable(element.text), _sayable(element.tail)
        for name, value in element.items():
            if _CONTROL.search(value):
                element.set(name, _CONTROL.sub("", value))
    return root


def _sayable(text: str | None) -> str | None:
    return _CONTROL.sub("", text) if text else text


def _written(root: Any) -> bytes:
    for charset in root.xpath(
        "//meta[@charset or translate(@http-equiv, 'CONTEYP', 'conteyp') = 'content-type']"
    ):
        charset.getparent().remove(charset)
    return b"<!DOCTYPE html>\n" + etree.tostring(root, method="html", encoding="utf-8")


def _own_id(element: Any) -> str | None:
    found = element.get("id") or next(
        iter(
            element.xpath("./a/@name | ./div[@class='titlepage']//a/@name | ./div[@class='titlepage']//@id")
        ),
        None,
    )
    return None if found is None or _GENERATED.fullmatch(found) else str(found)


def _detach(element: Any) -> None:
    """Take an element out of its place, and leave the text after it there."""
    tail, element.tail = element.tail, None
    parent, before = element.getparent(), element.getprevious()
    parent.remove(element)
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail


def _lead_home(element: Any, own: str, homes: dict[str, str]) -> None:
    """Let links to what is on another page now lead there."""
    for link in element.xpath(".//a[starts-with(@href, '#')]"):
        anchor = link.get("href")[1:]
        home = homes.get(anchor, own)
        if home != own:
            link.set("href", f"{home}.html" if anchor == home else f"{home}.html#{anchor}")


def _plain(root: Any) -> None:
    for names in root.xpath("//div[@class='refnamediv']"):
        _name(names)
    for line in root.xpath("//div[@class='funcsynopsis']//p[code[@class='funcdef']]"):
        _synopsis(line)
    for box in root.xpath("//div[table]"):
        if box.get("class") in _BOXES:
            _box(box)
    for anchor in root.xpath("//*[@id or @name]"):
        for attribute in ("id", "name"):
            if _GENERATED.fullmatch(anchor.get(attribute) or ""):
                del anchor.attrib[attribute]


def _name(names: Any) -> None:
    """Head a reference page by what it describes."""
    heading, line = names.find("h2"), names.find("p")
    if heading is None or line is None or (heading.text or "").strip() != "Name":
        return
    heading.text = " ".join((line.text_content()).split()).partition(" \N{EM DASH} ")[0]
    heading.tag = "h1"


def _synopsis(line: Any) -> None:
    text = " ".join(line.text_content().split())
    line.clear(keep_tail=True)
    line.tag, line.text = "pre", text


def _box(box: Any) -> None:
    """Keep the words of an admonition, without the table that holds its icon."""
    table = box.find("table")
    words = [part for cell in table.xpath(".//td[@valign='top' and not(@rowspan)]") for part in cell]
    if not words:
        return
    box.remove(table)
    box.extend(words)
