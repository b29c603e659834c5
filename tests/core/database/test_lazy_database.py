from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from rookery_core.database import LazyDatabase
from rookery_core.errors import DatabaseStarting, Unavailable
from rookery_core.settings import CoreSettings

if TYPE_CHECKING:
    from pathlib import Path


def gate_of(settings: CoreSettings) -> LazyDatabase:
    return LazyDatabase(settings, role="rookery_slack", application_name="tests")


async def test_it_opens_in_the_background_and_once(settings: CoreSettings) -> None:
    gate = gate_of(settings)
    gate.start()
    first = await gate.database(patience_s=30)
    assert await gate.database() is first
    await gate.close()


async def test_who_can_not_wait_is_told_when_to_come_back(settings: CoreSettings) -> None:
    gate = gate_of(settings)
    with pytest.raises(DatabaseStarting) as caught:
        await gate.database(patience_s=0)
    assert caught.value.retry_after_s
    assert (await gate.database(patience_s=30)).role == "rookery_slack"
    await gate.close()


async def test_a_failure_is_told_and_tried_again(settings: CoreSettings, tmp_path: Path) -> None:
    reachable = settings.database_url
    settings.database_url = SecretStr(f"postgresql://a:b@/c?host={tmp_path}")
    gate = gate_of(settings)
    with pytest.raises(Unavailable, match="not reachable"):
        await gate.database(patience_s=30)
    settings.database_url = reachable
    assert (await gate.database(patience_s=30)).role == "rookery_slack"
    await gate.close()


async def test_closing_gives_up_an_opening(settings: CoreSettings) -> None:
    gate = gate_of(settings)
    gate.start()
    await gate.close()
    with pytest.raises(DatabaseStarting, match="shutting down"):
        await gate.database()


def test_importing_it_loads_neither_driver_nor_numpy() -> None:
    program = (
        "import sys; import rookery_core.database; "
        "print([name for name in ('asyncpg', 'numpy', 'pgvector') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
