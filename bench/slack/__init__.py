"""The benchmark of slack: `python -m bench.slack`."""
