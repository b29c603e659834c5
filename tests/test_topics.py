"""Whoever acts on events in somebody's name says so when subscribing, so that models cannot publish to it."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("servers", "ingest", "orchestrator")
OPEN = {
    "orchestrator/rookery/demo/questions.py",  # questions of nobody, over data of the demo
    "ingest/rookery_ingest/github/listener.py",  # the subscriber is a program of the user's
    "servers/memory/rookery_memory/tools/queue.py",  # a topic that a user opens; internal ones are refused
}


def subscribing(file: Path) -> list[ast.Call]:
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "subscribe"]


def test_our_programs_subscribe_to_internal_topics() -> None:
    files = [file for folder in PROGRAMS for file in (ROOT / folder).rglob("*.py")]
    found = {str(file.relative_to(ROOT)): calls for file in files if (calls := subscribing(file))}
    assert set(found) > OPEN
    for name in found.keys() - OPEN:
        for call in found[name]:
            assert "internal" in {keyword.arg for keyword in call.keywords}, f"{name}:{call.lineno}"
