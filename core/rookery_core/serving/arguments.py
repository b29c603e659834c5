"""Types of arguments that the tools of all servers share. Their bounds are part of a tool's input schema."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MAX_ITEMS = 500
MIN_TOKENS = 200
MAX_TOKENS = 50_000

Limit = Annotated[int, Field(ge=1, le=MAX_ITEMS)]
"""The most items of an answer."""
MaxTokens = Annotated[int, Field(ge=MIN_TOKENS, le=MAX_TOKENS)]
"""The size of an answer, in estimated tokens."""
Cursor = str
"""Where an answer goes on; empty for its beginning. See `rookery_core.serving.paging`."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""
