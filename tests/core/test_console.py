"""How commands end: one line, and a status that a script can read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


SAYS = """
import sys
from rookery_core.console import exit_status
def run():
    print("caf\\u00e9 \\u2192 \\u65e5")
sys.exit(exit_status("x", run))
"""


@pytest.mark.parametrize(
    ("redirection", "status", "told"),
    [(">&-", 0, ""), (">/dev/full", 1, "x: cannot write the output: No space left on device\n"), ("", 0, "")],
)
def test_an_output_that_takes_no_text_is_one_line_or_silence(
    redirection: str, status: int, told: str, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(SAYS)
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} {program} {redirection}"], check=False, capture_output=True, text=True,
        env={"PYTHONIOENCODING": "ascii", "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, told)
    if not redirection:
        assert done.stdout == "caf? ? ?\n"
