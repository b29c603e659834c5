"""The schema `github`: whose migrations are in this package, and the role that serves it."""

from __future__ import annotations

from rookery_core.database.schema import Schema

SCHEMA = Schema(name="github", package="rookery_github", role="rookery_github")
