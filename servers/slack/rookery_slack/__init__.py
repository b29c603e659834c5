"""MCP server: search and read Slack history, with links.

Terms are defined in docs/glossary.md.
"""
