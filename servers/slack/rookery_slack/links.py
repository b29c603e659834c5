"""Permalinks: writing them exactly as Slack does, and parsing any link that somebody pastes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from rookery_slackapi.timestamps import format_ts, parse_ts

ANY_WORKSPACE = "https://slack.com"
"""Where links lead while the workspace's own address is not known: Slack asks which workspace is meant."""

_CHANNEL = re.compile(r"^[CDG][A-Z0-9]{5,}$")
_THREAD = re.compile(r"^([CDG][A-Z0-9]{5,})-(\d{10}\.\d{6})$")
_MARKDOWN = re.compile(r"^\[.*\]\((\S+)\)$", re.DOTALL)
_WITHOUT_SCHEME = re.compile(r"^[\w.-]+\.slack\.com/", re.IGNORECASE)
_USER = re.compile(r"/team/([UWB][A-Z0-9]+)/?$")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a reference names: a channel by id or name, perhaps a message in it, perhaps that message's thread."""

    channel: str
    ts: datetime | None = None
    thread_ts: datetime | None = None


def permalink(base: str | None, channel: str, ts: datetime, thread_ts: datetime | None = None) -> str:
    """The link to a message; for a reply with thread_ts and cid, so that Slack opens the thread."""
    link = f"{(base or ANY_WORKSPACE).rstrip('/')}/archives/{channel}/p{format_ts(ts).replace('.', '')}"
    return link if thread_ts is None else f"{link}?thread_ts={format_ts(thread_ts)}&cid={channel}"


def parse_reference(text: str) -> Reference | None:
    """A channel's name or id, or any link of Slack's to a channel, a message or a thread; None for nothing."""
    text = _unwrapped(text)
    if not text:
        return None
    if re.match(r"(https?|slack):", text):
        return _parse_url(text)
    return Reference(text.removeprefix("#")) if text != "#" else None


def parse_user(text: str) -> str:
    """A person's name or id, without what marks it as one: `@ada`, `<@U1|ada>`, a link to a profile."""
    text = _unwrapped(text)
    profile = _USER.search(text)
    return profile[1] if profile else text.removeprefix("@").strip()


def _unwrapped(text: str) -> str:
    """A link or a name without the brackets of mrkdwn or markdown around it; a link of Slack's with its scheme."""
    text = text.strip()
    if markdown := _MARKDOWN.match(text):
        text = markdown[1]
    text = text.strip("<>").partition("|")[0].strip()
    return f"https://{text}" if _WITHOUT_SCHEME.match(text) else text


def _parse_url(url: str) -> Reference | None:
    try:
        parts = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    except ValueError:
        return None
    if parts.scheme == "slack":
        return Reference(query["id"], parse_ts(query.get("message"))) if "id" in query else None
    steps = [step for step in parts.path.split("/") if step]
    if thread := next((found for step in steps if (found := _THREAD.match(step))), None):
        return Reference(thread[1], parse_ts(thread[2]), parse_ts(thread[2]))
    channel = next((step for step in steps if _CHANNEL.match(step)), None) or query.get("channel")
    if channel is None:
        return None
    last = parse_ts(steps[-1]) if steps else None
    if last is None and "archives" in steps and steps[-1] != channel:
        return None  # a message's link that was cut, say: the channel is not what was meant
    ts = last or parse_ts(query.get("message_ts"))
    return Reference(channel, ts, parse_ts(query.get("thread_ts")))
