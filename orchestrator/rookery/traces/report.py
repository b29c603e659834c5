"""One run's whole story: its event in the queue, its model calls, its tool calls, what waits for a yes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rookery_core.errors import NotFound

if TYPE_CHECKING:
    from rookery.traces.store import TraceStore
    from rookery_core.database import Database


async def story(database: Database, store: TraceStore, team: str, trace_id: str) -> dict[str, Any]:
    """Everything that is known of a run, as JSON values (times as datetimes). Raises NotFound."""
    run = await store.run(trace_id)
    if run is None:
        raise NotFound(f"There is no run {trace_id}.", hint="`rookery trace` lists the latest.")
    model_calls, tool_calls, actions = await store.calls(trace_id)
    return {
        "run": dict(run),
        "events": await _events(database, team, trace_id),
        "model_calls": [dict(row) for row in model_calls],
        "tool_calls": [dict(row) for row in tool_calls],
        "actions": [dict(row) for row in actions],
    }


async def _events(database: Database, team: str, trace_id: str) -> list[dict[str, Any]]:
    """The events of the queue under this trace id: waiting, being worked on, dead, or done."""
    from rookery_core.queue import Queue

    return await Queue(database, team=team).events_of_trace(trace_id)
