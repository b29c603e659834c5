"""The tools, by subject. Each acts for the current caller."""
