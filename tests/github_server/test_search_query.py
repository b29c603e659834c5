"""What people type becomes the query they meant, inside of what they may search."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.errors import ConfigurationError, InvalidInput, NotAllowed
from rookery_github.confinement import Confinement
from rookery_github.search_query import compile_query, date_bounds, date_range, qualifier

FREE = Confinement(())
ACME = Confinement(("acme/*", "!acme/secret"))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("crash on exit", "crash on exit"),
        ('"crash on exit" -flaky', '"crash on exit" -flaky'),
        ("label:bug std::vector", 'label:bug "std::vector"'),
        ("panic: index", '"panic:" index'),
        ("error:ECONNRESET", '"error:ECONNRESET"'),
        ('milestone:"next one" -label:wip', 'milestone:"next one" -label:wip'),
        ('a " b', "a b"),
    ],
)
def test_words_stay_words_and_known_qualifiers_stay_qualifiers(text: str, query: str) -> None:
    assert compile_query(text, [], FREE) == query


def test_filters_are_quoted_where_they_must_be() -> None:
    query = compile_query(
        "", [("label", "good first issue"), ("author", "ana"), ("-author", "ben"), ("repo", "")], FREE
    )
    assert query == 'label:"good first issue" author:ana -author:ben'
    assert qualifier("label", 'a"b') == "label:ab"


def test_an_empty_or_endless_query_is_refused() -> None:
    with pytest.raises(InvalidInput, match="empty"):
        compile_query(" ", [], FREE)
    with pytest.raises(InvalidInput, match="longer"):
        compile_query("word " * 80, [], FREE)


def test_a_search_without_a_scope_gets_the_allowed_one() -> None:
    assert compile_query("crash", [], ACME) == "crash user:acme"
    assert compile_query("crash", [], Confinement(("acme/a", "other/b"))) == "crash repo:acme/a repo:other/b"


@pytest.mark.parametrize(
    "text", ["repo:evil/x a", "REPO:evil/x", 'repo:"evil/x"', "org:evil a", "user:evil", "repo:acme/secret"]
)
def test_a_scope_outside_is_refused(text: str) -> None:
    with pytest.raises(NotAllowed):
        compile_query(text, [], ACME)


@given(st.text(max_size=60))
def test_no_text_leads_a_confined_search_outside(text: str) -> None:
    try:
        query = compile_query(text, [], ACME)
    except (InvalidInput, NotAllowed):
        return
    bare = [part for part in query.split(" ") if part.lower().startswith(("repo:", "user:", "org:"))]
    assert all(part.partition(":")[2].strip('"').lower().startswith("acme") for part in bare)
    assert not any(part in ("OR", "AND", "NOT", "(", ")") for part in query.split(" "))


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("acme/widgets", True),
        ("ACME/Widgets", True),
        ("acme/secret", False),
        ("acmes/widgets", False),
        ("evil/acme", False),
    ],
)
def test_the_last_rule_that_matches_decides(name: str, allowed: bool) -> None:
    assert ACME.allows(name) is allowed
    assert FREE.allows(name)


def test_a_list_that_allows_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError):
        Confinement(("!acme/secret",))
    with pytest.raises(ConfigurationError):
        Confinement(("a/b/c",))


def test_dates_are_ranges() -> None:
    assert date_range("2024-01-01", "2024-02-01") == "2024-01-01..2024-02-01"
    assert date_range("", "2024-02-01") == "<=2024-02-01"
    with pytest.raises(InvalidInput, match="since"):
        date_bounds("the other day", "")


@pytest.mark.parametrize(
    ("since", "until", "bounds"),
    [
        ("2024-01-01", "2024-02-01", ("2024-01-01", "2024-02-01")),
        ("2024-01", "Feb 2, 2024", ("2024-01-01", "2024-02-02")),
        ("last month", "last month", ("2024-04-01", "2024-04-30")),
        ("7d", "", ("2024-05-01", "")),
        ("36h", "now", ("2024-05-07T01:00:00Z", "2024-05-08T13:45:30Z")),
        ("yesterday", "2024-05-08T12:00:00+02:00", ("2024-05-07", "2024-05-08T10:00:00Z")),
    ],
)
def test_dates_are_read_as_in_the_other_servers(since: str, until: str, bounds: tuple[str, str]) -> None:
    assert date_bounds(since, until, datetime(2024, 5, 8, 13, 45, 30, tzinfo=UTC)) == bounds
