"""mcp.json and rookery.toml: what is accepted, and how what is not is named."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rookery.mcp.own_servers import configured_servers
from rookery.models.pricing import Price, read_prices
from rookery.settings import AgentSettings
from rookery_core.errors import ConfigurationError
from rookery_core.identity.tokens import new_token
from rookery_core.mcp.configuration import parse_servers, read_servers
from rookery_core.mcp.environment import foreign_environment, own_environment
from rookery_core.settings_file import read_settings_file
from rookery_core.trust import remember_written


def parse(entry: Any, environment: dict[str, str] | None = None, key: str = "mcpServers") -> Any:
    (server,) = parse_servers({key: {"x": entry}}, environment or {})
    return server.entry


def test_stdio_and_http_as_other_clients_write_them() -> None:
    assert parse({"command": "uvx", "args": ["a"], "env": {"K": "v"}}).args == ("a",)
    assert parse({"type": "stdio", "command": "uvx"}, key="servers").command == "uvx"
    http = parse({"type": "http", "url": "https://x.test/mcp", "headers": {"Authorization": "Bearer t"}})
    assert http.headers == {"Authorization": "Bearer t"}
    assert parse({"url": "https://x.test", "transport": "sse"}).type == "sse"
    more = parse(
        {"command": "x", "internal_only": True, "allowed_tools": ["a"], "tool_prefix": "p", "timeout": 5}
    )
    assert (more.internal_only, more.allowed_tools, more.prefix, more.timeout_s) == (True, ("a",), "p", 5)


def test_variables_are_filled_in() -> None:
    entry = parse(
        {
            "url": "https://${HOST:-localhost}/mcp",
            "headers": {"Authorization": "Bearer ${TOKEN}", "X": "${env:TOKEN}"},
        },
        {"TOKEN": "t"},
    )
    assert entry.url == "https://localhost/mcp"
    assert entry.headers == {"Authorization": "Bearer t", "X": "t"}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"command": "x", "tool_prefx": "a"}, "unknown key 'tool_prefx'. Did you mean: tool_prefix"),
        (
            {"command": "x", "tools": {"a": {"confrim": True}}},
            "unknown key 'tools.a.confrim'. Did you mean: confirm",
        ),
        ({"command": "x", "disabled": True, "wrong": 1}, "unknown key 'wrong'"),
        ({"url": "https://${MISSING}/"}, "variable MISSING is not set"),
        ({}, "either command (stdio) or url (HTTP)"),
        ({"command": "x", "url": "https://x"}, "either command (stdio) or url (HTTP)"),
        ({"url": "ftp://x"}, "url must begin with http"),
        ({"url": "https://x", "args": ["a"]}, "args, env and cwd go with command"),
        ({"command": "x", "headers": {"a": "b"}}, "headers go with url"),
        ({"command": "x", "type": "http"}, "does not go with command"),
        ({"command": "x", "prefix": "a b"}, "prefix"),
        ({"command": "x", "tools": {"t": {"timeot_s": 1}}}, "tools.t.timeot_s"),
        ("text", "valid dictionary"),
        (
            {"url": "https://x", "headers": {"A": "Bearer ${input:token}"}},
            "${input:token} is not an environment variable. Use ${NAME}",
        ),
        (
            {"command": "x", "args": ["${not a name}"]},
            "${not a name} is not an environment variable",
        ),
        ({"command": "x", "timeout": 60000}, "timeout: Input should be less than or equal to 3600"),
        ({"command": "x", "env": {"PORT": 8080}}, "env.PORT: Input should be a valid string"),
    ],
)
def test_what_is_wrong_is_named(entry: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)) as raised:
        parse(entry)
    assert "'x'" in str(raised.value)


def test_the_file_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    for content, told in (
        ("{", "is not JSON"),
        ("[]", "mcpServers"),
        ('{"mcpServer": {}}', "unknown key 'mcpServer'"),
    ):
        path.write_text(content)
        with pytest.raises(ConfigurationError, match=told) as raised:
            read_servers(path)
        assert str(path) in str(raised.value)


def test_what_editors_write_besides(tmp_path: Path) -> None:
    """VS Code keeps what it asks for under `inputs`; Notepad begins a file with a mark of its bytes."""
    path = tmp_path / "mcp.json"
    entry = {"type": "streamableHttp", "url": "https://x.test/mcp"}
    path.write_text(json.dumps({"inputs": [{"id": "token"}], "servers": {"x": entry}}), encoding="utf-8-sig")
    (server,) = read_servers(path)
    assert server.entry.type == "streamable-http"


@pytest.mark.parametrize("disabled", ["true", 1])
def test_disabled_however_it_is_written(disabled: Any) -> None:
    assert parse_servers({"mcpServers": {"x": {"command": "x", "disabled": disabled}}}, {}) == []


def test_disabled_servers_need_no_variables() -> None:
    assert parse_servers({"mcpServers": {"x": {"url": "${NOT_SET}", "disabled": True}}}, {}) == []


def test_without_a_file_the_four_servers_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    servers = configured_servers(AgentSettings())
    assert [server.name for server in servers] == ["slack", "docs", "github", "memory"]
    assert all(server.own and server.entry.audience == f"rookery-{server.name}" for server in servers)


def test_our_commands_in_a_file_are_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entries = {
        "chat": {"command": "/opt/bin/rookery-slack"},
        "other": {"command": "npx", "args": ["-y", "linear"]},
    }
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": entries}))
    remember_written(tmp_path / "mcp.json")
    chat, other = configured_servers(AgentSettings())
    assert (chat.own, chat.entry.audience) == (True, "rookery-slack")
    assert (other.own, other.entry.audience) == (False, None)


TOKEN = new_token("U0BOT", scopes=["delegate"])[0]
KEY = SecretStr("k" * 40)
HANDED_OVER: list[dict[str, Any]] = [
    {"url": "http://slack:8000/mcp", "headers": {"Authorization": f"Bearer {TOKEN}"}},
    {"url": "http://slack:8000/mcp", "headers": {"authorization": f"bearer {TOKEN}"}},
    {"url": "http://slack:8000/mcp", "headers": {"X-Token": "${ROOKERY_BOT_TOKEN}"}},
    {"url": "http://slack:8000/mcp?token=${ROOKERY_BOT_TOKEN}"},
    {"command": "npx", "args": ["mcp-remote", "http://slack:8000/mcp", "--header", f"Authorization: Bearer {TOKEN}"]},
    {"command": "mcp-proxy", "env": {"API_ACCESS_TOKEN": "${ROOKERY_BOT_TOKEN}"}},
]  # fmt: skip


@pytest.mark.parametrize("entry", HANDED_OVER)
@pytest.mark.parametrize("for_many", [True, False])
def test_a_server_with_our_token_and_no_audience_stops_the_start(
    entry: dict[str, Any], for_many: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_BOT_TOKEN", "not-made-by-us")
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": {"ours": entry}}))
    settings = AgentSettings(mcp_config=path, context_key=KEY)
    with pytest.raises(ConfigurationError, match=r"'ours'.*audience") as raised:
        configured_servers(settings, for_many=for_many)
    assert TOKEN not in str(raised.value)
    path.write_text(json.dumps({"mcpServers": {"ours": {**entry, "audience": "rookery-slack"}}}))
    (server,) = configured_servers(settings, for_many=for_many)
    assert server.entry.audience == "rookery-slack"


def test_who_answers_many_needs_the_key_that_hosted_servers_check(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    entry = {"url": "http://slack:8000/mcp", "headers": {"Authorization": f"Bearer {TOKEN}"}}
    path.write_text(json.dumps({"mcpServers": {"ours": entry}}))
    settings = AgentSettings(mcp_config=path)
    assert configured_servers(settings)  # one person's own token, asked for that person
    with pytest.raises(ConfigurationError, match="audience"):
        configured_servers(settings, for_many=True)
    path.write_text(json.dumps({"mcpServers": {"ours": {**entry, "audience": "rookery-slack"}}}))
    with pytest.raises(ConfigurationError, match="ROOKERY_CONTEXT_KEY"):
        configured_servers(settings, for_many=True)


def test_hosted_servers_of_ours_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    entries = {
        "a": {"url": "http://x/mcp", "audience": "rookery-github"},
        "b": {"command": "rookery-memory"},
        "d": {"url": "http://x/mcp", "audience": "rookery-docs"},
    }
    path.write_text(json.dumps({"mcpServers": entries}))
    servers = configured_servers(AgentSettings(mcp_config=path, context_key=KEY))
    assert all(server.own for server in servers)


def test_who_gets_which_variables() -> None:
    names = "DATABASE_URL ROOKERY_X GITHUB_TOKEN ANTHROPIC_API_KEY SLACK_BOT_TOKEN OPENAI_API_KEY TZ PGSSLMODE HOME"
    environment: dict[str, str] = {name: "1" for name in names.split()}  # noqa: C420 dict.fromkeys infers literals
    assert set(foreign_environment({"OWN": "1"}, environment)) == {"TZ", "OWN"}
    assert set(own_environment("docs", {}, environment)) == {
        "TZ",
        "DATABASE_URL",
        "ROOKERY_X",
        "OPENAI_API_KEY",
        "PGSSLMODE",
    }
    assert set(own_environment("github", {}, environment)) - set(
        own_environment("docs", {}, environment)
    ) == {"GITHUB_TOKEN"}


TOML = """
[agent]
model = "anthropic:claude-sonnet-5-5,extractive"
link_hosts = ["wiki.acme.example"]
max_run_usd = 0.5

