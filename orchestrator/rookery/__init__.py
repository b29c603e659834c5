"""The Rookery agent: answers with sources from MCP servers, on the command line and in Slack.

Terms are defined in docs/glossary.md.
"""
