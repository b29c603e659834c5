"""The ledger of effects on the world outside: intended before, receipted after.

A handler that must not act twice writes:

    effect = await attempt.intend("reply", {"channel": channel})
    if effect.state == "done":
        return effect.receipt
    if effect.state == "intended" and (found := await look_for_the_reply()):
        return await effects.receipt(effect, found)
    await effects.receipt(effect, await post_the_reply())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.errors import Conflict, InvalidInput, NotFound
from rookery_core.queue.base import PACKAGE
from rookery_core.queue.failures import LeaseLost
from rookery_core.queue.model import Effect, Event, check_key, encode

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.queue.work import Working

_SQL = sql.load(PACKAGE, "effects.sql")


class Effects:
    """The effects of one team's handlers."""

    def __init__(self, queue: Working) -> None:
        self._queue = queue

    async def intend(
        self, owner: Event | str, name: str, request: Any = None, *, connection: Connection | None = None
    ) -> Effect:
        """Record that the effect `name` is about to happen; says whether anybody intended it before.

        owner: the event being handled, or any key of your own. For an event the intent is refused with
        LeaseLost once its lease is gone, so that a worker that was paused for too long begins nothing more.
        """
        event = owner if isinstance(owner, Event) else None
        held = (event.attempt, event.id, event.token) if event else (0, None, None)
        body = encode(request, "request")
        async with self._queue.connection(connection) as own:
            while True:
                row = await own.fetchrow(
                    _SQL["intend"], self._queue.team, self._queue.now(), owner_of(owner), check_effect(name), held[0],
                    body, *held[1:],
                )  # fmt: skip
                if row is not None:
                    return Effect(owner_of(owner), name, row["state"], row["request"], row["receipt"])
                # Nothing inserted and nothing seen: another was committed just then, or the lease is gone.
                if event and not await own.fetchval(_SQL["holds"], self._queue.team, *held[1:]):
                    raise LeaseLost(
                        f"The effect {name!r} was not begun: event {event.id} is leased to another."
                    )

    async def receipt(self, effect: Effect, receipt: Any, *, connection: Connection | None = None) -> Effect:
        """Record what came back. The first receipt stays. Raises NotFound when the effect was never intended."""
        async with self._queue.connection(connection) as own:
            await own.execute(
                _SQL["receipt"], self._queue.team, effect.owner, effect.name, encode(receipt, "receipt"),
                self._queue.now(),
            )  # fmt: skip
            row = await own.fetchrow(_SQL["effect"], self._queue.team, effect.owner, effect.name)
        if row is None:
            raise NotFound(f"The effect {effect.name!r} of {effect.owner} was never intended.")
        return Effect(effect.owner, effect.name, "done", row["request"], row["receipt"])

    async def withdraw(self, effect: Effect, *, connection: Connection | None = None) -> bool:
        """Forget an intent that certainly had no effect (the other side refused). False when it has a receipt."""
        async with self._queue.connection(connection) as own:
            row = await own.fetchval(_SQL["withdraw"], self._queue.team, effect.owner, effect.name)
        return row is not None

    async def undo(self, owner: Event | str, name: str, *, connection: Connection | None = None) -> bool:
        """Forget an effect that is about to be made undone, so that it may happen again. False when there is none."""
        async with self._queue.connection(connection) as own:
            row = await own.fetchval(_SQL["undo"], self._queue.team, owner_of(owner), check_effect(name))
        return row is not None

    async def of(self, owner: Event | str) -> list[dict[str, Any]]:
        """The effects of an event or key in the order intended: name, attempt, request, receipt and both times."""
        async with self._queue.connection() as own:
            rows = await own.fetch(_SQL["effects_of"], self._queue.team, owner_of(owner))
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
        """Record an effect with its receipt and complete its event, in one commit. Raises LeaseLost.

        Raises Conflict when the event already has an effect of that name.
        """
        if event.ordering_key is not None:
            async with self._queue.transaction(connection) as own:
                effect = await self.intend(event, name, request, connection=own)
                if effect.state != "new":
                    raise twice(event, name)
                await self.receipt(effect, receipt, connection=own)
                await self._queue.complete(event, connection=own)
            return
        values = (
            event.id,
            event.token,
            check_effect(name),
            encode(request, "request"),
            encode(receipt, "receipt"),
        )
        async with self._queue.connection(connection) as own:
            state = await own.fetchval(
                _SQL["finish_with_effect"], self._queue.team, self._queue.now(), *values
            )
        if state is None:
            raise LeaseLost.of(event.id)
        if state != "done":
            raise twice(event, name)


def check_effect(name: str) -> str:
    """The name of an effect. Raises InvalidInput."""
    if not name or len(name) > 200:
        raise InvalidInput("the name of an effect must be 1 to 200 characters.")
    return name


def owner_of(owner: Event | str) -> str:
    """The owner under which the ledger keeps an effect: `event:<id>`, or the key itself."""
    if isinstance(owner, Event):
        return f"event:{owner.id}"
    return check_key(owner, "the owner of an effect") or ""


def twice(event: Event, name: str) -> Conflict:
    """The error for an effect that an event already has."""
    return Conflict(
        f"Event {event.id} already has an effect {name!r}.", hint="Ask intend() what became of it."
    )
