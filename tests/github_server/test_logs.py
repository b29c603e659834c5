"""The lines that say why a job failed."""

from __future__ import annotations

from rookery_github import logs

LOG = """\
2024-05-03T10:00:00.1Z ##[group]Run make
2024-05-03T10:00:01.1Z \x1b[31mbuilding\x1b[0m
  continued
2024-05-03T10:00:02.1Z error: no rule
2024-05-03T10:00:02.2Z ##[error]Process completed with exit code 2.
2024-05-03T10:00:05.1Z Post job cleanup."""
STEP = {"started_at": "2024-05-03T10:00:01Z", "completed_at": "2024-05-03T10:00:02Z"}


def test_stamps_and_colours_are_gone_and_numbers_stay() -> None:
    lines = logs.lines_of(LOG)
    assert [line.text for line in lines[1:4]] == ["building", "  continued", "error: no rule"]
    assert lines[2].time == lines[1].time
    assert [line.number for line in lines] == [1, 2, 3, 4, 5, 6]


def test_only_line_feeds_end_a_line() -> None:
    lines = logs.lines_of("10 %\r50 %\r100 %\r\na\x0cb\u2028c\x85d\nlast\n")
    assert [(line.number, line.text) for line in lines] == [
        (1, "10 %\r50 %\r100 %"), (2, "a\x0cb\u2028c\x85d"), (3, "last"),
    ]  # fmt: skip
    assert logs.lines_of("") == []


def test_a_step_is_what_was_written_while_it_ran() -> None:
    assert [line.number for line in logs.of_step(logs.lines_of(LOG), STEP)] == [2, 3, 4, 5]
    assert len(logs.of_step(logs.lines_of("no stamps\nat all"), STEP)) == 2


def test_the_lines_before_the_error() -> None:
    assert [line.number for line in logs.before_errors(logs.lines_of(LOG), 2)] == [4, 5]
    assert [line.number for line in logs.before_errors(logs.lines_of("a\nb\nc"), 2)] == [2, 3]


def test_words_are_found_with_the_lines_around_and_gaps_are_shown() -> None:
    lines = logs.lines_of("\n".join(["needle", *(f"hay {n}" for n in range(10)), "NEEDLE two"]))
    found = logs.containing(lines, "needle two|nothing")
    assert [line.number for line in found] == [10, 11, 12]
    assert "…" in logs.as_text([*lines[:1], *found])


def test_the_first_failing_step_is_named() -> None:
    steps = [
        {"number": 1, "conclusion": "success"},
        {"number": 2, "conclusion": "failure"},
        {"number": 3, "conclusion": "skipped"},
    ]
    assert logs.failing_step({"steps": steps}) == steps[1]
    assert logs.failing_step({"steps": None}) is None
