"""Subscriptions: who receives a topic, and the policy for its events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rookery_core import sql
from rookery_core.errors import InvalidInput
from rookery_core.queue.base import PACKAGE, QueueBase
from rookery_core.queue.model import Backoff, OnDead, Subscription, check_name

if TYPE_CHECKING:
    from rookery_core.database.connection import Row

_SQL = sql.load(PACKAGE, "sql/subscriptions.sql")


class Subscriptions:
    """The subscriptions of one team."""

    def __init__(self, base: QueueBase) -> None:
        self._base = base

    async def subscribe(
        self,
        topic: str,
        name: str,
        *,
        max_attempts: int = 5,
        lease_s: float = 30.0,
        backoff: Backoff | None = None,
        concurrency: int | None = None,
        key_concurrency: int = 1,
        on_dead: OnDead = "continue",
        expires_after_s: float | None = None,
        internal: bool = False,
    ) -> Subscription:
        """Create the subscription `name` of `topic`, or change its policy. It receives what is published from now on.

        concurrency: how many of its events run at once, over all processes. key_concurrency: how many of one
        ordering key run at once; 1 keeps their order. on_dead: whether the events behind a dead letter of their lane
        continue, or the lane is blocked until the dead letter is retried or discarded. expires_after_s: the time to
        live; an event not started by then becomes a dead letter. internal: one of Rookery's own programs that trusts
        what it receives, so models may not publish to its topic. Raises InvalidInput for a policy out of bounds and
        when `name` already receives another topic.
        """
        check_name(topic, "topic")
        check_name(name, "subscription")
        _check_policy(max_attempts, lease_s, concurrency, key_concurrency, on_dead, expires_after_s)
        wait = backoff or Backoff()
        async with self._base.connection() as connection:
            row = await connection.fetchrow(
                _SQL["upsert_subscription"], self._base.team, name, topic, max_attempts, lease_s, wait.base_s, wait.cap_s,
                wait.jitter, concurrency, key_concurrency, on_dead, expires_after_s, internal,
            )  # fmt: skip
        if row is None:
            raise InvalidInput(
                f"subscription {name!r} already receives another topic than {topic!r}.",
                hint="Choose another name, or unsubscribe it first.",
            )
        return (await self.subscriptions([name]))[0]

    async def unsubscribe(self, name: str) -> bool:
        """Delete a subscription. Returns False when there is none, or when it still has live events."""
        async with self._base.connection() as connection:
            return await connection.fetchval(_SQL["delete_subscription"], self._base.team, name) is not None

    async def subscriptions(self, names: Sequence[str] | None = None) -> list[Subscription]:
        """All subscriptions of the team, or those with the given names, ordered by name."""
        async with self._base.connection() as connection:
            rows = await connection.fetch(
                _SQL["list_subscriptions"], self._base.team, None if names is None else list(names)
            )
        return [_subscription(row) for row in rows]

    async def pause(self, subscription: str) -> None:
        """Claim nothing more of a subscription; running events continue. Raises NotFound."""
        await self._set_paused(subscription, True)

    async def resume(self, subscription: str) -> None:
        """Claim from a paused subscription again. Raises NotFound."""
        await self._set_paused(subscription, False)

    async def _set_paused(self, subscription: str, paused: bool) -> None:
        async with self._base.connection() as connection:
            row = await connection.fetchrow(_SQL["set_paused"], self._base.team, subscription, paused)
        if row is None:
            await self._base.check_subscription(subscription)
        elif not paused:
            await self._base.notify({row["topic"]})


def _check_policy(
    max_attempts: int,
    lease_s: float,
    concurrency: int | None,
    key_concurrency: int,
    on_dead: str,
    expires_after_s: float | None,
) -> None:
    problems = {
        "max_attempts must be 1 to 1000": 1 <= max_attempts <= 1000,
        "lease_s must be more than 0 and at most a day": 0 < lease_s <= 86_400,
        "concurrency must be at least 1, or None for no limit": concurrency is None or concurrency >= 1,
        "key_concurrency must be 1 to 1000": 1 <= key_concurrency <= 1000,
        "on_dead must be 'continue' or 'block'": on_dead in ("continue", "block"),
        "expires_after_s must be more than 0, or None": expires_after_s is None or expires_after_s > 0,
    }
    if wrong := [problem for problem, holds in problems.items() if not holds]:
        raise InvalidInput("; ".join(wrong) + ".")


def _subscription(row: Row) -> Subscription:
    return Subscription(
        name=row["name"],
        topic=row["topic"],
        max_attempts=row["max_attempts"],
        lease_s=row["lease_s"],
        backoff=Backoff(row["backoff_base_s"], row["backoff_cap_s"], row["backoff_jitter"]),
        concurrency=row["concurrency"],
        key_concurrency=row["key_concurrency"],
        on_dead=row["on_dead"],
        expires_after_s=row["expires_after_s"],
        paused=row["paused"],
        internal=row["internal"],
    )
