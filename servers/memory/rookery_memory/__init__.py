"""MCP server: long-term memory, and the event queue as tools.

Terms are defined in docs/glossary.md.
"""
