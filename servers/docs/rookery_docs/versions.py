"""Versions in order, so that the latest is known."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+")
_PRERELEASE = re.compile(r"(?i)(?:alpha|beta|rc|dev|devel|next|nightly|snapshot|preview)")
_NEWEST = 2**31


def sort_key(version: str) -> list[int]:
    """What orders a version among others: its numbers; names of the current state come last, of the coming one first.

    A pre-release sorts before its release: 18beta1 < 18.
    """
    if version.lower() in ("latest", "current", "stable"):
        return [_NEWEST]
    numbers = [int(number[:9]) for number in _NUMBER.findall(version)]
    if not numbers:
        return [0] if _PRERELEASE.search(version) else [1]
    match = _PRERELEASE.search(version)
    if match is None:
        return [*numbers, 1]
    before = [int(number[:9]) for number in _NUMBER.findall(version[: match.start()])]
    return [*before, 0, *numbers[len(before) :]]
