"""The schema `slack`: whose migrations are in this package, and the role that serves it."""

from __future__ import annotations

from rookery_core.schema import Schema

SCHEMA = Schema(name="slack", package="rookery_slack", role="rookery_slack")
