"""Reads AsciiDoc: the subset that documentation is written in, turned into HTML and read as that.

No parser of AsciiDoc on the Python registry is both kept up and licensed like this project, so this one reads:
section titles, block anchors and ids, paragraphs, ordered, unordered and description lists (nested by their marks, with
`+` continuations), listings, literal and source blocks with callouts, tables with a header, admonitions (paragraph and
block), sidebars and examples, images' alternative text, comments, document attributes and their references, conditionals
on attributes, inline code, emphasis, links and cross references. It includes no other file. What it does not know it
keeps as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.formats.article import Article
from rookery_ingest.docs.formats.asciidoc_inline import inline_html
from rookery_ingest.docs.formats.html import read_html

_SECTION = re.compile(r"^(={1,6}|#{1,6})\s+(\S.*?)(?:\s+\1)?\s*$")
_ATTRIBUTE = re.compile(r"^:(!?)([\w-]+)(!?):(?:\s+(.*))?$")
_ANCHOR = re.compile(r"^\[\[([\w:.-]+)(?:,.*)?\]\]\s*$")
_STYLE = re.compile(r"^\[(?!\[)([^\]]*)\]\s*$")
_TITLE = re.compile(r"^\.(?=[^\s.])(.+)$")
_DELIMITER = re.compile(r"^(-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|`{3,}\w*|--)\s*$")
_TABLE = re.compile(r"^([|,:!])===\s*$")
_UNORDERED = re.compile(r"^\s*(\*{1,6}|-)\s+(\S.*)$")
_ORDERED = re.compile(r"^\s*(\.{1,6}|\d+\.)\s+(\S.*)$")
_DESCRIBED = re.compile(r"^\s*(\S.*?)(:{2,4}|;;)(?:\s+(.*))?$")
_ADMONITION = re.compile(r"^(NOTE|TIP|IMPORTANT|WARNING|CAUTION):\s+(.*)$")
_CONDITION = re.compile(r"^(ifdef|ifndef|ifeval|endif)::(.*)\[(.*)\]\s*$")
_INCLUDE = re.compile(r"^include::(\S+)\[.*\]\s*$")
_CALLOUT = re.compile(r"^<(\d+|\.)>\s+(.*)$")
_ID = re.compile(r"(?:^|,\s*|%\w+)#([\w:.-]+)|\bid=[\"']?([\w:.-]+)")


def read_asciidoc(data: bytes | str) -> Article:
    """The article of an AsciiDoc document."""
    text = data if isinstance(data, str) else decode_text(data).text
    reader = _Reader(text.replace("\r\n", "\n").split("\n"))
    return read_html("<main>" + "".join(reader.blocks()) + "</main>")


class _Reader:
    """Lines in, HTML out. Ids and styles met on the way belong to the next block."""

    def __init__(self, lines: list[str], attributes: dict[str, str] | None = None) -> None:
        self._attributes = {} if attributes is None else attributes
        self._lines = list(self._kept(lines))
        self._at = 0
        self._anchor: str | None = None
        self._style = ""

    def _kept(self, lines: list[str]) -> Iterator[str]:
        """The lines that conditions leave; attributes are noted on the way."""
        shown = [True]
        for line in lines:
            if match := _CONDITION.match(line):
                kind, name, content = match.groups()
                if kind == "endif":
                    shown[1:] = shown[1:-1]
                elif content and kind != "ifeval":
                    if shown[-1] and self._holds(kind, name):
                        yield content
                else:
                    shown.append(shown[-1] and self._holds(kind, name))
            elif shown[-1]:
                if match := _ATTRIBUTE.match(line):
                    self._note(match)
                yield line

    def _holds(self, kind: str, name: str) -> bool:
        if kind == "ifeval":
            return True
        known = any(part in self._attributes for part in re.split(r"[,+]", name))
        return known if kind == "ifdef" else not known

    def _note(self, match: re.Match[str]) -> None:
        off, name, off_after, value = match.groups()
        if off or off_after:
            self._attributes.pop(name, None)
        else:
            self._attributes[name] = value or ""

    def blocks(self) -> Iterator[str]:
        """The HTML of each block."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if (
                not line.strip()
                or _ATTRIBUTE.match(line)
                or (line.startswith("//") and not line.startswith("////"))
            ):
                self._at += 1
            elif not self._mark(line):
                yield self._block(line)

    def _mark(self, line: str) -> bool:
        """Take a line that says something about the next block."""
        if match := _ANCHOR.match(line):
            self._anchor = match.group(1)
        elif match := _STYLE.match(line):
            self._style = match.group(1)
            if found := _ID.search(self._style):
                self._anchor = found.group(1) or found.group(2)
        else:
            return False
        self._at += 1
        return True

    def _block(self, line: str) -> str:
        if match := _SECTION.match(line):
            return self._section(match)
        if match := _TABLE.match(line):
            return self._table(match.group(0).strip(), match.group(1))
        if match := _DELIMITER.match(line):
            return self._delimited(match.group(1))
        if match := _INCLUDE.match(line):
            self._at += 1
            return f"<p>{escape(match.group(1))}</p>"
        if (match := _TITLE.match(line)) and not _ORDERED.match(line):
            self._at += 1
            return f"<p><b>{self._inline(match.group(1))}</b></p>"
        if _UNORDERED.match(line) or _ORDERED.match(line) or _CALLOUT.match(line):
            return self._list()
        if (match := _DESCRIBED.match(line)) and "://" not in match.group(1):
            return self._descriptions(match.group(2))
        return self._paragraph()

    def _section(self, match: re.Match[str]) -> str:
        self._at += 1
        level = len(match.group(1))
        return f"<h{level}{self._id()}>{self._inline(match.group(2))}</h{level}>"

    def _paragraph(self) -> str:
        anchor = self._id()
        literal = self._lines[self._at].startswith((" ", "\t"))
        source = self._take_style().startswith(("source", "listing", "literal"))
        lines: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].strip():
            if lines and (_DELIMITER.match(self._lines[self._at]) or _TABLE.match(self._lines[self._at])):
                break
            lines.append(self._lines[self._at])
            self._at += 1
        if literal or source:
            return f"<pre{anchor}>{escape(chr(10).join(lines))}</pre>"
        text = " ".join(line.removesuffix(" +").strip() for line in lines)
        if match := _ADMONITION.match(text):
            kind = match.group(1).capitalize()
            return f'<div class="note"{anchor}><h3>{kind}</h3><p>{self._inline(match.group(2))}</p></div>'
        return f"<p{anchor}>{self._inline(text)}</p>"

    def _delimited(self, mark: str) -> str:
        """A block between two equal lines."""
        anchor, style = self._id(), self._take_style()
        self._at += 1
        lines: list[str] = []
        closing = "```" if mark.startswith("```") else mark
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != closing:
            lines.append(self._lines[self._at])
            self._at += 1
        self._at += 1
        kind = mark[0]
        if kind == "/":
            return ""
        if (
            kind in ".`"
            or (kind == "-" and mark != "--")
            or style.startswith(("source", "listing", "literal"))
        ):
            return f"<pre{anchor}{_language(style, mark)}>{escape(chr(10).join(lines))}</pre>"
        inner = "".join(_Reader(lines, self._attributes).blocks())
        word = style.split(",")[0].strip().upper()
        if word in ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"):
            return f'<div class="note"{anchor}><h3>{word.capitalize()}</h3>{inner}</div>'
        return f"<div{anchor}>{inner}</div>"

    def _table(self, mark: str, separator: str) -> str:
        anchor, style = self._id(), self._take_style()
        self._at += 1
        lines: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].strip() != mark:
            lines.append(self._lines[self._at])
            self._at += 1
        self._at += 1
        cells = _cells(lines, "," if "csv" in style else separator)
        width = _width(style, cells)
        flat = [cell for row in cells for cell in row]
        rows = [flat[start : start + width] for start in range(0, len(flat), width)] if width else []
        body = "".join(
            "<tr>" + "".join(f"<{tag}>{self._inline(cell)}</{tag}>" for cell in row) + "</tr>"
            for number, row in enumerate(rows)
            for tag in ("th" if number == 0 and _has_header(style, lines) else "td",)
        )
        return f"<table{anchor}>{body}</table>"

    def _list(self) -> str:
        """A list and those within it, by their marks."""
        self._take_style()
        anchor = self._id()
        items: list[tuple[str, str]] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            match = _UNORDERED.match(line) or _ORDERED.match(line) or _CALLOUT.match(line)
            if match is None:
                if not line.strip() and self._list_goes_on():
                    self._at += 1
                    continue
                break
            self._at += 1
            items.append((match.group(1), self._item(match.group(2))))
        return _nested(items, anchor)

    def _list_goes_on(self) -> bool:
        following = self._lines[self._at + 1] if self._at + 1 < len(self._lines) else ""
        return bool(_UNORDERED.match(following) or _ORDERED.match(following))

    def _item(self, first: str) -> str:
        """An item's text and what is attached to it by `+`."""
        words = [first]
        attached = ""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip() == "+":
                self._at += 1
                while self._at < len(self._lines) and self._mark(self._lines[self._at]):
                    pass
                if self._at < len(self._lines):
                    attached += self._block(self._lines[self._at])
            elif not line.strip() or attached or _begins(line):
                break
            else:
                words.append(line.strip())
                self._at += 1
        return f"<p>{self._inline(' '.join(words))}</p>{attached}"

    def _descriptions(self, mark: str) -> str:
        anchor = self._id()
        self._take_style()
        parts: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at]
            match = _DESCRIBED.match(line)
            if match is None or match.group(2) != mark:
                if not line.strip() and self._description_goes_on(mark):
                    self._at += 1
                    continue
                break
            self._at += 1
            parts.append(self._description(match))
        return f"<dl{anchor}>{''.join(parts)}</dl>"

    def _description(self, match: re.Match[str]) -> str:
        term, anchors = re.subn(r"\[\[([\w:.-]+)\]\]", "", match.group(1))
        found = re.search(r"\[\[([\w:.-]+)\]\]", match.group(1)) if anchors else None
        name = f' id="{escape(found.group(1))}"' if found else ""
        head = f"<dt{name}>{self._inline(term.strip())}</dt>"
        while self._at < len(self._lines) and not self._lines[self._at].strip() and not match.group(3):
            if self._description_goes_on(match.group(2)) or self._at + 1 >= len(self._lines):
                break
            self._at += 1
            if self._at < len(self._lines) and (_SECTION.match(self._lines[self._at])):
                return head
        first = match.group(3) or ""
        if not first and self._at < len(self._lines) and (_UNORDERED.match(self._lines[self._at])):
            return f"{head}<dd>{self._list()}</dd>"
        return f"{head}<dd>{self._item(first)}</dd>"

    def _description_goes_on(self, mark: str) -> bool:
        following = self._lines[self._at + 1] if self._at + 1 < len(self._lines) else ""
        match = _DESCRIBED.match(following)
        return match is not None and match.group(2) == mark

    def _inline(self, text: str) -> str:
        return inline_html(text, self._attributes)

    def _id(self) -> str:
        anchor, self._anchor = self._anchor, None
        return f' id="{escape(anchor)}"' if anchor else ""

    def _take_style(self) -> str:
        style, self._style = self._style, ""
        return style


