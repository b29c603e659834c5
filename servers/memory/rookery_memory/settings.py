"""What rookery-memory reads from the environment besides what core reads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rookery_core.settings import CoreSettings, Names


class MemorySettings(CoreSettings):
    """Settings of rookery-memory."""

    embed: Literal["auto", "inline", "background"] = Field(
        default="auto", validation_alias="ROOKERY_MEMORY_EMBED"
    )
    """When vectors are made: inline, before a tool answers; in the background, through the event queue; auto is inline
    over stdio, where nobody else is there to do it, and in the background over HTTP."""
    queue_work_tools: bool = Field(default=False, validation_alias="ROOKERY_QUEUE_WORK_TOOLS")
    """Whether the tools to claim and settle events of the queue are offered."""
    tools: Names = Field(default=(), validation_alias="ROOKERY_MEMORY_TOOLS")
    """The only tools to offer, by their names or globs such as get_*. Empty: all that are switched on."""
    exclude_tools: Names = Field(default=(), validation_alias="ROOKERY_MEMORY_EXCLUDE_TOOLS")
    """Tools to leave out, by their names or globs; stronger than the list of those to offer."""
    exclude_resources: Names = Field(default=(), validation_alias="ROOKERY_MEMORY_EXCLUDE_RESOURCES")
    """Resources to leave out: scope, memory, turns, or * for all. They show what the reading tools show."""
