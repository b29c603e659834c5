"""Terms of texts and queries."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_docs.records import PageRecord, Passage
from rookery_docs.search.analysis import pairs_of, symbols_of, terms_of, terms_of_chunk
from rookery_docs.search.fields import terms_by_field
from rookery_docs.search.postings import pack, term_hash, unpack
from rookery_docs.search.query import parse
from rookery_docs.search.snippets import snippet
from rookery_docs.search.synonyms import read, thesaurus


def everything(_term: int) -> bool:
    return True


def test_identifiers_are_kept_whole_and_in_parts() -> None:
    assert terms_of("pg_stat_statements.track") == [
        "pg",
        "stat",
        "statement",
        "track",
        "=pg_stat_statements.track",
    ]
    assert "=c++" in terms_of("C++")
    assert terms_of("40P01") == ["40p01"]
    assert "=->>" in terms_of("data ->> 'key'")
    assert terms_of("BackgroundWorker")[:1] == ["backgroundwork"]
    assert {"background", "worker"} & set(terms_of("BackgroundWorker")) or "worker" in terms_of(
        "BackgroundWorker"
    )


def test_word_forms_meet_and_empty_words_go() -> None:
    assert terms_of("the indexes") == terms_of("an index") == ["index"]
    assert terms_of("of the", stop_words=True) == ["of", "the"]


def test_scripts_without_spaces_become_pairs() -> None:
    assert terms_of("データベース") == ["デー", "ータ", "タベ", "ベー", "ース"]


def test_a_query_of_empty_words_or_symbols_still_asks_for_something() -> None:
    assert list(parse("OR", everything).terms) == ["or"]
    assert list(parse("$", everything).terms) == ["=$"]
    assert symbols_of("a || b") == ["=||"]


def test_parts_of_a_known_identifier_count_less() -> None:
    known = {term_hash("=work_mem"), term_hash("work"), term_hash("mem")}
    weights = parse("work_mem", known.__contains__).terms
    assert weights["=work_mem"] == 1.0
    assert weights["work"] == weights["mem"] < 0.5


def test_an_identifier_has_no_synonyms_of_its_parts() -> None:
    table = read("max = maximum")
    assert parse("max", everything, table=table).concepts[0].others
    assert not parse("max_connections", everything, table=table).concepts[0].others


def test_synonyms_are_other_ways_not_further_words() -> None:
    query = parse("upsert rows", everything)
    assert list(query.terms) == ["upsert", "row", "upsert row"]
    assert any("conflict" in other for concept in query.concepts for other in concept.others)


def test_a_message_is_asked_for_word_by_word_without_the_askers_own_names() -> None:
    known = {
        term_hash(term) for term in terms_of("duplicate key value my object pg_class") if term != "=my_object"
    }
    query = parse('ERROR: duplicate key value "my_object" in "pg_class"', known.__contains__)
    assert not {"object", "=my_object"} & query.terms.keys() and "my_object" not in query.unknown
    assert "=pg_class" in query.terms
    assert query.terms["duplic key"] > parse("duplicate key value", everything).terms["duplic key"]
    assert "object" in parse('duplicate "my_object"', known.__contains__).terms


def test_unknown_words_are_reported() -> None:
    assert parse("vaccum table", lambda term: term == term_hash("tabl")).unknown == ("vaccum",)


def test_the_name_of_what_is_searched_says_little() -> None:
    weights = parse("slow postgres", everything, ["postgres"]).terms
    assert weights["postgr"] < weights["slow"]


def test_the_table_of_synonyms_is_well_formed() -> None:
    assert len(thesaurus().others) > 150
    with pytest.raises(ValueError, match="neither"):
        read("one two three")


def test_neighbours() -> None:
    assert pairs_of("foreign data wrapper") == ["foreign data", "data wrapper"]


fields = st.dictionaries(
    st.sampled_from(["title", "body", "terms"]), st.lists(st.text("abc ", min_size=1, max_size=4))
)


@settings(deadline=None)
@given(fields)
def test_postings_come_back_as_they_were_stored(given_fields: dict[str, list[str]]) -> None:
    from rookery_docs.search.fields import FIELDS

    full = {name: given_fields.get(name, []) for name in FIELDS}
    hashes, counts = unpack(pack(full))
    expected = {term_hash(term) for terms in full.values() for term in terms}
    assert set(hashes.tolist()) == expected
    for column, name in enumerate(FIELDS):
        assert int(counts[:, column].sum()) == len(full[name])


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_query(text: str) -> None:
    query = parse(text, everything)
    assert all(weight > 0 for weight in query.terms.values())


@settings(deadline=None)
@given(st.text(max_size=2000), st.integers(40, 400))
def test_a_snippet_is_bounded_and_part_of_the_text(text: str, longest: int) -> None:
    found = snippet(text, {"index": 1.0}, longest)
    assert len(found) <= longest
    body = found.removeprefix("… ").removesuffix(" …")
    assert body in text


def test_a_snippet_shows_the_telling_sentence() -> None:
    text = "First things first. " * 30 + "A deadlock is detected here. " + "Last things last. " * 30
    assert "deadlock is detected" in snippet(text, {"deadlock": 1.0}, 200)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_the_terms_of_a_text_are_those_of_what_stands_between_its_spaces(text: str) -> None:
    chunks = [term for chunk in text.split() for term in terms_of_chunk(chunk)]
    assert chunks == terms_of(text, stop_words=True)


def test_a_snippet_of_a_line_without_end_shows_its_telling_part() -> None:
    text = "word " * 400 + "a deadlock is detected " + "word " * 400
    assert "deadlock is detected" in snippet(text, {"deadlock": 1.0}, 200)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["index", "Index.", "reindex!", "an_index", "in", "dex\n", "..."]), max_size=40)
)
def test_a_snippet_has_a_word_of_the_query_if_any_word_of_the_text_is_one(words: list[str]) -> None:
    terms = {"index": 1.0, "=an_index": 2.0}
    shown = snippet(" ".join(words), terms, 60)
    assert set(terms_of(shown)).isdisjoint(terms) == set(terms_of(" ".join(words))).isdisjoint(terms)


def fields_of(path: str, title: str) -> dict[str, list[str]]:
    passage = Passage(0, (title,), f"# {title}")
    return terms_by_field(passage, PageRecord(path, "https://x/", title, b"", (passage,)))


def test_what_follows_the_dash_of_a_title_is_what_the_subject_is_for() -> None:
    found = fields_of("dblink.html", "dblink — connect to other databases")
    assert found["title"] == terms_of("dblink")
    assert found["purpose"][:3] == terms_of("connect other databases")
    assert fields_of("a.html", "Write-Ahead Log")["purpose"] == []


def test_a_title_that_is_only_the_files_name_has_its_folders_name_too() -> None:
    assert fields_of("api/stats_agg/rollup.md", "rollup")["title"][-2:] == [
        "rollup",
        "stat rollup",
    ]
    assert fields_of("api/stats_agg/rollup.md", "Roll-out")["title"] == fields_of("a.md", "Roll-out")["title"]
    assert fields_of("rollup.md", "rollup")["title"] == ["rollup"]


@pytest.mark.parametrize(
    "word", ["queries", "Querying", "hoping", "hopped", "relational", "ties", "SKIES", "C++", "->>", "Größe"]
)
def test_a_snippet_is_found_by_any_form_of_a_word(word: str) -> None:
    text = "other things. " * 40 + f"Here {word} stands. " + "Other things. " * 40
    assert f"Here {word} stands" in snippet(text, dict.fromkeys(terms_of(word), 1.0), 100)


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Wrocław", "wroclaw"), ("Łódź", "Lodz"), ("Straße", "strasse"), ("İstanbul", "istanbul"), ("café", "cafe"),
        ("cafe", "CAFÉ"), ("smørrebrød", "smorrebrod"),
    ],
)  # fmt: skip
def test_letters_are_folded_as_in_the_other_servers(written: str, asked: str) -> None:
    assert terms_of(written) == terms_of(asked)
