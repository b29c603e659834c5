"""Cutting texts to what an embedding server takes: so much a text, so much a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MAX_TOKENS_A_TEXT = 8_000
MAX_TEXTS = 256
MAX_CHARACTERS = 200_000
FIRST_WIDE = "\u2e80"
"""Characters from here on (Chinese, Japanese, Korean and beyond) cost about a token each, others a quarter."""


def clip_to_tokens(text: str, tokens: int = MAX_TOKENS_A_TEXT) -> str:
    """The longest beginning of the text that is within about so many tokens, as valid UTF-8."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= tokens:
        return text
    used = 0
    for position, character in enumerate(text):
        used += 1 if character < FIRST_WIDE else 4
        if used > tokens * 4:
            return text[:position]
    return text


def batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """The positions of the texts that are not blank, grouped so that each group fits one request."""
    group: list[int] = []
    size = 0
    for position, text in enumerate(texts):
        if not text.strip():
            continue
        if group and (len(group) >= MAX_TEXTS or size + len(text) > MAX_CHARACTERS):
            yield group
            group, size = [], 0
        group.append(position)
        size += len(text)
    if group:
        yield group
