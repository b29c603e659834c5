"""The demo, on the sample and on somebody's own data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rookery.demo.plan import SAMPLE_QUESTIONS, make_plan
from rookery_core.errors import NotFound
from rookery_core.settings import CoreSettings

pytestmark = pytest.mark.timeout(240)


def demo(folder: Path, settings: CoreSettings, *words: str) -> subprocess.CompletedProcess[str]:
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "ROOKERY_DATA_DIR": str(folder / "data"),
    }
    command = [sys.executable, "-m", "rookery", "demo", "--into-database-url", *words]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=200, check=False
    )


@pytest.mark.slow
def test_three_questions_are_answered_from_slack_docs_and_memory(
    settings: CoreSettings, tmp_path: Path
) -> None:
    done = demo(tmp_path, settings)
    assert done.returncode == 0, done.stderr
    for question in SAMPLE_QUESTIONS:
        assert question in done.stdout
    first, second, third = done.stdout.split("· claimed after")[1:]
    assert "slack.com/archives/" in first
    assert "data-retention" in second
    assert "memory://" in third
    assert "install --print claude-desktop" in done.stdout


@pytest.mark.slow
def test_the_same_on_ones_own_data(settings: CoreSettings, tmp_path: Path) -> None:
    docs = tmp_path / "handbook"
    docs.mkdir()
    (docs / "deploys.md").write_text(
        "# Deploys\n\nWe deploy on Tuesdays, after the harbour meeting, with `make ship`.\n"
    )
    done = demo(tmp_path, settings, "--docs", str(docs), "--question", "On which day do we deploy?")
    assert done.returncode == 0, done.stderr
    assert "We deploy on Tuesdays" in done.stdout
    assert "deploys.md" in done.stdout
    assert SAMPLE_QUESTIONS[0] not in done.stdout


def test_own_data_never_shares_a_folder_with_the_sample(tmp_path: Path) -> None:
    sample = make_plan(tmp_path / "data", None, None, ())
    own = make_plan(tmp_path / "data", None, tmp_path, ("x",))
    assert sample.folder != own.folder
    assert own == make_plan(tmp_path / "data", None, tmp_path, ("x",))
    assert json.dumps([sample.sample, own.sample]) == "[true, false]"


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="--slack-export"):
        make_plan(None, tmp_path / "nowhere", None, ())
