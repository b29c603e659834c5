"""The statements on runs, their calls and pending actions, and pins, of one team."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from rookery.traces.records import ModelCall, PendingAction, RunResult, ToolCall
from rookery.usage import Usage
from rookery_core import sql
from rookery_core.identity import Caller

if TYPE_CHECKING:
    from rookery_core.database import Database, Row

_SQL = sql.load("rookery.traces", "traces.sql")
ROLE = "rookery_agent"
_MAX_ARGUMENT_CHARACTERS = 4000


class TraceStore:
    """Runs of one team. Cheap to construct; holds no connection."""

    def __init__(self, database: Database, team: str) -> None:
        self._database = database
        self._team = team

    async def begin_run(self, trace_id: str, question: str, caller: Caller) -> int:
        """Record the start of a run. Returns the number of its attempt, from 1."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(
                _SQL["begin_run"],
                self._team,
                trace_id,
                caller.user,
                caller.kind,
                caller.channel,
                _text(question),
            )
        assert row is not None
        return int(row["attempt"])

    async def finish_run(self, result: RunResult, attempt: int) -> None:
        """Record the end of a run with its calls and pending actions, in one transaction."""
        async with self._database.transaction(Caller(team=self._team, kind="agent")) as connection:
            await connection.execute(
                _SQL["finish_run"], self._team, result.trace_id, _text(result.answer), _storable(result.citations),
                result.model, result.extractive, result.stop_reason, *_tokens(result.usage), result.cost_usd,
                result.total_ms, result.model_ms, result.tools_ms, result.removed_links,
            )  # fmt: skip
            await self._add_calls(connection, result.trace_id, attempt, result.model_calls, result.tool_calls)
            for action in result.pending:
                await self._add_action(connection, action)

    async def add_action(self, action: PendingAction) -> None:
        """Record an action that waits for its asker."""
        async with self._database.acquire() as connection:
            await self._add_action(connection, action)

    async def _add_action(self, connection: Any, action: PendingAction) -> None:
        await connection.execute(
            _SQL["add_action"], self._team, action.id, action.trace_id, action.user, action.server,
            action.tool, _storable(dict(action.arguments)), action.reason,
        )  # fmt: skip

    async def fail_run(
        self,
        trace_id: str,
        problem: str,
        usage: Usage,
        cost_usd: float | None,
        model_calls: Sequence[ModelCall],
        tool_calls: Sequence[ToolCall],
        attempt: int,
    ) -> None:
        """Record that a run ended without an answer."""
        async with self._database.transaction(Caller(team=self._team, kind="agent")) as connection:
            await connection.execute(
                _SQL["fail_run"], self._team, trace_id, problem[:2000], *_tokens(usage), cost_usd
            )
            await self._add_calls(connection, trace_id, attempt, model_calls, tool_calls)

    async def spent(self, user: str | None, since: datetime) -> tuple[float, float]:
        """US dollars since a time: of the asker, and of the team."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["spent"], self._team, user, since)
        assert row is not None
        return float(row["asker_usd"]), float(row["team_usd"])

    async def run(self, trace_id: str) -> Row | None:
        async with self._database.acquire() as connection:
            return await connection.fetchrow(_SQL["find_run"], self._team, trace_id)

    async def latest(self, limit: int = 20) -> list[Row]:
        async with self._database.acquire() as connection:
            return list(await connection.fetch(_SQL["latest_runs"], self._team, limit))

    async def by_prefix(self, prefix: str) -> list[str]:
        """At most two trace ids that begin with `prefix`."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["runs_by_prefix"], self._team, prefix)
        return [str(row["trace_id"]) for row in rows]

    async def calls(self, trace_id: str) -> tuple[list[Row], list[Row], list[Row]]:
        """The model calls, tool calls and waiting actions of a run."""
        async with self._database.acquire() as connection:
            return (
                list(await connection.fetch(_SQL["model_calls_of"], self._team, trace_id)),
                list(await connection.fetch(_SQL["tool_calls_of"], self._team, trace_id)),
                list(await connection.fetch(_SQL["actions_of"], self._team, trace_id)),
            )

    async def take_action(
        self, action_id: str, user: str | None, verdict: Literal["confirmed", "declined"]
    ) -> PendingAction | None:
        """Confirm or decline a pending call for its asker. None: it is not pending, or belongs to somebody else."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["take_action"], self._team, action_id, user, verdict)
        return _action(row) if row else None

    async def interrupted_action(self, action_id: str, user: str | None) -> PendingAction | None:
        """Close a confirmed call whose outcome is unknown. None: there is no such call."""
        async with self._database.acquire() as connection:
            row = await connection.fetchrow(_SQL["interrupted_action"], self._team, action_id, user)
        return _action(row) if row else None

    async def settle_action(self, action_id: str, *, done: bool, result: str) -> None:
        """Record the outcome of a confirmed call."""
        async with self._database.acquire() as connection:
            state = "done" if done else "failed"
            await connection.execute(_SQL["settle_action"], self._team, action_id, state, result[:2000])

    async def pins(self) -> dict[tuple[str, str], str]:
        """The pinned digest of each tool, by server and tool."""
        async with self._database.acquire() as connection:
            rows = await connection.fetch(_SQL["pins"], self._team)
        return {(row["server"], row["tool"]): row["digest"] for row in rows}

    async def pin(self, server: str, tool: str, digest: str, *, replace: bool = False) -> None:
        """Remember a tool's digest; the first one stays unless it is replaced on purpose."""
        async with self._database.acquire() as connection:
            statement = _SQL["replace_pin" if replace else "add_pin"]
            await connection.execute(statement, self._team, server, tool, digest)

    async def _add_calls(
        self,
        connection: Any,
        trace_id: str,
        attempt: int,
        model_calls: Sequence[ModelCall],
        tool_calls: Sequence[ToolCall],
    ) -> None:
        await connection.executemany(
            _SQL["add_model_call"],
            [
                (
                    self._team, trace_id, attempt, number, call.model, call.duration_ms, *_tokens(call.usage)[:4],
                    call.stop,
                )
                for number, call in enumerate(model_calls, 1)
            ],
        )  # fmt: skip
        await connection.executemany(
            _SQL["add_tool_call"],
            [
                (
                    self._team, trace_id, attempt, number, call.server, call.tool, _bounded(call.arguments),
                    call.state, call.duration_ms, call.result_tokens, _text(call.summary),
                )
                for number, call in enumerate(tool_calls, 1)
            ],
        )  # fmt: skip


def _action(row: Row) -> PendingAction:
    return PendingAction(
        id=row["id"],
        server=row["server"],
        tool=row["tool"],
        arguments=row["arguments"],
        reason=row["reason"],
        trace_id=row["trace_id"],
        user=row["asker"],
    )


def _tokens(usage: Usage) -> tuple[int, int, int, int, int]:
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.requests,
    )


def _bounded(arguments: Any) -> dict[str, Any]:
    """Arguments as the trace keeps them: long texts cut."""
    return {str(name): _cut(_storable(value)) for name, value in dict(arguments).items()}


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    return value if len(text) <= _MAX_ARGUMENT_CHARACTERS else text[:_MAX_ARGUMENT_CHARACTERS] + "…"


def _storable(value: Any) -> Any:
    """A JSON value that PostgreSQL can store."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(str(name)): _storable(part) for name, part in cast(dict[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in cast(Sequence[Any], value)]
    return value


def _text(value: str) -> str:
    """PostgreSQL stores neither NUL nor halves of surrogate pairs."""
    return value.replace("\x00", "\ufffd").encode(errors="replace").decode()
