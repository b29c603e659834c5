"""The benchmark of memory: `python -m bench.memory`."""
