"""MCP server: long-term memory, and the event queue as tools."""
