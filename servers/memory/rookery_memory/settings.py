"""What rookery-memory reads from the environment besides what core reads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rookery_core.settings import CoreSettings


class MemorySettings(CoreSettings):
    """Settings of rookery-memory.

    embed: when vectors are made. inline: before a tool answers; background: by a worker, through the event queue;
    auto: inline over stdio, where nobody else is there to do it, in the background over HTTP.
    """

    embed: Literal["auto", "inline", "background"] = Field(
        default="auto", validation_alias="ROOKERY_MEMORY_EMBED"
    )
    """When memories are embedded: with the call, or by a worker through the queue; auto: inline over
    stdio."""
    queue_work_tools: bool = Field(default=False, validation_alias="ROOKERY_QUEUE_WORK_TOOLS")
    """Whether MCP clients may do work of the queue: claim_events, complete_event, fail_event,
    extend_claim."""
