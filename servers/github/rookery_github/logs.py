"""Logs of workflow jobs: the lines of one step, around errors, or that contain a word. Time stamps are dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STAMP = re.compile(r"^\ufeff?(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?Z ?")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ERROR = "##[error]"
CONTEXT = 2


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: its number in the whole log (from 1), its time to the second ("" when it has none), its text."""

    number: int
    time: str
    text: str


def lines_of(log: str) -> list[LogLine]:
    """The lines of a log, without time stamps and colours. A line without a stamp has that of the one before.

    Only line feeds end a line, as on GitHub's page of the log.
    """
    lines: list[LogLine] = []
    time = ""
    rows = log.removesuffix("\n").split("\n") if log else []
    for number, row in enumerate(rows, 1):
        line = row.removesuffix("\r")
        if match := _STAMP.match(line):
            time, line = match[1], line[match.end() :]
        lines.append(LogLine(number, time, _COLOUR.sub("", line)))
    return lines


def of_step(lines: Sequence[LogLine], step: Mapping[str, Any]) -> list[LogLine]:
    """The lines written while a step ran; all of them when the log or the step has no times."""
    start, end = (str(step.get(key) or "").rstrip("Z")[:19] for key in ("started_at", "completed_at"))
    if not start or not end or not any(line.time for line in lines):
        return list(lines)
    return [line for line in lines if start <= line.time <= end]


def before_errors(lines: Sequence[LogLine], most: int) -> list[LogLine]:
    """The last `most` lines up to the last error that the log marks; the last ones when it marks none."""
    marked = [at for at, line in enumerate(lines) if _ERROR in line.text]
    end = marked[-1] + 1 if marked else len(lines)
    return list(lines[max(0, end - most) : end])


def containing(lines: Sequence[LogLine], words: str) -> list[LogLine]:
    """The lines that contain one of the words (separated by |, in any case), with two lines around each."""
    wanted = [word.strip().lower() for word in words.split("|") if word.strip()]
    hits = [at for at, line in enumerate(lines) if any(word in line.text.lower() for word in wanted)]
    near = sorted(
        {at for hit in hits for at in range(hit - CONTEXT, hit + CONTEXT + 1) if 0 <= at < len(lines)}
    )
    return [lines[at] for at in near]


def as_text(lines: Iterable[LogLine]) -> str:
    """Lines with their numbers; a gap between them is shown."""
    shown: list[str] = []
    last = None
    for line in lines:
        if last is not None and line.number != last + 1:
            shown.append("…")
        shown.append(f"{line.number}: {line.text}")
        last = line.number
    return "\n".join(shown)


def failing_step(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first step of a job that failed."""
    for step in job.get("steps") or ():
        if step.get("conclusion") in ("failure", "timed_out", "cancelled"):
            return step
    return None
