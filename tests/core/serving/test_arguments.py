"""Arguments of every tool: what careless clients send is taken, what is wrong is said in our words, cursors belong
to their call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import pytest
from fastmcp import Client
from fastmcp.exceptions import ToolError
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from typing_extensions import TypedDict

from rookery_core.errors import InvalidInput
from rookery_core.serving import ServerSpec, create_server, tool
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page, fit
from rookery_core.serving.stdio import repair_surrogates
from rookery_core.settings import CoreSettings


class Turn(TypedDict):
    speaker: str
    text: str


async def label(
    title: str,
    labels: list[str] | None = None,
    tags: Sequence[str] = (),
    turns: list[Turn] = [],  # noqa: B006 a default of a schema
    version: str = "",
    about: dict[str, Any] | None = None,
    kind: Literal["fact", "plan"] = "fact",
    share: Annotated[float, Field(ge=0, le=1)] = 0.5,
    limit: Limit = 10,
    max_tokens: MaxTokens = 1000,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Answer the arguments."""
    return {
        "title": title, "labels": labels, "tags": list(tags), "turns": turns, "version": version,
        "about": about, "limit": limit, "share": share,
    }  # fmt: skip


async def called(**arguments: Any) -> dict[str, Any]:
    server = create_server(
        ServerSpec("rookery-example", "Example", "", "0.1.0"), [tool(label)], settings=CoreSettings()
    )
    async with Client(server) as client:
        try:
            return (await client.call_tool("label", arguments)).data
        except ToolError as error:
            return json.loads(str(error))


@pytest.mark.parametrize(
    ("field", "sent", "taken"),
    [
        ("labels", "bug", ["bug"]),
        ("labels", '["bug", "urgent"]', ["bug", "urgent"]),
        ("labels", [5, "x"], ["5", "x"]),
        ("labels", None, None),
        ("labels", "[draft] fix it", ["[draft] fix it"]),
        ("tags", "bug", ["bug"]),
        ("tags", '["a"]', ["a"]),
        ("tags", "", []),
        ("tags", None, []),
        ("turns", '[{"speaker": "ada", "text": "hi"}]', [{"speaker": "ada", "text": "hi"}]),
        ("turns", '{"speaker": "ada", "text": "hi"}', [{"speaker": "ada", "text": "hi"}]),
        ("turns", {"speaker": "ada", "text": "hi"}, [{"speaker": "ada", "text": "hi"}]),
        ("version", 17, "17"),
        ("about", '{"a": 1}', {"a": 1}),
        ("about", None, None),
        ("limit", "5", 5),
        ("limit", None, 10),
        ("share", "0.25", 0.25),
        ("limit", "null", 10),
        ("share", "None", 0.5),
        ("labels", "null", None),
        ("about", "null", None),
        ("version", "null", "null"),
    ],
)
async def test_what_careless_clients_send_is_taken(field: str, sent: Any, taken: Any) -> None:
    assert (await called(title="t", **{field: sent}))[field] == taken


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "title is missing."),
        ({"title": None}, "title is missing."),
        ({"title": "t", "limit": 0}, "limit must be at least 1."),
        ({"title": "t", "limit": 501}, "limit must be at most 500."),
        ({"title": "t", "limit": "many"}, "limit must be a whole number."),
        ({"title": "t", "max_tokens": 10}, "max_tokens must be at least 200."),
        ({"title": "t", "tags": 5.5, "limit": 1.5}, "limit must be a whole number."),
        ({"title": "t", "tags": {"a": 1}}, "tags[0] must be a text."),
        ({"title": "t", "kind": "idea"}, "kind must be 'fact' or 'plan'."),
        ({"title": "t", "turns": [{"speaker": "ada"}]}, "turns[0].text is missing."),
        ({"title": "t", "share": 2}, "share must be at most 1."),
        ({"title": "t", "label": "x"}, "label is not an argument of this tool."),
    ],
)
async def test_errors_name_the_field_and_the_remedy(arguments: dict[str, Any], message: str) -> None:
    answer = await called(**arguments)
    assert answer["code"] == "invalid_input"
    assert answer["message"] == message
    assert answer["hint"]


async def test_a_misspelt_argument_gets_a_suggestion() -> None:
    assert (await called(title="t", lables=["x"]))["candidates"] == ["labels"]


async def test_the_list_has_titles_and_plain_types_for_what_is_optional() -> None:
    server = create_server(
        ServerSpec("rookery-example", "Example", "", "0.1.0"), [tool(label)], settings=CoreSettings()
    )
    async with Client(server) as client:
        (listed,) = await client.list_tools()
    assert listed.title == "Label"
    assert listed.input_schema["properties"]["labels"] == {"items": {"type": "string"}, "type": "array"}
    assert listed.input_schema["properties"]["about"] == {"additionalProperties": True, "type": "object"}


async def test_the_schema_says_the_bounds() -> None:
    server = create_server(
        ServerSpec("rookery-example", "Example", "", "0.1.0"), [tool(label)], settings=CoreSettings()
    )
    async with Client(server) as client:
        (listed,) = await client.list_tools()
    properties = listed.input_schema["properties"]
    assert (properties["limit"]["minimum"], properties["limit"]["maximum"]) == (1, 500)
    assert (properties["max_tokens"]["minimum"], properties["max_tokens"]["maximum"]) == (200, 50_000)


@given(st.text(st.characters() | st.characters(categories=["Cs"]) | st.sampled_from('\\"u')))
def test_standard_input_is_json_whatever_the_surrogates(text: str) -> None:
    repaired = json.loads(repair_surrogates(json.dumps([text])))[0]
    assert repaired == json.loads(json.dumps(text)).encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    ) or any("\ud800" <= letter <= "\udfff" for letter in text)
    repaired.encode()


arguments_of_a_call = st.lists(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text())))


@given(arguments_of_a_call, st.dictionaries(st.text(), st.one_of(st.integers(), st.text())))
def test_a_cursor_returns_its_position_to_the_same_call(
    arguments: list[Any], position: dict[str, Any]
) -> None:
    page = Page.open("search", arguments, "", 1000)
    cursor = page.cursor(**position)
    assert cursor.isascii()
    assert Page.open("search", arguments, cursor, 200).position == position


@given(arguments_of_a_call, arguments_of_a_call)
def test_a_cursor_of_another_call_is_refused(arguments: list[Any], others: list[Any]) -> None:
    cursor = Page.open("search", arguments, "", 1000).cursor(offset=10)
    with pytest.raises(InvalidInput, match="must come from list"):
        Page.open("list", arguments, cursor, 1000)
    if others != arguments:
        with pytest.raises(InvalidInput, match="other arguments"):
            Page.open("search", others, cursor, 1000)


@given(st.lists(st.integers(1, 400), min_size=1), st.integers(1, 1000))
def test_pages_have_at_least_one_item_and_leave_none_out(costs: list[int], max_tokens: int) -> None:
    pages: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = Page.open("list", [], cursor, max_tokens)
        pages.append(page.fill(costs[page.offset :], int))
        assert len(pages[-1]) == 1 or sum(pages[-1]) <= max_tokens
        cursor = page.next_cursor(more=page.next_offset < len(costs))
    assert [cost for page in pages for cost in page] == costs
    assert all(pages)


def test_an_answer_without_pages_has_at_least_one_item() -> None:
    assert fit(["x" * 4000, "y"], 200) == ["x" * 4000]
