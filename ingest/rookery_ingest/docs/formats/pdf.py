"""Reads PDF: the text of each page under its outline's headings, where the file has an outline."""

from __future__ import annotations

import io
import re
from importlib import import_module
from typing import Any

from rookery_core.errors import InvalidInput
from rookery_ingest.docs.formats.article import Article, Block

_HYPHENATED = re.compile(r"(\w)-\n(?=[a-z])")


def read_pdf(data: bytes) -> Article:
    """The article of a PDF. Anchors are `page=N`, as viewers understand them. Raises InvalidInput when it is none."""
    pypdf: Any = import_module("pypdf")
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InvalidInput("The PDF is encrypted with a password.")
        pages = [(page.extract_text() or "").strip() for page in reader.pages]
        headings = _outline(reader)
        metadata: Any = reader.metadata or {}
        title = str(metadata.get("/Title") or "").strip()
    except InvalidInput:
        raise
    except Exception as error:  # noqa: BLE001 pypdf lets through whatever a broken file makes it stumble over
        raise InvalidInput(f"Not a readable PDF: {type(error).__name__}.") from None
    blocks: list[Block] = []
    for number, text in enumerate(pages):
        blocks += _page(number, text, headings.get(number, []))
    title = title or next((block.text for block in blocks if block.kind == "heading"), "")
    return Article(title or next((block.text.split("\n")[0][:120] for block in blocks), ""), blocks)


def _page(number: int, text: str, headings: list[tuple[int, str]]) -> list[Block]:
    anchor = f"page={number + 1}"
    blocks = [Block("heading", heading, level, anchor) for level, heading in headings]
    joined = _HYPHENATED.sub(r"\1", text)
    for part in re.split(r"\n[ \t]*\n+", joined):
        if part.strip():
            blocks.append(Block("text", part.strip(), anchor=anchor))
    return blocks


def _outline(reader: Any) -> dict[int, list[tuple[int, str]]]:
    """Headings by the page they point at: (level, words)."""
    found: dict[int, list[tuple[int, str]]] = {}

    def walk(items: list[Any], level: int) -> None:
        for item in items:
            if isinstance(item, list):
                walk(item, level + 1)  # pyright: ignore[reportUnknownArgumentType]
                continue
            number = reader.get_destination_page_number(item)
            if number is not None and number >= 0:
                found.setdefault(number, []).append((min(level, 6), " ".join(str(item.title).split())))

    walk(list(reader.outline), 1)
    return found
