"""Ids of headings as GitHub, and most site generators after it, derive them from the words."""

from __future__ import annotations

import unicodedata


class Slugs:
    """Gives each heading of a page an id of its own: a repeated one gets a number."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def slug(self, heading: str) -> str:
        """The id of the next heading."""
        kept = (character for character in heading.strip().lower() if _is_kept(character))
        base = "".join(kept).replace(" ", "-")
        count = self._given.get(base, 0)
        slug = f"{base}-{count}" if count else base
        while slug in self._given:
            count += 1
            slug = f"{base}-{count}"
        self._given[base] = count + 1
        self._given.setdefault(slug, 1)
        return slug


def _is_kept(character: str) -> bool:
    """Letters, digits and the marks that combine with them (Hindi, Thai, Arabic), spaces, hyphens and underscores."""
    return character in "- _" or unicodedata.category(character)[0] in "LNM"
