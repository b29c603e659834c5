"""What Slack shows: markup, blocks, and messages within its length limits."""
