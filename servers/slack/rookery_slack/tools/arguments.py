"""Types of arguments that several tools of Slack share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Channel = Annotated[str, Field(description="name, id or link")]
Channels = Annotated[list[str] | None, Field(description="names or ids")]
Start = Annotated[str, Field(description="2026-10-20, last week or 7d")]
End = Annotated[str, Field(description="inclusive")]
"""Dates and times as `rookery_core.dates` reads them; blank: open."""
