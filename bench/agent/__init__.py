"""The benchmark of agent: `python -m bench.agent`."""
