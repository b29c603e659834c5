"""The ids by which people are known. A name is none: it would stand for somebody unknown."""

from __future__ import annotations

import argparse
import re

MAX_ID_LENGTH = 200
_ID = re.compile(r"[A-Z][A-Z0-9_]+|[^\s@|:<>]+[@|:][^\s@<>]+|[0-9a-f]{8}-[0-9a-f-]{27}")
"""Slack's (U012AB3CD), an address or subject of an identity provider (ann@acme.test, auth0|5f7c), a UUID."""


def checked_user_id(text: str) -> str:
    """The id itself. Raises ValueError for what is none, such as a name."""
    if len(text) <= MAX_ID_LENGTH and _ID.fullmatch(text):
        return text
    raise ValueError(
        f"{text[:60]!r} must be a person's id such as U012AB3CD, not a name. "
        "In Slack: open the person's profile, then More (three dots), Copy member ID."
    )


def user_id(text: str) -> str:
    """The id of a person, for argparse."""
    try:
        return checked_user_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
