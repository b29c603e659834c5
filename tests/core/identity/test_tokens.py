"""Tokens are known by hash, read from JSON or a file, and a wrong entry is named without being quoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rookery_core.errors import ConfigurationError
from rookery_core.identity.tokens import new_token, read_tokens


def test_a_new_token_is_found_by_its_entry_and_no_other_is() -> None:
    token, entry = new_token("U1", scopes=("delegate",))
    book = read_tokens(json.dumps([entry, new_token("U2")[1]]))
    found = book.find(token)
    assert found is not None
    assert found.caller().user == "U1"
    assert found.caller().kind == "member"
    assert found.caller().scopes == {"delegate"}
    assert book.find(token + "x") is None
    assert book.find("") is None
    assert token not in json.dumps(entry)


def test_a_token_without_user_is_anonymous() -> None:
    token, entry = new_token()
    found = read_tokens(json.dumps([entry])).find(token)
    assert found is not None
    assert found.caller().kind == "anonymous"


def test_tokens_come_from_a_file(tmp_path: Path) -> None:
    token, entry = new_token("U1")
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps([entry]))
    assert read_tokens(f"@{file}").find(token) is not None


@pytest.mark.parametrize("value", [None, "", "  "])
def test_no_value_means_no_tokens(value: str | None) -> None:
    assert len(read_tokens(value)) == 0


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("nonsense-secret", "not JSON"),
        ('[{"hash": "nonsense-secret"}]', "0.hash"),
        ('[{"hash": "' + "a" * 64 + '", "usr": "nonsense-secret"}]', "0.usr"),
        ('[{"hash": "' + "a" * 64 + '", "kind": "guest"}]', "needs a user"),
        ('{"hash": "nonsense-secret"}', "list"),
        ("@/does/not/exist", "cannot read"),
    ],
)
def test_a_wrong_value_is_named_and_not_quoted(value: str, cause: str) -> None:
    with pytest.raises(ConfigurationError, match=cause) as refused:
        read_tokens(value)
    assert "nonsense-secret" not in str(refused.value)
