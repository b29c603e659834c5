"""Bytes become the text that was written, whatever the encoding; a guess is reported."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.text_decoding import decode_text

GERMAN = "Größe der Warteschlange prüfen: Übermäßig viele Anfragen über die Brücke nach Zürich."
JAPANESE = "データベースの接続が遅い場合は、設定ファイルを確認してください。再起動は不要です。"


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        (GERMAN.encode("latin-1"), "iso-8859-1", GERMAN),
        (GERMAN.encode("latin-1"), None, GERMAN),
        (GERMAN.encode("latin-1"), "utf-8", GERMAN),
        (JAPANESE.encode("shift_jis"), "Shift_JIS", JAPANESE),
        (JAPANESE.encode("shift_jis"), None, JAPANESE),
        (JAPANESE.encode("euc_jp"), "euc-jp", JAPANESE),
        (JAPANESE.encode(), "latin-1x", JAPANESE),
        (b"\xef\xbb\xbf# b", None, "# b"),
        ("# b".encode("utf-16"), None, "# b"),
        ("\ufeff# b".encode(), None, "# b"),
        (b"a\r\nb\rc\n", None, "a\nb\nc\n"),
        (b"it\x92s", "iso-8859-1", "it\u2019s"),
        (b"<html><head><meta charset=shift_jis></head>" + JAPANESE.encode("shift_jis"), None,
         "<html><head><meta charset=shift_jis></head>" + JAPANESE),
        (b"<?xml version='1.0' encoding='iso-8859-1'?>" + GERMAN.encode("latin-1"), None,
         "<?xml version='1.0' encoding='iso-8859-1'?>" + GERMAN),
    ],
)  # fmt: skip
def test_bytes_are_read_as_they_were_written(data: bytes, declared: str | None, text: str) -> None:
    assert decode_text(data, declared).text == text


def test_a_guess_is_reported() -> None:
    assert decode_text(GERMAN.encode("latin-1")).guessed
    assert not decode_text(GERMAN.encode()).guessed


@given(st.binary(max_size=300), st.none() | st.text(max_size=12))
def test_any_bytes_become_text(data: bytes, declared: str | None) -> None:
    decoded = decode_text(data, declared)
    assert "\r" not in decoded.text
    decoded.text.encode("utf-8", "surrogatepass")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff")))
def test_utf_8_is_read_as_it_is(text: str) -> None:
    assert decode_text(text.encode()).text == text
