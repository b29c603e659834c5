"""The benchmark of queue: `python -m bench.queue`."""
