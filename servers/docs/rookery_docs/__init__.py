"""MCP server: documentation search with exact links."""

__version__ = "0.1.0"
