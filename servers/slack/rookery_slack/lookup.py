"""Ids of the channels and people that a caller names, or an error that suggests what would have worked."""

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

_SURE, _RESEMBLES = 1.2, 0.2
"""A likeness from the first on is an id or a whole name; from the second on, a resemblance to suggest."""


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
    rows = await session.rows("find_channels", reference.channel)
    complaint = f"{field}: no channel {reference.channel[:80]!r} that you can see"
    matches = _best(rows, complaint, "list_channels")
    if len(matches) > 1:
        raise InvalidInput(
            f"{field}: {len(matches)} channels have this name.",
            candidates=[_described(row) for row in matches],
            hint="Call again with the id.",
        )
    return matches[0]["id"], reference


async def resolve_channels(session: Session, names: Sequence[str] | None) -> list[str] | None:
    """Ids of several channels; None for none given, which means all."""
    if not names:
        return None
    return [(await resolve_channel(session, name, field="channels"))[0] for name in names]


async def resolve_user(session: Session, text: str, *, field: str = "user") -> str:
    """The id of the person that an id, a name, a profile's link or `me` means.

    Raises InvalidInput when several have that name, NotFound with candidates for no match.
    """
    people = await resolve_same_named(session, text, field=field)
    if len(people) > 1:
        raise InvalidInput(
            f"{field}: {len(people)} people have this name.",
            candidates=list(people.values()),
            hint="Call again with the id.",
        )
    return next(iter(people))


async def resolve_same_named(session: Session, text: str, *, field: str = "user") -> dict[str, str]:
    """The people that a name means, by id, each with name and id; one, unless several have the same name.

    Raises InvalidInput for a blank text and for `me` of an unknown caller, NotFound with candidates for no match.
    """
    plain = parse_user(text)
    if not plain:
        raise InvalidInput(f"{field} must be a person's name or id.", hint="list_users shows them.")
    if plain.lower() == "me":
        if not session.caller.user:
            raise InvalidInput(
                f"{field}: this call comes from nobody in particular, so `me` means nobody.",
                hint="Give the person's name or id.",
            )
        return {session.caller.user: session.caller.user}
    rows = await session.rows("find_users", plain)
    matches = _best(rows, f"{field}: nobody called {plain[:80]!r} that you can see", "list_users")
    return {row["id"]: _described(row) for row in matches}


def _best(rows: Sequence[Row], complaint: str, tool: str) -> list[Row]:
    """The rows with the name that was meant. Raises NotFound with the names that resemble it where there is none."""
    exact = [row for row in rows if row["likeness"] >= _SURE]
    if not exact:
        similar = [_described(row) for row in rows if row["likeness"] > _RESEMBLES]
        raise NotFound(f"{complaint}.", candidates=similar, hint=f"Look for it with {tool}.")
    return [row for row in exact if row["likeness"] == exact[0]["likeness"]]


def _described(row: Row | dict[str, Any]) -> str:
    return f"{row['name']} ({row['id']})" if row["name"] else str(row["id"])


async def zone_of(session: Session) -> tzinfo:
    """The asker's own time zone, as Slack knows it; UTC for strangers."""
    return load_zone(await session.value("caller_zone"))
