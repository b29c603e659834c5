"""The command `rookery`, as a person or a script starts it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from emulators.models import Fault, ModelEmulator, Reply, Script, researcher
from rookery.commandline import COMMANDS, main
from rookery_core.settings import CoreSettings
from rookery_core.trust import remember_written

pytestmark = pytest.mark.slow

SAMPLE = str(Path(__file__).with_name("sample_server.py"))


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def rookery(*words: str, folder: Path, **environment: str) -> Done:
    """Run a command in this process: as `rookery` does, without the time of a new interpreter."""
    out, problems = io.StringIO(), io.StringIO()
    given = {"ROOKERY_DATA_DIR": str(folder / "data"), "ROOKERY_TRACES": "off", **environment}
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(problems),
    ):
        patch.chdir(folder)
        patch.delenv("ROOKERY_ENV_FILE")
        before = dict(os.environ)
        for name, value in given.items():
            patch.setenv(name, value)
        try:
            status = main(words)
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        for name in set(os.environ) - set(before):
            os.environ.pop(name)  # what a .env file has set
    return Done(status, out.getvalue(), problems.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder whose mcp.json names the sample server only."""
    entry = {"command": sys.executable, "args": [SAMPLE]}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"sample": entry}}))
    remember_written(tmp_path / "mcp.json")
    return tmp_path


@pytest_asyncio.fixture
async def models() -> AsyncIterator[ModelEmulator]:
    async with ModelEmulator() as emulator:
        yield emulator


async def asked(*words: str, folder: Path, **environment: str) -> Done:
    """Run beside the emulator, which lives in this loop."""
    return await asyncio.to_thread(rookery, *words, folder=folder, **environment)


