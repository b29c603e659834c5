"""Effects on external systems: recorded as an intent before, confirmed with a receipt after (a transactional outbox).

A handler that must not act twice does this:

    effect = await attempt.intend("reply", {"channel": channel})
    if effect.state == "done":
        return effect.receipt
    if effect.state == "intended" and (reply := await find_the_reply()):
        return await effects.receipt(effect, reply)
    await effects.receipt(effect, await post_the_reply())
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.errors import Conflict, InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE, QueueBase
from rookery_core.queue.claims import Claims
from rookery_core.queue.errors import LeaseLost
from rookery_core.queue.model import Effect, Event, check_key, encode_json

if TYPE_CHECKING:
    from rookery_core.database.connection import Connection

_SQL = sql.load(PACKAGE, "sql/effects.sql")


class Effects:
    """The effects of one team's handlers."""

    def __init__(self, base: QueueBase, claims: Claims) -> None:
        self._base = base
        self._claims = claims

    async def intend(
        self, owner: Event | str, name: str, request: Any = None, *, connection: Connection | None = None
    ) -> Effect:
        """Record that the effect `name` is about to happen; the state says whether an earlier attempt intended it.

        owner: the event being handled, or a key of your choice. Raises LeaseLost when the lease of the event is lost,
        so that a worker that was paused for too long starts nothing more, and InvalidInput for a wrong name or
        request.
        """
        event = owner if isinstance(owner, Event) else None
        attempt, event_id, token = (event.attempt, event.id, event.token) if event else (0, None, None)
        body = encode_json(request, "request")
        async with self._base.connection(connection) as open_connection:
            while True:
                row = await open_connection.fetchrow(
                    _SQL["intend_effect"], self._base.team, self._base.now(), owner_of(owner), check_effect(name),
                    attempt, body, event_id, token,
                )  # fmt: skip
                if row is not None:
                    return Effect(
                        owner_of(owner),
                        name,
                        row["state"],
                        row["request"],
                        row["receipt"],
                        row["installation"],
                    )
                # Nothing inserted and nothing seen: another intent was just committed, or the lease is lost.
                if event and not await open_connection.fetchval(
                    _SQL["is_leased"], self._base.team, event_id, token
                ):
                    raise LeaseLost(
                        f"The effect {name!r} was not started: event {event.id} is no longer leased to this claim."
                    )

    async def receipt(self, effect: Effect, receipt: Any, *, connection: Connection | None = None) -> Effect:
        """Record what came back. An existing receipt is kept. Raises NotFound for an effect without an intent."""
        async with self._base.connection(connection) as open_connection:
            await open_connection.execute(
                _SQL["record_receipt"], self._base.team, effect.owner, effect.name, encode_json(receipt, "receipt"),
                self._base.now(),
            )  # fmt: skip
            row = await open_connection.fetchrow(
                _SQL["get_effect"], self._base.team, effect.owner, effect.name
            )
        if row is None:
            raise NotFound(f"The effect {effect.name!r} of {effect.owner} has no intent.")
        return replace(effect, state="done", request=row["request"], receipt=row["receipt"])

    async def withdraw(self, effect: Effect, *, connection: Connection | None = None) -> bool:
        """Delete an intent that had no effect (the external system refused). Returns False when it has a receipt."""
        async with self._base.connection(connection) as open_connection:
            row = await open_connection.fetchval(
                _SQL["withdraw_intent"], self._base.team, effect.owner, effect.name
            )
        return row is not None

    async def undo(self, owner: Event | str, name: str, *, connection: Connection | None = None) -> bool:
        """Delete an effect that is about to be reversed, so that it may happen again. Returns False when there is none."""
        async with self._base.connection(connection) as open_connection:
            row = await open_connection.fetchval(
                _SQL["delete_effect"], self._base.team, owner_of(owner), check_effect(name)
            )
        return row is not None

    async def of(self, owner: Event | str) -> list[dict[str, Any]]:
        """The effects of an event or key in the order of their intents.

        Each has name, attempt, request, intended_at, receipt and receipt_at.
        """
        async with self._base.connection() as open_connection:
            rows = await open_connection.fetch(_SQL["list_effects"], self._base.team, owner_of(owner))
        return [dict(row.items()) for row in rows]

    async def finish(
        self,
        event: Event,
        name: str,
        receipt: Any,
        request: Any = None,
        *,
        connection: Connection | None = None,
    ) -> None:
        """Record an effect with its receipt and complete its event, in one commit.

        Raises LeaseLost when another claim has the event, Conflict when it already has an effect of that name.
        """
        if event.ordering_key is not None:
            async with self._base.transaction(connection) as open_connection:
                effect = await self.intend(event, name, request, connection=open_connection)
                if effect.state != "new":
                    raise duplicate_effect(event, name)
                await self.receipt(effect, receipt, connection=open_connection)
                await self._claims.complete(event, connection=open_connection)
            return
        values = (
            event.id,
            event.token,
            check_effect(name),
            encode_json(request, "request"),
            encode_json(receipt, "receipt"),
        )
        async with self._base.connection(connection) as open_connection:
            outcome = await open_connection.fetchval(
                _SQL["finish_with_effect"], self._base.team, self._base.now(), *values
            )
        if outcome is None:
            raise LeaseLost.of(event.id)
        if outcome != "done":
            raise duplicate_effect(event, name)


def check_effect(name: str) -> str:
    """Return the name of an effect. Raises InvalidInput for one that is empty or too long."""
    if not name or len(name) > 200:
        raise InvalidInput("The name of an effect must be 1 to 200 characters.")
    return name


def owner_of(owner: Event | str) -> str:
    """The owner under which an effect is recorded: `event:<id>`, or the key itself. Raises InvalidInput."""
    if isinstance(owner, Event):
        return f"event:{owner.id}"
    return check_key(owner, "The owner of an effect") or ""


def duplicate_effect(event: Event, name: str) -> Conflict:
    """The error for an effect that an event already has."""
    return Conflict(f"Event {event.id} already has an effect {name!r}.", hint="intend() returns its state.")
