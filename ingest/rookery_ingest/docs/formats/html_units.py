"""Blocks that stay whole: code and tables."""

from __future__ import annotations

import re
from typing import Any

from rookery_ingest.docs.formats.article import Block
from rookery_ingest.docs.formats.html_inline import Inline, classes, inline, squeeze

_LANGUAGE = re.compile(r"(?:language-|lang-|highlight-|source-)([A-Za-z0-9+#-]+)")
_NOT_A_LANGUAGE = {"default", "none", "notranslate", "text"}


def code_block(element: Any) -> Block:
    """A listing, byte for byte, in a fence longer than any inside."""
    text = "".join(element.itertext()).replace("\u200b", "").replace("\r\n", "\n").strip("\n").rstrip()
    if not text.strip():
        return Block("code", "")
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    anchors = [child.get("id") for child in element.iter() if child.get("id")]
    return Block("code", f"{fence}{_language(element)}\n{text}\n{fence}", inner=anchors)


def _language(element: Any) -> str:
    for candidate in [element, *element.iter("code", "pre")]:
        if match := _LANGUAGE.search(candidate.get("class") or ""):
            language = match.group(1).lower()
            return "" if language in _NOT_A_LANGUAGE else language
    return ""


def table_block(element: Any) -> Block:
    """A table as Markdown rows. Its terms are what the first cells of its rows name."""
    block = Block("table", "")
    rows: list[str] = []
    caption = element.find("./caption")
    if caption is not None and (text := squeeze("".join(caption.itertext()))):
        rows.append(f"{text}\n")
    header_done = False
    for row in element.iter("tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        if not cells:
            continue
        found = [inline(cell) for cell in cells]
        rows.append("| " + " | ".join(_cell(item) for item in found) + " |")
        if not header_done:
            rows.append("|" + " --- |" * len(cells))
            header_done = True
        _collect(block, cells, found)
    block.text = "\n".join(rows) if header_done else ""
    return block


def _cell(found: Inline) -> str:
    return found.text().replace("|", "\\|")


def _collect(block: Block, cells: list[Any], found: list[Inline]) -> None:
    for item in found:
        block.links += item.links
        block.inner += item.anchors
        block.terms += item.terms
    if cells[0].tag == "td":
        block.terms += _row_terms(cells[0], found[0])


def _row_terms(cell: Any, found: Inline) -> list[str]:
    """What a row is about: the functions its signature names, else its first code, else its few words."""
    functions = {
        squeeze("".join(code.itertext()))
        for signature in cell.iter("p")
        if "func_signature" in classes(signature)
        for code in signature.iter("code")
        if "function" in classes(code)
    }
    if functions:
        return sorted(functions)
    if found.codes:
        return found.codes[:1]
    text = found.text()
    return [text] if 1 < len(text) <= 40 else []
