"""Ranks passages and pages: fielded BM25, vectors, and what is known about a query, in memory."""
