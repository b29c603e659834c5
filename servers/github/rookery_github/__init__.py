"""MCP server: GitHub for a language model, in few tokens."""
