"""The agent in Slack: events in, one answer out, in the thread where it was asked."""
