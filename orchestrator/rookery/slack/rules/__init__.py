"""Standing rules in plain words."""
