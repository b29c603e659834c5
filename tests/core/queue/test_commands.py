"""`rookery queue`: what it prints, what it exits with."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from rookery_core.database import Database
from rookery_core.queue import Message, Queue
from rookery_core.queue.commands import add_commands
from rookery_core.settings import CoreSettings

pytestmark = pytest.mark.slow


class Line:
    """A command line with `queue` on it, and a queue with something of everything."""

    def __init__(
        self, settings: CoreSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        assert settings.database_url is not None
        monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
        self._capsys = capsys
        self._parser = argparse.ArgumentParser(prog="rookery")
        add_commands(self._parser.add_subparsers())
        asyncio.run(self._arrange(settings))

    async def _arrange(self, settings: CoreSettings) -> None:
        database = await Database.open(settings, "rookery_agent", "tests")
        queue = Queue(database)
        await queue.subscribe("t", "s")
        messages = [Message({"n": n, "text": "[red]\x1b[31mhello"}) for n in range(4)]
        await queue.enqueue_many("t", messages)
        await queue.enqueue("t", {"n": 9}, delay_s=900)
        done, dead = await queue.claim(["s"], 2)
        await queue.complete(done)
        await queue.fail(dead, "broken", permanent=True)
        await database.close()

    def __call__(self, *words: str) -> tuple[int, str, str]:
        arguments = self._parser.parse_args(["queue", *words])
        status = arguments.run(arguments)
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err

    def json(self, *words: str) -> Any:
        status, out, _ = self(*words, "--json")
        assert status == 0
        return json.loads(out)


@pytest.fixture
def line(settings: CoreSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(settings, monkeypatch, capsys)


def test_looking_changes_nothing(line: Line) -> None:
    [row] = line.json("stats")["subscriptions"]
    assert (row["ready"], row["scheduled"], row["dead"]) == (2, 1, 1)
    assert [event["state"] for event in line.json("list")] == ["ready", "ready", "scheduled"]
    assert line.json("show", "2")["reason"] == "failed"
    status, out, _ = line("list", "--state", "dead")
    assert status == 0
    assert "[red]" in out, "text of others is not markup"
    assert "\x1b" not in out, "nor a control sequence"
    status, out, _ = line("stats")
    assert status == 0
    assert out.splitlines()[1].startswith("s ")


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_top_looks_again_and_again(line: Line, terminal: bool) -> None:
    ours, theirs = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "rookery", "queue", "top", "--every", "0.1"]
    with subprocess.Popen(command, stdout=theirs) as top:
        os.close(theirs)
        shown = b""
        while shown.count(b"dead rows") < 3:
            shown += os.read(ours, 65_536)
        top.kill()
    os.close(ours)
    assert (b"\x1b[" in shown) is terminal


def test_operating(line: Line) -> None:
    assert line.json("retry", "2") == {"retried": [2], "left_alone": []}
    status, _, err = line("retry", "1")
    assert status == 1
    assert "left alone" in err
    assert line.json("cancel", "3") == {"cancelled": [3], "asked_to_stop": [], "left_alone": []}
    status, _, err = line("cancel", "3")
    assert (status, err) == (1, "3 neither waits nor runs: left alone\n")
    assert line("pause", "s")[0] == 0
    assert line.json("stats")["subscriptions"][0]["paused"]
    assert line("resume", "s")[0] == 0
    assert line.json("replay", "1") == {"replayed": 1}
    assert line.json("purge", "history", "--older-than", "7d") == {"purged": 0}
    assert line.json("purge", "dead") == {"purged": 0}


def test_every_dead_letter_at_once(line: Line) -> None:
    assert line.json("retry", "--dead", "--subscription", "s")["retried"] == [2]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("show", "999"), 1),
        (("pause", "nobody"), 1),
        (("list", "--subscription", "nobody"), 1),
        (("retry", "--dead", "--subscription", "nobody"), 1),
        (("purge", "dead", "--subscription", "nobody"), 1),
        (("purge", "history", "--subscription", "nobody"), 1),
        (("replay", "--subscription", "nobody"), 1),
        (("retry",), 2),
        (("retry", "2", "--dead"), 2),
        (("retry", "2", "--subscription", "s"), 2),
        (("purge", "history", "1"), 2),
        (("replay",), 2),
        (("replay", "--since", "soon"), 2),
    ],
)
def test_errors_exit_with_a_sentence(line: Line, words: tuple[str, ...], status: int) -> None:
    found, out, err = line(*words)
    assert (found, out) == (status, "")
    assert err.startswith("rookery queue ")
    assert "Traceback" not in err


def test_history_is_not_purged_whole_when_an_id_is_named(line: Line) -> None:
    assert line("purge", "history", "1")[0] == 2
    assert [event["id"] for event in line.json("list", "--state", "done")] == [1]


def test_a_page_says_how_to_go_on(line: Line) -> None:
    _, _, err = line("list", "--limit", "1")
    assert "--after 3" in err
    assert line("list", "--after", "999")[1] == "no events\n"


def test_an_event_is_shown_by_its_parts(line: Line) -> None:
    status, out, _ = line("show", "2")
    assert status == 0
    assert out.splitlines()[0].split() == ["id", "2"]
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "words",
    [
        ("purge", "dead", "--older-than", "soon"),
        ("list", "--state", "odd"),
        ("show", "first"),
        ("show", "99999999999999999999"),
        ("list", "--after", "-1"),
        (),
    ],
)
def test_a_wrong_command_line_exits_with_2(
    line: Line, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        line(*words)
    assert caught.value.code == 2
    assert capsys.readouterr().err