def test_help_lists_every_command_with_examples_and_imports_little(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom rookery.commandline import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('pydantic', 'fastmcp', 'rich', 'asyncpg', 'anthropic') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout
    assert told.splitlines()[-1] == "[]"
    assert all(name in told for name in COMMANDS)
    assert "examples:" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ask", "x", "--timeout", "0"), "'0' is not a number above 0"),
        (("ask", "x", "--timeout", "soon"), "'soon' is not a number above 0"),
        (("trace", "--limit", "-1"), "'-1' is not a whole number of at least 1"),
        (("eval", "x", "--at-once", "0"), "'0' is not a whole number of at least 1"),
        (("eval", "x", "--require", "90"), "'90' is not a share from 0 to 1"),
        (("eval", "x", "--require", "nan"), "'nan' is not a share from 0 to 1"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = rookery(*words, folder=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr


def test_alone_it_shows_its_help(tmp_path: Path) -> None:
    done = rookery(folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: rookery") and "examples:" in done.stdout


@pytest.mark.parametrize(
    ("word", "told"), [("asks", "Did you mean: ask?"), ("xyzzy", "`rookery --help` lists the commands.")]
)
def test_a_mistyped_command_has_a_suggestion(word: str, told: str, tmp_path: Path) -> None:
    done = rookery(word, "x", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"rookery: there is no command {word!r}. {told}\n"


def test_init_without_anybody_to_answer_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    done = rookery("init", folder=tmp_path)
    assert done.returncode == 2 and not (tmp_path / ".env").exists()
    assert done.stderr.startswith("rookery init: There are no answers on standard input.")
    assert len(done.stderr.splitlines()) == 1


async def test_pins_without_foreign_servers_say_so(tmp_path: Path) -> None:
    done = await asked("pins", folder=tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "No foreign servers are configured: there is nothing to pin.\n",
    )


async def test_ask_that_found_nothing_exits_1(tmp_path: Path) -> None:
    entry = {"command": sys.executable, "args": [SAMPLE], "allowed_tools": ["slow"]}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": {"sample": entry}}))
    done = await asked("ask", "Which release?", "--mcp-config", "mcp.json", folder=tmp_path)
    assert done.returncode == 1, done.stdout


def test_help_in_a_chat_is_a_command(folder: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("rookery"), "chat", "--mcp-config", str(folder / "mcp.json")],
        input="/help\n/quit\n", capture_output=True, text=True, check=True, cwd=folder,
        env={**os.environ, "ROOKERY_DATA_DIR": str(folder / "data"), "ROOKERY_TRACES": "off"},
    )  # fmt: skip
    assert "begin a new conversation" in done.stdout
    assert "Sources" not in done.stdout and "trace" not in done.stdout


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    done = rookery(command, "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout or command in ("queue", "token")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("ask", " "), 2, "The question is empty"),
        (("ask", "x", "--mcp-config", "nowhere.json"), 2, "Cannot read nowhere.json"),
        (("ask", "x", "--model", "nobody:x"), 2, "there is no provider 'nobody'"),
        (("ask", "x", "--model", "anthropic:x"), 2, "needs ANTHROPIC_API_KEY"),
        (("ask", "x", "--prompts", "nowhere"), 2, "folder of prompts 'nowhere' does not exist"),
        (("--env", "nowhere.env", "doctor"), 2, "There is no file nowhere.env"),
        (("install", "--print", "cursor", "nobody"), 2, "There is no server 'nobody'"),
        (("demo", "--docs", "nowhere"), 1, "--docs: nowhere does not exist"),
        (("eval", "nowhere.jsonl"), 2, "Cannot read nowhere.jsonl"),
    ],
)
def test_errors_are_one_line_that_helps(words: tuple[str, ...], status: int, told: str, folder: Path) -> None:
    done = rookery(*words, folder=folder)
    assert done.returncode == status, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_is_installed(tmp_path: Path) -> None:
    told = subprocess.run(
        [Path(sys.executable).with_name("rookery"), "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert told.stdout.startswith("rookery ")


async def test_ask_without_a_key_quotes(folder: Path) -> None:
    done = await asked("ask", "Which release fixes the connection pool?", "--json", folder=folder)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["extractive"] is True
    assert told["citations"][0]["permalink"] == "https://acme.slack.example/archives/C1/p2"
    assert told["citations"][0]["server"] == "sample"
    assert told["citations"][0]["tool"] == "search_messages"
    assert {call["state"] for call in told["tool_calls"]} == {"ok"}
    assert told["timings"]["total_ms"] >= told["timings"]["tools_ms"]
    assert done.stderr == ""


@pytest.mark.parametrize("api", ["anthropic", "openai", "openai-responses"])
async def test_ask_with_a_model(api: str, folder: Path, models: ModelEmulator) -> None:
    keys = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": models.url}
    if api != "anthropic":
        keys = {
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": f"{models.url}/v1",
            "ROOKERY_MODEL": f"{api}:gpt-test",
            "ROOKERY_EMBEDDER": "none",
        }
    models.brain = researcher
    done = await asked("ask", "connection pool", folder=folder, **keys)
    assert done.returncode == 0, done.stderr
    assert "This is what I found: 1 [1]" in done.stdout
    assert "https://acme.slack.example/archives/C1/p2" in done.stdout


@pytest.mark.parametrize(("fault", "status"), [("overloaded", 69), ("bad_key", 1), ("cut", 69)])
async def test_a_model_that_fails_is_one_line(
    fault: Fault, status: int, folder: Path, models: ModelEmulator
) -> None:
    models.brain = Script([Reply(text="Half of it", fault=fault)])
    keys = {
        "ANTHROPIC_API_KEY": "sk-secret-1234567",
        "ANTHROPIC_BASE_URL": models.url,
        "ROOKERY_MODEL_RETRIES": "0",
    }
    done = await asked("ask", "x", folder=folder, **keys)
    assert done.returncode == status
    assert "rookery ask: Anthropic" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_answer_in_quotes_takes_over_when_the_model_fails(
    folder: Path, models: ModelEmulator
) -> None:
    models.brain = Script([Reply(fault="server_error")])
    keys = {
        "ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": models.url, "ROOKERY_MODEL_RETRIES": "0",
        "ROOKERY_MODEL": "anthropic:claude-test,extractive",
    }  # fmt: skip
    done = await asked("ask", "connection pool", "--json", folder=folder, **keys)
    assert json.loads(done.stdout)["extractive"] is True


async def test_eval_reports_what_is_missing(folder: Path) -> None:
    cases = [
        {"question": "Which release fixes the connection pool?", "facts": ["7.3.1"], "citations": ["/p2"]},
        {
            "id": "lunch",
            "question": "When is lunch today?",
            "facts": [["one o'clock", "13:00"]],
            "absent": ["noon"],
        },
    ]
    (folder / "cases.jsonl").write_text("\n".join(json.dumps(case) for case in cases))
    done = await asked("eval", "cases.jsonl", "--json", folder=folder)
    report = json.loads(done.stdout)
    assert (report["questions"], report["passed"], done.returncode) == (2, 1, 1)
    assert report["results"][1]["missing"] == ['fact "one o\'clock"', "must not say 'noon'"]
    assert (await asked("eval", "cases.jsonl", "--require", "0.5", folder=folder)).returncode == 0


async def test_variables_come_from_a_file_too(folder: Path) -> None:
    (folder / ".env").write_text("ROOKERY_MODEL=nobody:x\n")
    remember_written(folder / ".env")
    done = await asked("ask", "x", folder=folder)
    assert "no provider 'nobody'" in done.stderr
    done = await asked("ask", "noon", "--json", folder=folder, ROOKERY_MODEL="extractive")
    assert done.returncode == 0


def test_init_writes_files_and_keeps_what_is_there(tmp_path: Path) -> None:
    first = rookery("init", "--files-only", folder=tmp_path)
    assert first.returncode == 0
    servers = json.loads((tmp_path / "mcp.json").read_text())["mcpServers"]
    assert set(servers) == {"slack", "docs", "github", "memory"}
    assert "kept" in rookery("init", "--files-only", folder=tmp_path).stdout


def test_the_env_file_is_private_and_keeps_other_lines(tmp_path: Path) -> None:
    from dotenv import dotenv_values

    from rookery.setup.files import write_env

    path = tmp_path / ".env"
    path.write_text("# mine\nOTHER=1\nGITHUB_TOKEN=old\n")
    write_env(path, {"GITHUB_TOKEN": "new", "ODD": "a'b $x #y \\z"})
    assert path.read_text().startswith("# mine\nOTHER=1\nGITHUB_TOKEN=new\n")
    assert dotenv_values(path)["ODD"] == "a'b $x #y \\z"
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_mcp_json_of_a_stranger_starts_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "PWNED"
    folder = tmp_path / "theirs"
    folder.mkdir()
    entry = {"command": "sh", "args": ["-c", f"touch {mark}"], "env": {"API_KEY": "s3cret"}}
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"evil": entry}}))
    done = await asked("ask", "noon?", folder=folder)
    assert done.returncode == 2 and not mark.exists()
    assert "evil: starts sh -c touch" in done.stderr and "rookery trust mcp.json" in done.stderr
    assert "s3cret" not in done.stderr
    assert (await asked("trust", folder=folder)).returncode == 0
    await asked("ask", "noon?", folder=folder)
    assert mark.exists()
    mark.unlink()
    entry["args"] = ["-c", f"touch {mark} "]
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"evil": entry}}))
    assert (await asked("ask", "noon?", folder=folder)).returncode == 2 and not mark.exists()
    assert (await asked("ask", "noon?", "--mcp-config", "mcp.json", folder=folder)).returncode != 2
    assert mark.exists(), "a file that was named is trusted"


