"""Ranking of memories and turns, and the text that they are indexed by. No database access."""
