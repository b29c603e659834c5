"""MCP server: what was said in Slack, found and cited."""
