"""Fills the Slack store: exports, live events, history."""
