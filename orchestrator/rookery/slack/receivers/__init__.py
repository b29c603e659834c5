"""What comes from Slack: events, clicks, forms and commands, over a socket or HTTP."""
