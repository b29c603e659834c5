"""`rookery install`: what each client is given, and what happens to its file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from rookery.commandline import main
from rookery.setup.clients import CLIENTS, Hosted, Local
from rookery_core import environment_file, jsonc

URL = "https://rookery.example/mcp"
TOKEN = "rk_0123456789abcdefghijkl"
PASSWORD = "postgresql://ada:s3cret@db.example/rookery"
LOCAL = Local("/bin/rookery-docs", ("--x",), {"A": "1"}, ("DATABASE_URL",))
HOSTED = Hosted("docs", URL, "ROOKERY_TOKEN", TOKEN)
REFERRING = sorted(name for name, client in CLIENTS.items() if client.reference)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment_file, "loaded", [])
    return tmp_path


def read(name: str, text: str) -> dict[str, Any]:
    loads = {"json": jsonc.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}[CLIENTS[name].form]
    return loads(text)[CLIENTS[name].key]


def printed(capsys: pytest.CaptureFixture[str], name: str, *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["install", "--print", name, *words]) == 0
    return read(name, capsys.readouterr().out)


def test_each_client_writes_a_local_server_in_its_own_words() -> None:
    forms = {name: client.entry("rookery-docs", LOCAL) for name, client in CLIENTS.items()}
    plain = {"command": "/bin/rookery-docs", "args": ["--x"], "env": {"A": "1"}}
    assert forms["claude-desktop"] == forms["zed"] == forms["jetbrains"] == plain
    assert forms["cline"] == {"type": "stdio", **plain}
    assert forms["claude-code"]["env"] == {"A": "1", "DATABASE_URL": "${DATABASE_URL}"}
    assert (
        forms["cursor"]["env"] == forms["vscode"]["env"] == {"A": "1", "DATABASE_URL": "${env:DATABASE_URL}"}
    )
    assert forms["windsurf"]["env"] == forms["cursor"]["env"]
    assert forms["gemini"]["env"] == {"A": "1", "DATABASE_URL": "$DATABASE_URL"}
    assert forms["codex"] == {**plain, "env_vars": ["DATABASE_URL"]}
    assert (forms["goose"]["cmd"], forms["goose"]["envs"], forms["goose"]["env_keys"]) == (
        "/bin/rookery-docs", {"A": "1"}, ["DATABASE_URL"],
    )  # fmt: skip


def test_each_client_writes_a_hosted_server_in_its_own_words() -> None:
    forms = {name: client.entry("rookery-docs", HOSTED) for name, client in CLIENTS.items()}
    assert forms["codex"] == {"url": URL, "bearer_token_env_var": "ROOKERY_TOKEN"}
    assert forms["claude-code"] == {
        "type": "http",
        "url": URL,
        "headers": {"Authorization": "Bearer ${ROOKERY_TOKEN}"},
    }
    assert forms["cursor"] == {"url": URL, "headers": {"Authorization": "Bearer ${env:ROOKERY_TOKEN}"}}
    assert forms["windsurf"] == {
        "serverUrl": URL,
        "headers": {"Authorization": "Bearer ${env:ROOKERY_TOKEN}"},
    }
    assert forms["gemini"] == {"httpUrl": URL, "headers": {"Authorization": "Bearer $ROOKERY_TOKEN"}}
    assert forms["vscode"]["headers"] == {"Authorization": "Bearer ${input:rookery-token}"}
    assert forms["cline"]["type"] == "streamableHttp"
    assert forms["zed"] == {"url": URL, "headers": {"Authorization": f"Bearer {TOKEN}"}}
    assert (forms["goose"]["type"], forms["goose"]["uri"]) == ("streamable_http", URL)
    assert forms["jetbrains"]["args"][:3] == ["-y", "mcp-remote", URL]
    assert (forms["rookery"]["audience"], "internal_only" in forms["rookery"]) == ("rookery-docs", False)


@pytest.mark.parametrize("name", REFERRING)
def test_no_secret_is_printed_where_the_client_can_refer_to_it(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOKERY_TOKEN", TOKEN)
    assert main(["install", "--print", name, "docs", "--url", URL]) == 0
    out = "".join(capsys.readouterr())
    monkeypatch.setenv("DATABASE_URL", PASSWORD.replace("db.example", "127.0.0.1:1"))
    assert main(["install", "--print", name, "docs"]) == 0
    out += "".join(capsys.readouterr())
    assert TOKEN not in out
    assert "s3cret" not in out


def test_a_password_that_the_client_cannot_refer_to_belongs_into_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", PASSWORD)
    assert main(["install", "--print", "zed", "docs"]) == 2
    told = capsys.readouterr().err
    assert "Zed cannot refer to a variable" in told
    assert "rookery --env FILE install" in told
    assert "s3cret" not in told
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("ROOKERY_ENV_FILE")
    (folder / "own.env").write_text(f"DATABASE_URL={PASSWORD.replace('db.example', '127.0.0.1:1')}\n")
    assert main(["--env", "own.env", "install", "--print", "zed", "docs"]) == 0
    out = capsys.readouterr()
    assert read("zed", out.out)["rookery-docs"]["env"] == {"ROOKERY_ENV_FILE": str(folder / "own.env")}
    assert "s3cret" not in out.out + out.err
    monkeypatch.delenv("DATABASE_URL")


def test_the_entry_carries_the_data_folder_and_says_what_is_in_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("ROOKERY_DATA_DIR", "mine")
    (folder / "rookery.toml").write_text("")
    monkeypatch.setenv("ROOKERY_CONFIG", "rookery.toml")
    assert main(["install", "--print", "claude-desktop", "docs"]) == 0
    out = capsys.readouterr()
    assert read("claude-desktop", out.out)["rookery-docs"]["env"] == {
        "ROOKERY_DATA_DIR": str(folder / "mine"),
        "ROOKERY_CONFIG": str(folder / "rookery.toml"),
    }
    assert f"The servers read an empty database (embedded in {folder / 'mine'})" in out.err
    assert "rookery-ingest slack import" in out.err


@pytest.mark.parametrize(
    ("name", "held"),
    [
        (
            "vscode",
            '{\n  // mine\n  "servers": {"other": {"command": "x"},},\n  "inputs": [{"id": "key"}],\n}\n',
        ),
        ("codex", '# mine\nmodel = "o"\n\n[mcp_servers.other]\ncommand = "x" # theirs\n'),
        ("goose", "# mine\nextensions:\n  other: {cmd: x} # theirs\nGOOSE_MODE: auto\n"),
        (
            "zed",
            '// mine\n{\n\t"theme": "One", // theirs\n\t"context_servers": {"other": {"command": "x"}}\n}\n',
        ),
        ("cursor", ""),
    ],
)
def test_a_clients_file_is_written_after_a_yes_and_put_back_as_it_was(
    name: str, held: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = CLIENTS[name].path()
    path.parent.mkdir(parents=True, exist_ok=True)
    if held:
        path.write_text(held)
        path.chmod(0o640)
    asked = ["install", "--write", name, "docs", "--url", URL]
    assert main(asked) == 1  # nobody is there to say yes
    assert (path.read_text() if path.exists() else "") == held
    assert "+" in capsys.readouterr().err
    assert main([*asked, "--yes"]) == 0
    written = path.read_text()
    servers = read(name, written)
    assert set(servers) == ({"other", "rookery-docs"} if held else {"rookery-docs"})
    for comment in ("mine", "theirs"):
        assert (comment in written) == (comment in held)
    assert path.stat().st_mode & 0o777 == (0o640 if held else 0o600)
    assert main([*asked, "--yes"]) == 0
    assert "already" in capsys.readouterr().err
    assert main(["install", "--undo", name, "--yes"]) == 0
    assert (path.read_text() if path.exists() else "") == held
    assert not list(path.parent.glob("*rookery*"))
    assert main(["install", "--undo", name, "--yes"]) != 0


def test_what_a_difference_shows_is_only_what_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / ".mcp.json"
    path.write_text(json.dumps({"mcpServers": {"other": {"env": {"KEY": "their-secret"}}}}, indent=2))
    assert main(["install", "--write", "claude-code", "docs", "--yes", "--url", URL]) == 0
    assert "their-secret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text"),
    [("cursor", '{"mcpServers": []}'), ("cursor", "{"), ("codex", "a = "), ("goose", "a: [")],
)
def test_a_file_that_cannot_be_read_is_left_alone(
    name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = CLIENTS[name].path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert main(["install", "--write", name, "docs", "--yes", "--url", URL]) == 2
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--url", "ftp://x"), "--url must be an http or https address"),
        (("--url", "https://x/mcp"), "write {server} in the address"),
        (("docs", "--url", "https://u:p@x/mcp"), "--url must not contain a password"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(
    words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "--print", "cursor", *words]) == 2
    assert told in capsys.readouterr().err


def test_one_address_may_stand_for_all_servers(capsys: pytest.CaptureFixture[str]) -> None:
    servers = printed(capsys, "cursor", "--url", "https://x.example/{server}/mcp", "--no-token")
    assert servers["rookery-memory"] == {"url": "https://x.example/memory/mcp"}
    assert printed(capsys, "cursor", "docs", "--url", "https://x.example")["rookery-docs"]["url"] == (
        "https://x.example/mcp"
    )
