"""Files of questions for `rookery eval`: what is read, and what is said about one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.evaluation.cases import Case, read_cases
from rookery_core.errors import InvalidInput


def test_questions_are_read_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(
        '\ufeff{"question": "a\u2028b?", "facts": ["x", ["y", "z"]], "absent": ["no"]}\r\n\n{"id": "two", "question": "c?"}'
    )
    assert read_cases(file) == [
        Case("1", "a\u2028b?", facts=(("x",), ("y", "z")), absent=("no",)),
        Case("two", "c?"),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no question"),
        (b"\n \n", "holds no question"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"{", "line 1 is not JSON"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b'["question"]', "line 1 is not a JSON object"),
        (b'{"question": " "}', "line 1: 'question' is missing"),
        (b'{"question": "a?", "fact": []}', "line 1: unknown key 'fact'"),
        (b'{"question": "a?", "facts": "13 months"}', "line 1: 'facts' is not a list"),
        (b'{"question": "a?", "facts": 13}', "line 1: 'facts' is not a list"),
        (b'{"question": "a?", "facts": [13]}', "line 1: 'facts' is not a list"),
        (b'{"question": "a?", "citations": [[]]}', "line 1: 'citations' is not a list"),
        (b'{"question": "a?", "absent": [""]}', "line 1: 'absent' is not a list"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=told):
        read_cases(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"Cannot read .*none\.jsonl: No such file"):
        read_cases(tmp_path / "none.jsonl")
