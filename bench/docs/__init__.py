"""The benchmark of docs: `python -m bench.docs`."""
