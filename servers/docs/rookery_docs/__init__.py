"""MCP server: documentation search with exact links."""
