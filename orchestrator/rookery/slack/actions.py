"""Actions that do not come from a message, published to the topic `slack-actions`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from rookery.slack.event_types import IncomingMessage
from rookery_core.telemetry import new_trace_id

if TYPE_CHECKING:
    from rookery_core.database import Connection
    from rookery_core.queue import Queue

Json = dict[str, Any]
ActionKind = Literal["question", "confirm", "judge", "rule", "remind", "remember"]
TOPIC = "slack-actions"
SUBSCRIPTION = "agent-actions"


class Actions:
    """Publishes actions, each key once."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def publish(
        self,
        kind: ActionKind,
        key: str,
        written: IncomingMessage,
        *,
        lane: str | None = None,
        priority: int = 0,
        delay_s: float = 0.0,
        connection: Connection | None = None,
        **details: Any,
    ) -> bool:
        """Publish an action; durable when this returns. False when the key was used before.

        lane: actions of one kind and lane are handled one at a time; by default those of a thread.
        """
        stored = await self._queue.enqueue(
            TOPIC,
            {"kind": kind, "written": asdict(written), **details},
            key=f"{kind}:{key}",
            ordering_key=f"{kind}:{lane or f'{written.channel}:{written.thread_ts}'}",
            priority=priority,
            delay_s=delay_s,
            trace_id=new_trace_id(),
            connection=connection,
        )
        return not stored.duplicate


def message_of(payload: Json) -> IncomingMessage:
    """The message an action is about."""
    shape: Json = dict(payload["written"])
    for name in ("files", "attachments"):
        shape[name] = tuple(shape.get(name) or ())
    return IncomingMessage(**shape)
