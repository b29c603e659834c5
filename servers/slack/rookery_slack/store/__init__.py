"""Every statement on the schema `slack`, and what calls them."""

COLLECTION = "slack"
"""The name under which core keeps the statistics of words in messages."""

PUBLIC_WORDS = "select words from slack.message_index where team = $1 and public"
"""What these statistics are of: nothing that is not public has a part in anybody's ranking."""
