"""What Slack shows: markup, blocks, and messages that are not too long."""
