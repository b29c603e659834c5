"""The Rookery agent: composes MCP servers into cited answers, on the command line and in Slack."""
