"""The benchmark of github: `python -m bench.github`."""
