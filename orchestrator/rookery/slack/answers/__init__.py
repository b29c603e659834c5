"""From a question to the one answer below it."""
