"""How commands end: one line, and a status that a script can read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rookery_core.console import exit_status
from rookery_core.errors import InvalidInput, RookeryError, Unavailable

ENDLESS = """
import sys
from rookery_core.console import exit_status
def run():
    while True:
        print("a line of an export that is longer than what one reads of it")
sys.exit(exit_status("rookery export", run))
"""
SHORT = ENDLESS.replace("    while True:\n    ", "")


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InvalidInput("limit: is too big.", hint="Pass at most 50."), 2, "x: limit: is too big. Pass at most 50.\n"),
        (Unavailable("No database."), 69, "x: No database.\n"),
        (ExceptionGroup("g", [ExceptionGroup("h", [RookeryError("Deep down.")]), ValueError()]), 1, "x: Deep down.\n"),
        (FileNotFoundError(2, "No such file or directory", "a.zip"), 1, "x: a.zip: No such file or directory\n"),
        (KeyboardInterrupt(), 130, "goes on from here\n"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_one_line_and_a_status(
    error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status("x", lambda: raising(error), interrupted="goes on from here") == status
    assert capsys.readouterr().err == said


def test_a_fault_of_ours_is_not_hidden() -> None:
    for fault in (ZeroDivisionError(), ExceptionGroup("g", [ZeroDivisionError()]), TimeoutError()):
        with pytest.raises(type(fault)):
            exit_status("x", lambda fault=fault: raising(fault))


def test_a_command_without_a_status_is_done() -> None:
    assert exit_status("x", lambda: None) == 0
    assert exit_status("x", lambda: 3) == 3


@pytest.mark.parametrize("program", [ENDLESS, SHORT])
def test_a_reader_that_leaves_early_is_no_failure(program: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0
