"""The tools of the docs server, grouped by what they read."""
