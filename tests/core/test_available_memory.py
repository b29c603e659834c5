from __future__ import annotations

from pathlib import Path

import pytest

from rookery_core import available_memory
from rookery_core.database.embedded import cluster


def test_a_container_has_what_it_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(available_memory, "_LIMIT", limit)
    whole = available_memory.memory()
    limit.write_text("max\n")
    assert available_memory.memory() == whole
    limit.write_text(f"{whole // 2}\n")
    assert available_memory.memory() == whole // 2
    limit.write_text(f"{whole * 2}\n")
    assert available_memory.memory() == whole


@pytest.mark.parametrize(("megabytes", "cache"), [(256, "128MB"), (4096, "512MB"), (65536, "2048MB")])
def test_the_embedded_server_takes_an_eighth_for_its_cache(
    monkeypatch: pytest.MonkeyPatch, megabytes: int, cache: str
) -> None:
    monkeypatch.setattr(cluster, "memory", lambda: megabytes << 20)
    assert cluster.memory_settings()["shared_buffers"] == cache
