"""A person is named by an id wherever an identity is given; a name is refused, as it would stand for somebody unknown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rookery.settings import AgentSettings
from rookery_core.errors import ConfigurationError
from rookery_core.identity.tokens import read_tokens
from rookery_core.identity.user_ids import checked_user_id

BIN = Path(sys.executable).parent
NAMES = ["bob", "Bob", "@bob", "not an id", "", " U1", "U1 ", "<@U012AB3CD>", "u012ab3cd", "U" * 300]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_id(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="not a name"):
        checked_user_id(name)
    with pytest.raises(ConfigurationError, match="user"):
        read_tokens(json.dumps([{"hash": "0" * 64, "user": name}]))
    if name:
        monkeypatch.setenv("ROOKERY_AS_USER", name)
        with pytest.raises(ConfigurationError, match="ROOKERY_AS_USER"):
            AgentSettings.from_environment()


@pytest.mark.parametrize(
    "known",
    ["U012AB3CD", "W1", "U_ADA", "ann@acme.test", "auth0|5f7c", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"],
)
def test_an_id_is_taken_as_it_is(known: str) -> None:
    assert checked_user_id(known) == known


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["rookery-slack", "--as-user", "bob"],
        ["rookery-memory", "--as-user", "bob"],
        ["rookery", "install", "--print", "cursor", "--as-user", "bob"],
        ["rookery", "ask", "What is new?", "--as-user", "bob"],
        ["rookery", "token", "new", "--user", "not an id"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_every_command_refuses_a_name(command: list[str]) -> None:
    run = subprocess.run(
        [BIN / command[0], *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert run.returncode == 2
    assert "not a name" in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
