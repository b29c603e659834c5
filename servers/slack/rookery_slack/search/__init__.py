"""Search in messages: lexical, semantic or both, within what a caller may see."""
