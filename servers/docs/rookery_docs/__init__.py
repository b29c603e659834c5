"""MCP server: documentation search with exact links.

Terms are defined in docs/glossary.md.
"""

__version__ = "0.1.0"
