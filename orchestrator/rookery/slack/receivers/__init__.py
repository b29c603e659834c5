"""Receives events, button presses, forms and commands from Slack, over a socket or HTTP."""
