"""Keeps GitHub's answers: per identity, revalidated by ETag, for ever when a SHA names them."""