[slack]
follow_ups = true

[prices."claude-sonnet-5-5"]
input = 3.0
output = 15
"""


def test_rookery_toml_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rookery.toml").write_text(TOML)
    remember_written(tmp_path / "rookery.toml")
    settings = AgentSettings.from_environment()
    assert settings.model == "anthropic:claude-sonnet-5-5,extractive"
    assert settings.link_hosts == ("wiki.acme.example",)
    assert read_prices(read_settings_file()) == {"claude-sonnet-5-5": Price(3.0, 15)}
    monkeypatch.setenv("ROOKERY_MODEL", "extractive")
    assert AgentSettings.from_environment().model == "extractive"
    assert AgentSettings.from_environment(model="openai:x").model == "openai:x"
    from rookery.slack.settings import BotSettings

    assert BotSettings.from_environment().follow_ups is True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[agnt]\n", "unknown key 'agnt'"),
        ("[agent]\nmodle = 'x'\n", "unknown key 'modle'. Did you mean: model"),
        (
            "[agent]\nanthropic_api_key = 'x'\n",
            "anthropic_api_key is a secret. Set the variable ANTHROPIC_API_KEY",
        ),
        ("[agent]\nmax_output_tokens = 'many'\n", "rookery.toml: [agent] max_output_tokens"),
        ("[prices.x]\ninput = 1\n", "input and output are required"),
        ("[prices.x]\ninput = '1'\noutput = 2\n", "prices must be numbers"),
        ("agent = 3\n", "must be a section"),
        ("[agent\n", "is not valid TOML"),
        ("[agent]\nclass = 'nowhere:Agent'\n", "cannot be loaded"),
        ("[agent]\nclass = 'json:JSONDecoder'\n", "must be a subclass of rookery.agent.Agent"),
    ],
)
def test_what_is_wrong_in_rookery_toml_is_named(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rookery.agent.composition import prepared

    (tmp_path / "rookery.toml").write_text(text)
    monkeypatch.setenv("ROOKERY_CONFIG", str(tmp_path / "rookery.toml"))
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        prepared(AgentSettings.from_environment())
    assert "ROOKERY_CONFIG" in os.environ


def test_a_limit_on_money_needs_a_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rookery.agent.composition import prepared

    monkeypatch.chdir(tmp_path)
    told = {"ROOKERY_MODEL": "openai:nobody-knows", "ROOKERY_MAX_DAY_USD": 5, "ROOKERY_DATA_DIR": tmp_path}
    with pytest.raises(ConfigurationError, match="price of openai:nobody-knows is not known"):
        prepared(AgentSettings.model_validate(told))
    (tmp_path / "rookery.toml").write_text('[prices."nobody-knows"]\ninput = 1\noutput = 2\n')
    remember_written(tmp_path / "rookery.toml")
    assert prepared(AgentSettings.model_validate(told)).prices == {"nobody-knows": Price(1, 2)}


def test_mcp_json_may_have_comments_and_trailing_commas(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("""{
  // the team's server
  "mcpServers": {
    "a": {"url": "https://x/mcp//y", /* two
    lines */ "headers": {"A": "/* kept, */ // kept,}"},},
  },
}""")
    (server,) = read_servers(path)
    assert server.entry.url == "https://x/mcp//y"
    assert server.entry.headers == {"A": "/* kept, */ // kept,}"}
    path.write_text('{\n  // a comment\n  "mcpServers": {"a" 1}\n}')
    with pytest.raises(ConfigurationError, match="line 3 column 22"):
        read_servers(path)
