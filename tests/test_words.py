"""Plain words: the documentation, docstrings, messages and names use the terms of docs/glossary.md."""

from __future__ import annotations

import pytest

from source_texts import unexpected
from style_rules import RULES, forbidden_words, without_code


@pytest.mark.parametrize("rule", RULES)
def test_the_product_keeps_the_rules_of_style(rule: str) -> None:
    assert unexpected(rule, list(RULES[rule]())) == []


@pytest.mark.parametrize(
    "text",
    [
        "kept for ever",
        "begins anew",
        "Whoever asks",
        "a server of your own",
        "it is told why",
        "a run of its own",
    ],
)
def test_an_old_form_is_seen(text: str) -> None:
    assert forbidden_words().search(text)


@pytest.mark.parametrize(
    "text",
    ["a line for every job", "Shall I do this?", "tell them apart", "`told`: a key", "keeps its own copy"],
)
def test_plain_words_and_code_pass(text: str) -> None:
    assert not forbidden_words().search(without_code(text))
