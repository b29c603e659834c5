"""Readers of documentation formats. Each makes the same `Article` of blocks, so that one chunker serves all."""
