"""Standing rules (table `agent.slack_rule`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rookery_core import sql
from rookery_core.errors import Conflict, InvalidInput, NotFound

if TYPE_CHECKING:
    from rookery_core.database import Connection, Database

MAX_RULES = 20
_LAST_ID = 2**63 - 1
_SQL = sql.load("rookery.slack.rules", "rules.sql")


@dataclass(frozen=True, slots=True)
class Rule:
    """When a message in `channel` meets `criteria`, `action` is carried out and `owner` gets the result."""

    id: int
    owner: str
    name: str
    channel: str
    criteria: str
    action: str
    examples: list[str]
    enabled: bool


class RuleStore:
    """Reads and writes one team's standing rules."""

    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def create_rule(
        self, owner: str, name: str, channel: str, criteria: str, action: str, examples: Sequence[str]
    ) -> int:
        """Create a rule; returns its id. Raises Conflict for a used name or too many rules, InvalidInput."""
        for field, value, max_characters in (
            ("name", name, 100),
            ("criteria", criteria, 2000),
            ("action", action, 2000),
        ):
            if not 1 <= len(value) <= max_characters:
                raise InvalidInput(f"{field} must have 1 to {max_characters} characters.")
        async with self._database.acquire() as connection:
            if await connection.fetchval(_SQL["count_of"], self._team, owner) >= MAX_RULES:
                raise Conflict(f"A person may have at most {MAX_RULES} rules.", hint="Delete one first.")
            rule_id = await connection.fetchval(
                _SQL["create"], self._team, owner, name, channel, criteria, action, list(examples)[:10]
            )
        if rule_id is None:
            raise Conflict(
                f"You have a rule named {name!r} already.", hint="Delete it first, or choose another name."
            )
        return int(rule_id)

    async def list_rules_of(self, owner: str) -> list[Rule]:
        """The rules of one person."""
        return await self._rules("list_of", owner)

    async def list_all_rules(self) -> list[Rule]:
        """The rules of all people."""
        return await self._rules("list_all")

    async def list_active_rules(self, channel: str, hourly_limit: int) -> list[Rule]:
        """Rules of this channel that have not reached their hourly limit."""
        return await self._rules("for_channel", channel, hourly_limit)

    async def find_rule(self, rule_id: int) -> Rule | None:
        return next(iter(await self._rules("by_id", rule_id)), None)

    async def delete_rule(self, rule_id: int, owner: str | None) -> str:
        """Delete a rule of `owner` (None: of anyone); returns its name. Raises NotFound."""
        unknown = NotFound(
            f"There is no rule {rule_id}{' of yours' if owner else ''}.",
            hint="List the rules to see their numbers.",
        )
        if not 0 < rule_id <= _LAST_ID:
            raise unknown
        async with self._database.acquire() as connection:
            name = await (
                connection.fetchval(_SQL["delete_any"], self._team, rule_id)
                if owner is None
                else connection.fetchval(_SQL["delete"], self._team, owner, rule_id)
            )
        if name is None:
            raise unknown
        return str(name)

    async def record_match(
        self, rule: Rule, channel: str, ts: str, hourly_limit: int, connection: Connection
    ) -> bool:
        """Record a match in the caller's transaction. False when the rule fired on this message or reached its limit."""
        await connection.execute(_SQL["one_match_at_a_time"], self._team, rule.id)
        return (
            await connection.fetchrow(_SQL["match"], self._team, rule.id, channel, ts, hourly_limit)
            is not None
        )

    async def _rules(self, statement: str, *arguments: Any) -> list[Rule]:
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL[statement], self._team, *arguments)
        return [Rule(*row.values()) for row in rows]