def _begins(line: str) -> bool:
    return bool(
        _UNORDERED.match(line)
        or _ORDERED.match(line)
        or _DELIMITER.match(line)
        or _TABLE.match(line)
        or _STYLE.match(line)
        or _ANCHOR.match(line)
        or _CALLOUT.match(line)
        or ((match := _DESCRIBED.match(line)) and "://" not in match.group(1))
    )


def _nested(items: list[tuple[str, str]], anchor: str) -> str:
    """Lists within lists: a mark not seen before begins one, one seen before goes back to its own."""
    out: list[str] = []
    open_marks: list[str] = []
    for mark, body in items:
        mark = "1." if mark[0].isdigit() else mark
        if mark in open_marks:
            while open_marks[-1] != mark:
                out.append(f"</li></{_tag(open_marks.pop())}>")
            out.append("</li>")
        else:
            out.append(f"<{_tag(mark)}{anchor if not open_marks else ''}>")
            open_marks.append(mark)
        out.append(f"<li>{body}")
    while open_marks:
        out.append(f"</li></{_tag(open_marks.pop())}>")
    return "".join(out)


def _tag(mark: str) -> str:
    return "ol" if mark[0] in ".1<" else "ul"


def _language(style: str, mark: str) -> str:
    parts = [part.strip() for part in style.split(",")]
    language = (
        mark[3:] if mark.startswith("```") else parts[1] if len(parts) > 1 and parts[0] == "source" else ""
    )
    return f' class="language-{escape(language)}"' if language.isalnum() else ""


def _cells(lines: list[str], separator: str) -> list[list[str]]:
    """The cells of each line; a line without separator goes on with the cell before."""
    rows: list[list[str]] = []
    split = re.compile(r"(?:^|\s)(?:\d*\.?\d*[+*])?[<^>.]*[aehlmsdv]?(?<!\\)" + re.escape(separator))
    for line in lines:
        if separator == ",":
            rows.append([cell.strip() for cell in line.split(",")])
            continue
        parts = split.split(line)
        if len(parts) == 1:
            if rows and rows[-1] and line.strip():
                rows[-1][-1] += " " + line.strip()
            continue
        rows.append([part.strip().replace("\\" + separator, separator) for part in parts[1:]])
    return [row for row in rows if row]


def _width(style: str, rows: list[list[str]]) -> int:
    if match := re.search(r"cols=\"?([^\"\]]+)", style):
        columns = match.group(1)
        if repeated := re.match(r"(\d+)\*", columns):
            return int(repeated.group(1))
        return int(columns) if columns.strip().isdigit() else len(columns.split(","))
    return len(rows[0]) if rows else 0


def _has_header(style: str, lines: list[str]) -> bool:
    return "header" in style or (len(lines) > 1 and bool(lines[0].strip()) and not lines[1].strip())