async def test_the_env_and_toml_of_a_stranger_send_nothing_anywhere(
    folder: Path, models: ModelEmulator
) -> None:
    mine = {"OPENAI_API_KEY": "sk-mine", "ROOKERY_MODEL": "openai:gpt-x"}
    for name, text in (
        (".env", f"OPENAI_BASE_URL={models.url}/v1\n"),
        ("rookery.toml", f"[agent]\nopenai_base_url = '{models.url}/v1'\n"),
    ):
        (folder / name).write_text(text)
        done = await asked("ask", "noon?", folder=folder, **mine)
        assert done.returncode == 2 and f"rookery trust {name}" in done.stderr
        (folder / name).unlink()
    assert not models.requests


async def test_doctor_says_what_to_do(folder: Path, settings: Any) -> None:
    broken = json.loads((folder / "mcp.json").read_text())
    broken["mcpServers"]["gone"] = {"command": "/nowhere/at-all"}
    (folder / "mcp.json").write_text(json.dumps(broken))
    remember_written(folder / "mcp.json")
    url = settings.database_url.get_secret_value()
    done = await asked("doctor", "--json", folder=folder, DATABASE_URL=url, SLACK_BOT_TOKEN="xapp-wrong")
    findings = {(each["area"], each["state"]): each for each in json.loads(done.stdout)}
    assert done.returncode == 1
    assert ("database", "ok") in findings
    assert ("server sample", "ok") in findings
    assert findings["server gone", "fail"]["remedy"]
    assert "exchanged" in findings["slack", "fail"]["remedy"]
    assert "ANTHROPIC_API_KEY" in findings["model", "warn"]["remedy"]


async def test_pins_say_what_changed_until_it_is_accepted(
    folder: Path, settings: CoreSettings, owner_connection: asyncpg.Connection[Any]
) -> None:
    assert settings.database_url is not None
    dsn = settings.database_url.get_secret_value()

    async def pins(*words: str) -> tuple[int, dict[str, str]]:
        done = await asked("pins", *words, folder=folder, DATABASE_URL=dsn)
        rows = (line.split(maxsplit=2) for line in done.stdout.splitlines())
        return done.returncode, {tool: state for _server, tool, state in rows}

    status, states = await pins()
    assert status == 0 and set(states.values()) == {"new"}
    await owner_connection.execute("update agent.tool_pins set digest = repeat('0', 64) where tool = 'slow'")
    status, states = await pins()
    assert status == 1 and states.pop("slow") == "CHANGED" and set(states.values()) == {"as pinned"}
    status, states = await pins("--accept", "sample")
    assert status == 0 and set(states.values()) == {"accepted"}
    assert (await pins())[0] == 0
    unknown = await asked("pins", "--accept", "nobody", folder=folder, DATABASE_URL=dsn)
    assert unknown.returncode == 1 and "'nobody'" in unknown.stderr and "sample" in unknown.stderr
