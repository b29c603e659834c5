"""From what a caller wrote to ids: channels and people, or an error that names what would have worked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rookery_core.dates import load_zone
from rookery_core.errors import InvalidInput, NotFound
from rookery_slack.links import Reference, parse_reference, parse_user

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_core.database import Row
    from rookery_slack.store.session import Session

_SURE = 1.2
"""A likeness above this is an id or a whole name; below, it is a resemblance to be offered, not taken."""


async def resolve_channel(session: Session, text: str, *, field: str = "channel") -> tuple[str, Reference]:
    """The id of the channel that a name, id or link means, and the reference itself.

    Raises InvalidInput when it is ambiguous, NotFound with candidates when nothing visible is called so.
    """
    reference = parse_reference(text)
    if reference is None:
        problem = "it leads to no channel and no message of Slack" if text.strip() else "empty"
        raise InvalidInput(
            f"{field}: {problem}.", hint="Give a channel's name or id, or a link to a message."
        )
    found = await session.rows("find_channels", reference.channel)
    return _one(
        found, f"{field}: no channel {reference.channel[:80]!r} that you can see", "list_channels"
    ), reference


async def resolve_channels(session: Session, names: Sequence[str] | None) -> list[str] | None:
    """Ids of several channels; None for none given, which means all."""
    if not names:
        return None
    return [(await resolve_channel(session, name, field="channels"))[0] for name in names]


async def resolve_user(session: Session, text: str, *, field: str = "user") -> str:
    """The id of the person that an id, a name, a profile's link or `me` means. Raises as resolve_channel does."""
    plain = parse_user(text)
    if not plain:
        raise InvalidInput(f"{field}: empty.", hint="Give a person's name or id.")
    if plain.lower() == "me" and session.caller.user:
        return session.caller.user
    found = await session.rows("find_users", plain)
    return _one(found, f"{field}: nobody called {plain[:80]!r} that you can see", "list_users")


def _one(found: Sequence[Row], complaint: str, tool: str) -> str:
    sure = [row for row in found if row["likeness"] >= _SURE]
    best = [row for row in sure if row["likeness"] == sure[0]["likeness"]]
    if len(best) == 1:
        return best[0]["id"]
    if best:
        raise InvalidInput(
            f"{complaint.partition(':')[0]}: {len(best)} have this name.",
            candidates=[_described(row) for row in best],
            hint="Call again with the id.",
        )
    like = [_described(row) for row in found if row["likeness"] > 0.2]
    raise NotFound(f"{complaint}.", candidates=like, hint=f"Look for it with {tool}.")


def _described(row: Row | dict[str, Any]) -> str:
    return f"{row['name']} ({row['id']})" if row["name"] else str(row["id"])


async def zone_of(session: Session) -> tzinfo:
    """The asker's own time zone, as Slack knows it; UTC for strangers."""
    return load_zone(await session.value("caller_zone"))
