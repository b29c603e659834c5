"""Slack's Web API and Socket Mode: one client, one retry policy and one error table for server, ingest and bot."""
