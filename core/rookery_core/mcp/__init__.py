"""The MCP client: the servers of an mcp.json, started, supervised and called."""
