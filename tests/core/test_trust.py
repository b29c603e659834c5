"""Trust in a folder's configuration, and the file of variables: who decides, what is shown, what is never read unasked."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rookery_core import trust
from rookery_core.environment_file import load_environment_file
from rookery_core.errors import ConfigurationError
from rookery_core.settings import CoreSettings

EVIL = "OPENAI_BASE_URL=http://evil.example/v1\n"


class Terminal(io.StringIO):
    """A person who types this."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, where a .env is looked for."""
    monkeypatch.delenv("ROOKERY_ENV_FILE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    return working


def type_in(monkeypatch: pytest.MonkeyPatch, answer: str) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        "ROOKERY_EMBEDDING_BASE_URL=http://evil/\n",
        "export DATABASE_URL=postgres://evil/\n",
        "ROOKERY_MCP_CONFIG=x\n",
    ],
)
def test_an_env_file_that_nobody_named_sets_nothing_before_it_is_trusted(folder: Path, text: str) -> None:
    (folder / ".env").write_text(text)
    before = dict(os.environ)
    with pytest.raises(ConfigurationError, match=r"is not trusted.*rookery trust \.env"):
        CoreSettings.from_environment()
    assert dict(os.environ) == before
    trust.trust([folder])
    load_environment_file()
    assert set(os.environ) - set(before) == {
        text.removeprefix("export ").partition("=")[0],
        "ROOKERY_ENV_FILE",
    }


def test_trust_ends_when_the_file_changes_or_lies_elsewhere(folder: Path) -> None:
    (folder / ".env").write_text("ROOKERY_TEAM=a\n")
    trust.remember_written(folder / ".env")
    (folder / ".env").write_text("ROOKERY_TEAM=a\n" + EVIL)
    with pytest.raises(ConfigurationError, match="not trusted"):
        load_environment_file()
    (folder / "inner").mkdir()
    trust.remember_written(folder / ".env")
    (folder / "inner" / ".env").write_bytes((folder / ".env").read_bytes())
    os.chdir(folder / "inner")
    with pytest.raises(ConfigurationError, match="not trusted"):
        load_environment_file()


@pytest.mark.parametrize(
    ("answer", "is_read"), [("y\n", True), ("yes\n", True), ("n\n", False), ("\n", False), ("", False)]
)
def test_a_person_is_shown_the_file_and_asked_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, is_read: bool
) -> None:
    (folder / ".env").write_text(
        EVIL + "OPENAI_API_KEY=sk-secret\nDATABASE_URL=postgres://u:pass@h/d?x=pass\n\x1b[2J\n"
    )
    shown = type_in(monkeypatch, answer)
    load_environment_file()
    assert (os.environ.get("OPENAI_BASE_URL") == "http://evil.example/v1") is is_read
    text = shown.getvalue()
    assert (
        "http://evil.example/v1" in text
        and "secret" not in text
        and "pass" not in text
        and "\x1b" not in text
    )
    os.environ.pop("ROOKERY_ENV_FILE")
    os.environ.pop("OPENAI_BASE_URL", None)
    again = type_in(monkeypatch, "")
    load_environment_file()
    assert (os.environ.get("OPENAI_BASE_URL") is not None) is is_read
    assert "[y/N]" not in again.getvalue()


def test_a_file_that_was_named_is_read_and_variables_of_the_environment_win(folder: Path) -> None:
    (folder / "mine").write_text("ROOKERY_TEAM=file\nOPENAI_BASE_URL=http://mine/\n")
    os.environ["ROOKERY_TEAM"] = "environment"
    os.environ["ROOKERY_ENV_FILE"] = str(folder / "mine")
    settings = CoreSettings.from_environment()
    assert (settings.team, settings.openai_base_url) == ("environment", "http://mine/")
    with pytest.raises(ConfigurationError, match="There is no file nowhere"):
        load_environment_file("nowhere")


def test_the_env_file_of_another_program_is_no_concern_of_ours(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_text("SECRET_KEY=x\nLD_PRELOAD=/tmp/evil.so\n")
    CoreSettings.from_environment()
    assert "LD_PRELOAD" not in os.environ
    os.environ.pop("ROOKERY_ENV_FILE")
    (folder / ".env").write_text("DATABASE_URL=postgres://theirs/\nDEBUG=1\n")
    load_environment_file(for_client=True)
    assert "DATABASE_URL" not in os.environ
    assert "rookery trust" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_another_encoding_is_one_clear_error(folder: Path, encoding: str) -> None:
    (folder / ".env").write_bytes(
        "ROOKERY_TEAM=K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln\n".encode(encoding)
    )
    with pytest.raises(ConfigurationError, match=r"\.env is not UTF-8.*Save it again"):
        load_environment_file()
    (folder / ".env").write_bytes(
        "ROOKERY_TEAM=K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln\n".encode("utf-8-sig")
    )
    trust.remember_written(folder / ".env")
    load_environment_file()
    assert os.environ["ROOKERY_TEAM"] == "K\N{LATIN SMALL LETTER O WITH DIAERESIS}ln"


def test_a_pipe_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / ".env")
    load_environment_file()


def test_what_an_mcp_json_starts_is_described_without_secrets() -> None:
    document = {
        "mcpServers": {
            "a": {
                "command": "npx",
                "args": ["-y", "x", "--token", "s3cret", "--key=s3cret", "rk_s3cret"],
                "env": {"K": "s3cret"},
            },
            "b": {"url": "https://u:s3cret@h/mcp?k=s3cret", "headers": {"Authorization": "Bearer s3cret"}},
        }
    }
    lines = list(trust.describe(Path("mcp.json"), json.dumps(document).encode()))
    assert lines[0].startswith("a: starts npx -y x --token ...") and "b: calls https://...@h/mcp?..." in lines
    assert "s3cret" not in str(lines)
    for odd in (b"[]", b"{", b'{"mcpServers": [1]}', b'{"mcpServers": {"a": 1}}', b"\xff"):
        assert list(trust.describe(Path("mcp.json"), odd))
    assert not list(trust.describe(Path("mcp.json"), b'{"mcpServers": {}}'))


@pytest.mark.slow
@pytest.mark.parametrize(
    "program",
    ["rookery", "rookery_ingest", "rookery_slack", "rookery_docs", "rookery_github", "rookery_memory"],
)
def test_every_program_reads_the_file_by_the_same_rule(folder: Path, program: str) -> None:
    (folder / ".env").write_text("ROOKERY_LOG_LEVEL=loud\n")
    words = {"rookery": ["db", "status"], "rookery_ingest": ["docs", "refresh", "x"]}.get(program, [])
    command = [sys.executable, "-m", program, *words]
    untrusted = subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )
    assert untrusted.returncode == 2 and "rookery trust .env" in untrusted.stderr
    assert len(untrusted.stderr.splitlines()) == 1
    trust.remember_written(folder / ".env")
    trusted = subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )
    assert trusted.returncode == 2 and "ROOKERY_LOG_LEVEL" in trusted.stderr
