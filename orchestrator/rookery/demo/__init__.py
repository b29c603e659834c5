"""`rookery demo`: from nothing to cited answers."""
