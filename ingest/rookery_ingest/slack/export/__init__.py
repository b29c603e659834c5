"""Native Slack exports: reading them as they are, and importing them."""
