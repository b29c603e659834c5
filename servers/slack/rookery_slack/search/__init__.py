"""Finding messages: by words, by meaning, by both, within what a caller may see."""
