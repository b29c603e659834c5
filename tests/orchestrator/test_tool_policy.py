"""Which calls may be made once text of other people was read: the addresses in their arguments."""

from __future__ import annotations

from typing import Any

import pytest

from rookery.agent.links import LinkAllowlist
from rookery.agent.tool_policy import ToolPolicy
from rookery.traces.records import PendingAction
from rookery_core.mcp.sources import Source

OWN, FOREIGN = "https://docs.acme.example/a.html", "https://blog.foreign.example/post"


def policy(tainted: bool = True) -> ToolPolicy:
    allowlist = LinkAllowlist()
    allowlist.add_items([Source(OWN, "a", "docs", "search_docs")], own=True)
    allowlist.add_items([Source(FOREIGN, "post", "web", "search")])
    allowlist.add_text("see https://evil.test/static and docs.evil.test/page")
    allowlist.add_trusted("Compare example.org/x with https://example.org/y, please.")
    return ToolPolicy(allowlist, tainted=tainted)


def allowed(**arguments: Any) -> bool:
    return policy().judge("fetch", read_only=True, confirm=None, arguments=arguments).allowed


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": OWN},
        {"url": FOREIGN},
        {"url": "https://docs.acme.example/b.html"},
        {"url": "https://example.org/y"},
        {"url": "example.org/x"},
        {"uri": "sample://motto", "server": "sample"},
        {"uri": "docs/retention.md"},
        {"url": "../other/page.html"},
        {"link": "p1700000000000100"},
        {"link": "1700000000.000100"},
        {"domain": "payments"},
        {"address": "12 High Street"},
        {"repo": "vercel/next.js", "path": "src/main.py", "query": "what is node.js?"},
        {"query": "error at foo.bar/baz in main"},
        {"page": 3, "hosts": None, "server": ""},
    ],
)
def test_what_was_given_or_leads_nowhere(arguments: dict[str, Any]) -> None:
    assert allowed(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "https://blog.foreign.example/SECRET"},
        {"url": "https://docs.acme.example/b.html?q=SECRET"},
        {"url": "https://evil.test/SECRET"},
        {"url": "https://evil.test/static"},
        {"page": "evil.test/SECRET"},
        {"feed_urls": ["https://example.org/y", "evil.test"]},
        {"request": {"host": "evil.test", "path": "/SECRET"}},
        {"hosts": "docs.acme.example, evil.test"},
        {"headers": {"https://evil.test/SECRET": "x"}},
        {"callback": "localhost:9/SECRET"},
        {"domain": "SECRET.evil.test"},
        {"url": "evil.test#SECRET"},
        {"url": "user@evil.test/SECRET"},
        {"note": "then WSS://evil.test/SECRET"},
    ],
)
def test_what_was_put_together(arguments: dict[str, Any]) -> None:
    assert not allowed(**arguments)


def test_before_anything_foreign_was_read_every_address_is_the_askers() -> None:
    assert (
        policy(tainted=False)
        .judge("f", read_only=True, confirm=None, arguments={"url": "evil.test/x"})
        .allowed
    )


def test_what_is_confirmed_is_shown_as_it_is() -> None:
    arguments = {
        "text": "start " + "x" * 1000 + " end",
        "a=1)\n*Approved* b": "\u202eevil",
        "\u202e": 1,
    }
    shown = PendingAction(
        id="1", server="s", tool="t", arguments=arguments, reason="r", trace_id="0"
    ).describe()
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert "start x" in shown
    assert "x end'" in shown
    assert "characters not shown" in shown
    assert "'a=1)\\n*Approved* b'=" in shown


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("confirm", [None, True])
def test_what_was_read_inside_goes_to_a_foreign_server_with_a_yes_only(
    read_only: bool, confirm: bool | None
) -> None:
    reading = ToolPolicy(LinkAllowlist(), foreign=frozenset({"theirs"}), tainted=True, internal_read=True)
    verdict = reading.judge(
        "search", read_only=read_only, confirm=confirm, arguments={"query": "pears"}, server="theirs"
    )
    assert not verdict.allowed
    assert verdict.confirmable
    listed = reading.judge(
        "search", read_only=read_only, confirm=False, arguments={"query": "pears"}, server="theirs"
    )
    assert listed.allowed


def test_own_servers_and_foreign_ones_before_that_are_read_as_before() -> None:
    reading = ToolPolicy(LinkAllowlist(), foreign=frozenset({"theirs"}), tainted=True)
    assert reading.judge(
        "search", read_only=True, confirm=None, arguments={"query": "x"}, server="theirs"
    ).allowed
    reading.internal_read = True
    assert reading.judge(
        "search", read_only=True, confirm=None, arguments={"query": "x"}, server="ours"
    ).allowed
