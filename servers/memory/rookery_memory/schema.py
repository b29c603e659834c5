"""The schema `memory`: whose migrations are in this package, and the role that serves it."""

from __future__ import annotations

from rookery_core.schema import Schema

SCHEMA = Schema(name="memory", package="rookery_memory", role="rookery_memory")
