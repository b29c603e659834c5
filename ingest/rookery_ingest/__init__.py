"""Fills Rookery's Slack and docs stores: exports, live events, manuals, folders.

Terms are defined in docs/glossary.md.
"""
