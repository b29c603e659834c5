"""What rookery-memory reads from the environment besides what core reads."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from rookery_core.settings import CoreSettings


class MemorySettings(CoreSettings):
    """Settings of rookery-memory."""

    section: ClassVar[str] = "memory"

    embed: Literal["auto", "inline", "background"] = Field(
        default="auto", validation_alias="ROOKERY_MEMORY_EMBED"
    )
    """When vectors are made: inline, before a tool answers; in the background, through the event queue; auto is inline
    over stdio, where nobody else is there to do it, and in the background over HTTP."""
    queue_work_tools: bool = Field(default=False, validation_alias="ROOKERY_QUEUE_WORK_TOOLS")
    """Whether the tools to subscribe to topics, claim events and complete them are offered."""
