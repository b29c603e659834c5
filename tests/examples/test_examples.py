"""Each program of `examples/` runs as it is and prints what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rookery_core.settings import CoreSettings

ROOT = Path(__file__).parents[2]
PRINTED = {
    "queue_with_effects": """\
duplicate: False, the same order again: True
attempt 1: charged 40
attempt 2: already charged, recording the receipt
payments: [40]
""",
    "custom_agent": """\
Billing is [degraded](https://status.acme.example/services/billing), not down.
sources: ['https://status.acme.example/services/billing']
links removed: 1
""",
    "search_own_documents": """\
Restores: https://handbook.example/restores.md#restores
Deploys: https://handbook.example/deploys.md#deploys
""",
}

pytestmark = pytest.mark.slow


def run(name: str, settings: CoreSettings) -> str:
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ROOKERY_DATA_DIR": str(settings.data_dir),
    }
    program = ROOT / "examples" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_promises(name: str, settings: CoreSettings) -> None:
    assert run(name, settings) == PRINTED[name]


def test_every_example_is_run_by_a_test_and_described() -> None:
    described = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for program in (ROOT / "examples").glob("*.py"):
        assert f"`{program.name}`" in described
        assert program.stem in tests, f"no test runs {program.name}"
