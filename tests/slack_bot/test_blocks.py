"""Blocks and forms that Slack takes, whatever is in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulators.slack.blocks import check_blocks, check_view
from rookery.agent.question import Citation
from rookery.slack.text import blocks as block
from rookery.traces.records import PendingAction

TEXTS = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["&", "<", "&<>", "word ", "\n"]).map(lambda piece: piece * 1_200),
)
CITATIONS = st.lists(
    st.builds(
        Citation,
        number=st.just(1),
        permalink=st.one_of(st.just("https://docs.example/a"), TEXTS.map(lambda t: f"https://x.example/{t}")),
        title=TEXTS,
        server=st.just("docs"),
        tool=st.just("search"),
    ),
    max_size=30,
)
ACTIONS = st.builds(
    PendingAction,
    id=st.just("a1"),
    server=st.just("github"),
    tool=st.just("create_issue"),
    arguments=st.dictionaries(TEXTS, TEXTS, max_size=20),
    reason=TEXTS,
    trace_id=st.just("0" * 32),
)


def test_a_source_without_an_address_for_a_browser_is_named() -> None:
    citation = Citation(
        number=1, permalink="memory://team/1", title="The pool is <40>.", server="memory", tool="recall"
    )
    (context,) = block.sources([citation])
    assert context["elements"][0]["text"] == "*Sources*\n1. The pool is &lt;40&gt;. (memory)"


@given(citations=CITATIONS, remarks=st.lists(TEXTS, max_size=8), action=ACTIONS)
def test_slack_takes_what_stands_below_an_answer(
    citations: list[Citation], remarks: list[str], action: PendingAction
) -> None:
    tail = [*block.sources(citations), *block.remarks(remarks), *block.confirmation(action) * 3]
    check_blocks([block.body("An answer."), *tail, block.feedback("C1:1.000001")])


@given(text=st.text(max_size=9_000))
def test_slack_takes_any_answer(text: str) -> None:
    check_blocks([block.body(text)])
    check_blocks(block.sections(text) or [block.body(text)])


def test_slack_takes_the_offer_and_the_form() -> None:
    check_blocks(block.offer("C1:1.000001"))
    check_view(block.comment_form("C1:1.000001"))
