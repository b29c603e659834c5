"""Which MCP servers the orchestrator uses, and its own client of the memory server."""
