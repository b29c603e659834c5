"""The schema `agent`: whose migrations are in this package, and the role that serves it."""

from __future__ import annotations

from rookery_core.database.schema import Schema

SCHEMA = Schema(name="agent", package="rookery", role="rookery_agent")
