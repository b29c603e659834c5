"""Who the server is on GitHub, on which hosts, and that a token never leaves for the wrong one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from asking_github import MakeSettings
from rookery_core.errors import ConfigurationError, InvalidInput
from rookery_github import hosts


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "gh"
    program.write_text(
        '#!/bin/sh\n[ "$1 $2 $3" = "auth token --hostname" ] && [ "$4" = github.com ] && echo gho_of_gh\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def credentials(make_settings: MakeSettings, **variables: Any) -> Any:
    return hosts.from_settings(make_settings(**variables)).default.find_credentials()


def test_a_token_comes_before_an_app_before_gh(make_settings: MakeSettings, gh: None) -> None:
    app = {
        "ROOKERY_GITHUB_APP_ID": "1",
        "ROOKERY_GITHUB_APP_KEY": "key",
        "ROOKERY_GITHUB_APP_INSTALLATION": 7,
    }
    assert credentials(make_settings, **app).token
    assert credentials(make_settings, GITHUB_TOKEN="", **app).identity == "app-1-7"
    asked = credentials(make_settings, GITHUB_TOKEN="", ROOKERY_GITHUB_USE_GH=True)
    assert asked.token == "gho_of_gh"
    assert credentials(make_settings, GITHUB_TOKEN="", ROOKERY_GITHUB_USE_GH=False).anonymous


def test_an_identity_tells_nothing_of_its_token(make_settings: MakeSettings) -> None:
    one = credentials(make_settings, GITHUB_TOKEN="ghp_one")
    other = credentials(make_settings, GITHUB_TOKEN="ghp_other")
    assert one.identity != other.identity
    assert "ghp" not in one.identity + repr(one)


def test_half_an_app_is_a_mistake(make_settings: MakeSettings) -> None:
    with pytest.raises(ConfigurationError, match="all of"):
        credentials(make_settings, GITHUB_TOKEN="", ROOKERY_GITHUB_APP_ID="1")


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://ghe.acme.org/api/v3", "https://ghe.acme.org"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com"),
    ],
)
def test_pages_belong_to_an_api(api: str, web: str) -> None:
    assert hosts.web_of(api) == web


def test_hosts_are_known_by_name(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHE_TOKEN", "secret")
    entries = {"ghe.acme.org": {"token_env": "GHE_TOKEN"}, "acme.ghe.com": {}}
    known = hosts.from_settings(make_settings(ROOKERY_GITHUB_HOSTS=json.dumps(entries)))
    assert known.get("ghe.acme.org").api == "https://ghe.acme.org/api/v3"
    assert known.get("acme.ghe.com").api == "https://api.acme.ghe.com"
    assert known.get("ghe.acme.org").find_credentials().token == "secret"
    with pytest.raises(InvalidInput):
        known.get("evil.example")


@pytest.mark.parametrize(
    "text",
    ["[", "[]", '{"h": 1}', '{"h": {"tokn": "x"}}', '{"h": {"url": "http://h/api/v3"}}', "@/nowhere.json"],
)
def test_hosts_that_cannot_be_meant_are_refused(make_settings: MakeSettings, text: str) -> None:
    with pytest.raises(ConfigurationError):
        hosts.from_settings(make_settings(ROOKERY_GITHUB_HOSTS=text))
