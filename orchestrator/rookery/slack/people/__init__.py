"""Who people are, what they may do, and what they thought of the answers."""
