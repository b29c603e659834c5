"""Passages: no text lost, nothing whole cut, every heading path true."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_docs.records import Passage
from rookery_ingest.docs.chunking import LONGEST, passages_of
from rookery_ingest.docs.formats.article import Article, Block

words = (
    st.text("abcdefghij klmnop. ", min_size=1, max_size=400)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
long_words = st.tuples(words, st.integers(1, 30)).map(lambda pair: " ".join([pair[0]] * pair[1]))


@st.composite
def described(draw: st.DrawFn) -> Block:
    text, name = draw(long_words), draw(st.sampled_from(["opt-a", "opt-b", "id-1.2"]))
    return Block("definition", f"**{name}**\n\n{text}", anchor=name, terms=[name])


@st.composite
def headings(draw: st.DrawFn) -> Block:
    return Block("heading", draw(words)[:40].strip() or "x", draw(st.integers(1, 4)))


units = st.one_of(
    long_words.map(lambda text: Block("text", text)),
    words.map(lambda text: Block("item", f"- {text}")),
    long_words.map(lambda text: Block("code", f"```\n{text}\n```")),
    long_words.map(lambda text: Block("table", f"| {text} |\n| --- |\n| {text} |")),
    described(),
    headings(),
)
articles = st.lists(units, max_size=25).map(lambda blocks: Article("Title", blocks))


def own_text(passages: list[Passage]) -> str:
    return "\n\n".join(passage.text[passage.overlap :] for passage in passages)


def squeezed(text: str) -> str:
    return "".join(text.replace("#", "").split())


@settings(max_examples=60, deadline=None)
@given(articles)
def test_no_text_is_lost_or_doubled(article: Article) -> None:
    passages = passages_of(article)
    assert squeezed(own_text(passages)) == squeezed("".join(block.text for block in article.blocks))


@settings(max_examples=60, deadline=None)
@given(articles)
def test_listings_tables_and_described_terms_stay_whole(article: Article) -> None:
    texts = [passage.text for passage in passages_of(article)]
    for block in article.blocks:
        if block.kind in ("code", "table", "definition"):
            assert any(block.text in text for text in texts)


@settings(max_examples=60, deadline=None)
@given(articles)
def test_running_text_is_bounded_and_positions_count_up(article: Article) -> None:
    passages = passages_of(article)
    assert [passage.position for passage in passages] == list(range(len(passages)))
    longest_unit = max(
        (len(block.text) for block in article.blocks if block.kind not in ("text", "heading")), default=0
    )
    titles = sum(len(block.text) + 10 for block in article.blocks if block.kind == "heading")
    for passage in passages:
        assert len(passage.text) - passage.overlap <= max(LONGEST, longest_unit) + titles + LONGEST


@settings(max_examples=60, deadline=None)
@given(articles)
def test_heading_paths_are_made_of_headings_above(article: Article) -> None:
    known = {"Title"} | {block.text for block in article.blocks if block.kind == "heading"}
    known |= {term for block in article.blocks for term in block.terms}
    for passage in passages_of(article):
        assert set(passage.heading_path) <= known
        assert passage.heading_path[:1] == ("Title",)


def test_an_overlap_repeats_the_end_of_the_passage_before() -> None:
    sentence = "This sentence is about thirty-nine long. "
    article = Article("T", [Block("text", (sentence * 40).strip()), Block("text", (sentence * 40).strip())])
    passages = passages_of(article)
    assert len(passages) > 1
    for before, after in itertools.pairwise(passages):
        repeated = after.text[: after.overlap].strip()
        assert not repeated or before.text.endswith(repeated)
    assert any(passage.overlap for passage in passages)


def test_a_described_term_with_an_id_is_addressable_by_itself() -> None:
    described = Block(
        "definition", "**work_mem** (integer)\n\n" + "Memory for sorts. " * 20, anchor="GUC-WORK-MEM"
    )
    described.terms = ["work_mem (integer)", "work_mem"]
    article = Article(
        "Resources", [Block("heading", "Resources", 1, "RES"), Block("text", "Intro."), described]
    )
    found = [passage for passage in passages_of(article) if passage.anchor == "GUC-WORK-MEM"]
    assert len(found) == 1
    assert found[0].heading_path == ("Resources", "work_mem (integer)")
    assert found[0].text == described.text


def test_small_sections_are_joined_with_their_neighbours() -> None:
    blocks = [Block("heading", "Page", 1)]
    for name in ("One", "Two", "Three"):
        blocks += [Block("heading", name, 2, name.lower()), Block("text", f"About {name}.")]
    passages = passages_of(Article("Page", blocks))
    assert len(passages) == 1
    assert set(passages[0].anchors) >= {"one", "two", "three"}


def test_anchors_of_joined_sections_all_lead_to_their_passage() -> None:
    article = Article(
        "P",
        [
            Block("heading", "P", 1, "top"),
            Block("text", "x", inner=["here"]),
            Block("text", "y", anchor="there"),
        ],
    )
    [passage] = passages_of(article)
    assert passage.anchor == "top"
    assert {"top", "here", "there"} <= set(passage.anchors)
