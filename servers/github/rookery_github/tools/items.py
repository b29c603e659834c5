"""How issues and pull requests look in an answer: one line in a list, two lines at the top of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rookery_github.voices import login_of, voice_of


def inner(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key, or an empty one."""
    found: Mapping[str, Any] | None = item.get(key)
    return found or {}


def day(time: str | None) -> str:
    """The day of an ISO time."""
    return (time or "")[:10]


def state_of(item: Mapping[str, Any]) -> str:
    """open, closed, merged, draft, or the reason for which an issue was closed."""
    pull = item.get("pull_request") or (item if "head" in item else None)
    if pull and pull.get("merged_at"):
        return "merged"
    if item.get("state") == "open":
        return "draft" if item.get("draft") else "open"
    reason = item.get("state_reason")
    return f"closed ({reason.replace('_', ' ')})" if reason in ("not_planned", "duplicate") else "closed"


def row(item: Mapping[str, Any]) -> str:
    """An issue or pull request in one line: link, state, title, author, last change, labels."""
    title = " ".join(str(item.get("title") or "").split())
    parts = [state_of(item), title, f"by {login_of(item.get('user'))}", day(item.get("updated_at"))]
    if labels := label_names(item):
        parts.append(f"[{', '.join(labels)}]")
    if comments := item.get("comments"):
        parts.append(f"{comments} comments")
    return f"{item['html_url']} " + " · ".join(parts)


def label_names(item: Mapping[str, Any]) -> list[str]:
    """The names of an item's labels; old answers have labels as plain names."""
    return [label if isinstance(label, str) else str(label.get("name")) for label in item.get("labels") or ()]


def heading(item: Mapping[str, Any], full_name: str) -> str:
    """The facts of an issue or pull request: link, state, times, people."""
    kind = "pull request" if "head" in item or item.get("pull_request") else "issue"
    facts = [f"{full_name}#{item['number']}: {kind}, {state_of(item)}", f"by {voice_of(item)}", _times(item)]
    if assignees := [login_of(one) for one in item.get("assignees") or ()]:
        facts.append("assigned to " + ", ".join(assignees))
    if milestone := item.get("milestone"):
        facts.append(f"milestone {milestone.get('title')}")
    if labels := label_names(item):
        facts.append("labels " + ", ".join(labels))
    if item.get("locked"):
        facts.append("locked")
    return f"{item['html_url']}\n" + "; ".join(facts)


def _times(item: Mapping[str, Any]) -> str:
    times = [f"opened {day(item.get('created_at'))}"]
    if closed := item.get("merged_at") or item.get("closed_at"):
        verb = "merged" if item.get("merged_at") else "closed"
        closer = item.get("merged_by") or item.get("closed_by")
        times.append(f"{verb} {day(closed)}" + (f" by {login_of(closer)}" if closer else ""))
    times.append(f"updated {item.get('updated_at')}")
    return ", ".join(times)
