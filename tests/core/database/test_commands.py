from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from rookery_core.database.commands import add_commands

if TYPE_CHECKING:
    from postgres_for_tests import TestServer

# These tests are synchronous: the commands run event loops of their own.


def db(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="rookery")
    add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["db", *arguments])
    return parsed.run(parsed)


@pytest.fixture
def blank(blank_dsn: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", blank_dsn)
    return blank_dsn


def test_an_operator_migrates_adapts_and_looks(blank: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert db("status") == 1
    assert "rookery db migrate" in capsys.readouterr().out
    assert db("migrate") == 0
    assert "applied queue/0001_roles_and_extensions" in capsys.readouterr().out
    assert db("migrate", "--json") == 0
    assert json.loads(capsys.readouterr().out)["applied"] == []
    assert db("adapt") == 0
    capsys.readouterr()
    assert db("status") == 0
    said = capsys.readouterr().out
    assert "schema queue:" in said
    assert "none pending" in said
    assert db("status", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["embedded"] is False
    assert found["problem"] is None
    assert found["capabilities"]["vector"]


def test_a_database_that_is_not_there_is_an_error_without_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://someone:hush@/nest?host={tmp_path}")
    assert db("status") == 69
    said = capsys.readouterr().err
    assert said.startswith("rookery db status: The database is not reachable")
    assert "hush" not in said


def test_an_address_that_is_none_is_an_error_that_shows_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://someone:hush@db/nest")
    assert db("status") == 2
    said = capsys.readouterr().err
    assert "DATABASE_URL must be the address of a PostgreSQL server" in said
    assert "hush" not in said


def test_a_wrong_password_is_named_as_such(
    postgres: TestServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if postgres.lease is None:
        pytest.skip("the server of ROOKERY_TEST_DATABASE_URL may ask for no password")
    parts = urlsplit(postgres.owner_dsn("rookery"))
    monkeypatch.setenv("DATABASE_URL", parts._replace(netloc="postgres:wrong@").geturl())
    assert db("status") == 2
    assert "refused the login" in capsys.readouterr().err


def test_without_database_url_they_act_on_the_embedded_server(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_DATA_DIR", str(home))
    assert db("migrate") == 0
    assert db("status") == 0
    assert f"embedded, in {home}" in capsys.readouterr().out
    assert db("url") == 0
    assert urlsplit(capsys.readouterr().out.strip()).username == "postgres"
    assert db("stop") == 0
    assert capsys.readouterr().out == "stopped\n"
    assert db("stop", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": False}


def test_a_server_that_is_not_ours_is_not_stopped(blank: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert db("stop") == 2
    assert "has not started" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["migrate", "adapt", "status", "url", "stop"])
def test_help_shows_examples_and_exit_statuses(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        db(action, "--help")
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert "examples:" in said
    assert "exit status:" in said
