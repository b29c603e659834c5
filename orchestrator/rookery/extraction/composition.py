"""Whether facts are drawn at all, and by whom: with a model, a memory server, and unless it is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rookery.extraction.turns import TOPIC
from rookery.mcp.memory_client import find_memory_server
from rookery_core.telemetry import get_logger

if TYPE_CHECKING:
    from rookery.agent.agent import Agent
    from rookery_core.queue import Queue
    from rookery_core.queue.worker import Handler

SUBSCRIPTION = "memory.facts"
MAX_ATTEMPTS = 8
AT_ONCE = 2
EXPIRES_AFTER_S = 7 * 86_400.0
_log = get_logger(__name__)


async def extraction_handlers(agent: Agent, queue: Queue) -> dict[str, Handler]:
    """The handler to run in a worker, with its subscription made; none where no facts are drawn.

    From the first subscription on the memory server announces new turns; without one it does not.
    """
    from rookery_core.queue import Backoff

    memory = find_memory_server(agent.servers)
    if not agent.settings.extract_facts or agent.model.extractive or memory is None:
        # Only where nothing waits: what an earlier model was to read is left for the next one.
        await queue.unsubscribe(SUBSCRIPTION)
        return {}
    from rookery.extraction.worker import ExtractionWorker

    await queue.subscribe(
        TOPIC,
        SUBSCRIPTION,
        max_attempts=MAX_ATTEMPTS,
        lease_s=60,
        backoff=Backoff(base_s=5.0, cap_s=600.0),
        concurrency=AT_ONCE,
        expires_after_s=EXPIRES_AFTER_S,
        internal=True,
    )
    _log.info("facts are drawn from conversations by %s", agent.model.name)
    return {SUBSCRIPTION: ExtractionWorker(agent, memory)}
