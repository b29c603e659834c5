"""MCP server: GitHub for a language model, in few tokens.

Terms are defined in docs/glossary.md.
"""
