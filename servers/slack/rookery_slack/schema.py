"""The schema `slack`: whose migrations are in this package, the role that serves it, what adapts it."""

from __future__ import annotations

from rookery_core.database.schema import Schema
from rookery_slack.adaptation import adapt

SCHEMA = Schema(name="slack", package="rookery_slack", role="rookery_slack", adapt=adapt)
