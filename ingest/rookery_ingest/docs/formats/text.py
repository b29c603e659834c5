"""Reads plain text: paragraphs, underlined or numbered headings, indented listings."""

from __future__ import annotations

import re

from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.formats.article import Article, Block

_UNDERLINE = re.compile(r"^([=\-~^*#])\1{2,}\s*$")


def read_text(data: bytes | str) -> Article:
    """The article of a plain text: its first heading or line is the title."""
    text = data if isinstance(data, str) else decode_text(data).text
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    blocks = [block for part in re.split(r"\n[ \t]*\n+", text) if part.strip() for block in _blocks(part)]
    title = next((block.text for block in blocks if block.kind == "heading"), "")
    if not title and blocks:
        title = blocks[0].text.split("\n", 1)[0][:120]
    return Article(title, blocks)


def _blocks(part: str) -> list[Block]:
    lines = part.strip("\n").split("\n")
    if len(lines) >= 2 and lines[0].strip() and _UNDERLINE.match(lines[1]) and len(lines[0]) < 120:
        level = 1 if lines[1].startswith("=") else 2
        rest = "\n".join(lines[2:])
        return [Block("heading", lines[0].strip(), level), *(_blocks(rest) if rest.strip() else [])]
    if all(line.startswith(("    ", "\t")) for line in lines if line.strip()):
        return [Block("code", "```\n" + "\n".join(lines) + "\n```")]
    return [Block("text", "\n".join(line.rstrip() for line in lines).strip())]
