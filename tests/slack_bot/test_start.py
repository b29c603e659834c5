"""The command: what it says about tokens and settings, and that a person can try the bot in a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulators.slack import ALL_SCOPES, SlackEmulator
from loopback import free_port
from rookery.commandline import main
from rookery.slack.app import run
from rookery.slack.settings import BotSettings
from rookery_core.errors import ConfigurationError

TESTS = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SLACK_BOT_TOKEN", "", "SLACK_BOT_TOKEN is not set"),
        ("SLACK_BOT_TOKEN", "xoxp-user", "does not begin with xoxb-"),
        ("ROOKERY_SLACK_API_URL", "https://evil.example/api/", "must be https://slack.com/api/"),
        ("ROOKERY_SLACK_API_URL", "http://slack.com/api/", "must be https://slack.com/api/"),
        ("ROOKERY_SLACK_API_URL", "https://slack.com.evil.example/api/", "must be https://slack.com/api/"),
        ("ROOKERY_SLACK_WORKERS", "0", "greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, said: str
) -> None:
    for name, good in (("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", "xapp-1")):
        monkeypatch.setenv(name, good)
    monkeypatch.setenv(variable, value)
    assert main(["slack"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slack_bot_token": "xoxb-wrong"}, "SLACK_BOT_TOKEN: invalid_auth"),
        ({"slack_app_token": "xapp-wrong"}, "SLACK_APP_TOKEN"),
    ],
)
async def test_a_refused_token_stops_the_start(
    slack: SlackEmulator,
    bot_settings: Any,
    changes: dict[str, str],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        await asyncio.wait_for(run(bot_settings(**changes), asyncio.Event()), 20)
    assert not [record for record in caplog.records if "slack" in record.name]  # one clear error, said once


def test_the_manifest_asks_for_no_more_than_the_bot_uses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["slack", "--manifest"]) == 0
    manifest = yaml.safe_load(capsys.readouterr().out)
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    assert scopes <= ALL_SCOPES
    assert not scopes & {"chat:write.public", "users:read.email", "admin", "channels:join", "search:read"}
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    events = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    assert {"app_mention", "message.im", "assistant_thread_started"} <= events


def test_secrets_are_not_shown() -> None:
    settings = BotSettings.from_environment(slack_bot_token="xoxb-very-secret", signing_secret="s3cret")
    assert "very-secret" not in repr(settings)
    assert "s3cret" not in repr(settings)


@asynccontextmanager
async def bot_command(
    slack: SlackEmulator, folder: Path, database_url: str
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """`rookery slack` in `folder`, and what it says."""
    (folder / "mcp.json").write_text('{"mcpServers": {}}')
    app = slack.state.app
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rookery", "slack",
        cwd=folder,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "ROOKERY_SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": app.bot_token,
            "SLACK_APP_TOKEN": app.app_token,
        },
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        yield process, process.stderr
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.slow
async def test_it_says_when_people_can_ask_and_ends_when_it_is_told_to(
    slack: SlackEmulator, settings: Any, tmp_path: Path
) -> None:
    async with bot_command(slack, tmp_path, settings.database_url.get_secret_value()) as (process, said):
        await _until(said, "rookery slack: listening over Socket Mode, as U")
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.slow
async def test_a_start_that_waits_for_its_database_says_so_once_and_ends_when_it_is_told_to(
    slack: SlackEmulator, tmp_path: Path
) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    async with bot_command(slack, tmp_path, nowhere) as (process, said):
        await _until(said, "waiting up to 60 s for the database: ")
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert await said.read() == b""


@pytest.mark.slow
async def test_a_person_can_try_the_bot_in_a_terminal(settings: Any, tmp_path: Path) -> None:
    servers = tmp_path / "mcp.json"
    servers.write_text('{"mcpServers": {}}')
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "emulators.slack",
        "--chat",
        "--bot",
        "--port=0",
        cwd=TESTS,
        env={
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "ROOKERY_MCP_CONFIG": str(servers),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await _until(process.stdout, "the bot is connected.")
        process.stdin.write(b"is there anything?\n")
        await _until(process.stdout, "I found nothing about")
        await _until(process.stdout, "[Comment]")
        process.stdin.write(b"/up\n")
        await _until(process.stdout, "(only you see this) Thank you for the feedback.")
        process.stdin.write(b"/quit\n")
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
        process.stdin.close()
        await process.wait()


async def _until(stream: asyncio.StreamReader, words: str) -> None:
    async with asyncio.timeout(40):
        while words not in (await stream.readline()).decode():
            if stream.at_eof():
                raise AssertionError(f"never said: {words}")
