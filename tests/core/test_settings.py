"""Settings: variables, rookery.toml, and the variables of earlier versions."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from rookery.settings import AgentSettings
from rookery.slack.settings import BotSettings
from rookery_core.errors import ConfigurationError
from rookery_core.renamed_settings import RENAMED
from rookery_core.settings import CoreSettings
from rookery_docs.settings import DocsSettings
from rookery_github.settings import GitHubSettings
from rookery_ingest.slack.settings import SlackIngestSettings
from rookery_memory.settings import MemorySettings
from rookery_slack.settings import SlackSettings

CLASSES: dict[str, type[CoreSettings]] = {
    "": SlackIngestSettings,
    "agent": AgentSettings,
    "slack": BotSettings,
    "slack-server": SlackSettings,
    "docs": DocsSettings,
    "github": GitHubSettings,
    "memory": MemorySettings,
    "ingest": SlackIngestSettings,
}
VALUES = {"subagents": "off", "extract_facts": "off", "semantic_weight": "0.5", "context_tokens": "9000"}


@pytest.mark.parametrize("variable", RENAMED)
def test_an_old_variable_still_works_and_names_its_new_place(
    variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renamed = RENAMED[variable]
    settings = CLASSES[renamed.section]
    if renamed.field in ("tools", "exclude"):
        monkeypatch.setenv(variable, "look, get_*")
        read = getattr(settings.from_environment(), renamed.field)
        assert read == (f"{renamed.prefix}look", f"{renamed.prefix}get_*")
    else:
        text = VALUES.get(renamed.field, "7" if "tokens" not in renamed.field else "700")
        monkeypatch.setenv(variable, text)
        read = getattr(settings.from_environment(), renamed.field)
        assert read == ({"off": False}.get(text, read) if text == "off" else float(text))
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == f"{variable} is deprecated; use {renamed.replacement}."


def test_old_lists_of_tools_prompts_and_resources_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOKERY_MEMORY_EXCLUDE_TOOLS", "forget")
    monkeypatch.setenv("ROOKERY_MEMORY_EXCLUDE_RESOURCES", "*")
    assert MemorySettings.from_environment().exclude == ("forget", "resources:*")
    monkeypatch.setenv("ROOKERY_EXCLUDE", "recall")
    assert MemorySettings.from_environment().exclude == ("recall",)


def test_an_old_variable_is_read_by_its_own_part_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ROOKERY_DOCS_TOOLS", "search_docs")
    assert GitHubSettings.from_environment().tools == ()
    assert caplog.records == []


def test_a_server_reads_its_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rookery.toml"
    file.write_text("[github]\ntimeout_s = 3\nallow = 'acme/*'\n[agent]\nmodle = 'x'\n")
    monkeypatch.setenv("ROOKERY_CONFIG", str(file))
    read = GitHubSettings.from_environment()
    assert (read.timeout_s, read.allow) == (3, "acme/*")
    assert GitHubSettings.from_environment(timeout_s=5).timeout_s == 5
    monkeypatch.setenv("ROOKERY_GITHUB_ALLOW", "other/*")
    assert GitHubSettings.from_environment().allow == "other/*"
    monkeypatch.setenv("ROOKERY_GITHUB_TIMEOUT_S", "4")
    assert GitHubSettings.from_environment().timeout_s == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[github]\ntimeout_s = -1\n", "[github] timeout_s: Input should be greater than 0"),
        ("[github]\ntimeot_s = 1\n", "[github]: unknown key 'timeot_s'. Did you mean: timeout_s"),
        ("[github]\ntoken = 'x'\n", "token is a secret. Set the variable GITHUB_TOKEN."),
        ("[gitlab]\n", "unknown key 'gitlab'. Did you mean: github"),
        ("[github]\nhosts = '{}'\n", "hosts is a secret"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_file_and_key(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rookery.toml"
    file.write_text(text)
    monkeypatch.setenv("ROOKERY_CONFIG", str(file))
    with pytest.raises(ConfigurationError) as raised:
        GitHubSettings.from_environment()
    assert problem in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_setting_without_a_variable_is_not_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIMEOUT_S", "3")
    monkeypatch.setenv("LEASE_S", "3")
    assert GitHubSettings.from_environment().timeout_s == 15
    assert BotSettings.from_environment().lease_s == 30


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("on", True), ("off", False), ("participants", True)],
)
def test_booleans_have_one_form_and_the_old_ones_are_read(
    text: str, value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_SLACK_DMS", text)
    assert SlackSettings.from_environment().slack_dms is value
    if text != "participants":
        monkeypatch.setenv("ROOKERY_SLACK_POSTING", text)
        monkeypatch.setenv("ROOKERY_TRACES", text)
        assert SlackSettings.from_environment().slack_posting is value
        assert AgentSettings.from_environment().traces is value
