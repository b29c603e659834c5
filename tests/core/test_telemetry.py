"""One trace id from the request's `_meta` to the log line; logs on stderr only, without secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from rookery_core.settings import CoreSettings
from rookery_core.telemetry import (
    configure_telemetry,
    get_logger,
    new_trace_id,
    trace_id,
    trace_id_of,
    traceparent,
    tracing,
)


@pytest.fixture
def untouched_logging() -> Iterator[None]:
    root = logging.getLogger()
    kept = (root.handlers[:], root.level, logging.getLogger("rookery").level)
    yield
    root.handlers[:], level, own = kept[0], kept[1], kept[2]
    root.setLevel(level)
    logging.getLogger("rookery").setLevel(own)


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"rookery/trace": "abc123"}, "abc123"),
        ({"rookery/trace": "two lines\ninjected"}, None),
        ({"rookery/trace": "a" * 65}, None),
        ({"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}, "a" * 32),
        ({"traceparent": "nonsense"}, None),
        ({"traceparent": "00-" + "A" * 32 + "-" + "b" * 16 + "-01"}, None),
        ({"traceparent": "00-" + "0" * 32 + "-" + "b" * 16 + "-01"}, None),
        ({"traceparent": "00-" + "z" * 32 + "-" + "b" * 16 + "-01"}, None),
        ({}, None),
        (None, None),
        ("text", None),
    ],
)
def test_the_trace_id_of_a_request(meta: object, expected: str | None) -> None:
    assert trace_id_of(meta) == expected


@pytest.mark.parametrize("trace", ["", "a" * 31, "A" * 32, "0" * 32, "١" * 32, "a" * 32 + "\n"])
def test_a_trace_id_of_another_form_is_not_passed_on_as_w3c(trace: str) -> None:
    assert traceparent(trace) is None


def test_a_new_trace_id_is_passed_on_as_w3c() -> None:
    trace = new_trace_id()
    assert trace_id_of({"traceparent": traceparent(trace)}) == trace


def test_traces_nest_and_end() -> None:
    assert trace_id() is None
    with tracing("outer"), tracing() as inner:
        assert trace_id() == inner != "outer"
    assert trace_id() is None


def test_log_lines_are_json_on_stderr_with_the_trace_id(
    capsys: pytest.CaptureFixture[str], untouched_logging: None
) -> None:
    configure_telemetry(CoreSettings(log_format="json", log_level="info"))
    with tracing("t1"):
        get_logger("rookery_core.test").info("hello %s", "wörld")
    output = capsys.readouterr()
    assert output.out == ""
    line = json.loads(output.err)
    assert (line["trace_id"], line["message"], line["level"]) == ("t1", "hello wörld", "info")


HOSTILE = "a\x1b[2Jb\nroot INFO [-] forged\x7f\x9b\u2028c"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_log_line_holds_control_characters(
    log_format: Literal["text", "json"], capsys: pytest.CaptureFixture[str], untouched_logging: None
) -> None:
    configure_telemetry(CoreSettings(log_format=log_format))
    get_logger("rookery_example").warning("tools/call %s", HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        get_logger("rookery_example").exception("it failed")
    lines = capsys.readouterr().err.removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("root") for line in lines)
    assert "\\x1b[2Jb" in lines[0] or json.loads(lines[0])["message"] == f"tools/call {HOSTILE}"
