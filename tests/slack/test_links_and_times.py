"""Permalinks are exact both ways; times are read in the asker's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.dates import parse_datetime
from rookery_core.errors import InvalidInput
from rookery_slack.links import Reference, parse_reference, permalink
from rookery_slackapi.timestamps import format_ts, parse_ts
from slack_facts import at

MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_a_ts_survives(when: datetime) -> None:
    assert parse_ts(format_ts(when)) == when


@given(MOMENTS, st.none() | MOMENTS)
def test_a_permalink_leads_back(when: datetime, root: datetime | None) -> None:
    link = permalink("https://acme.slack.com/", "C0123ABCD", when, root)
    assert parse_reference(link) == Reference("C0123ABCD", when, root)


def test_permalinks_as_slack_writes_them() -> None:
    base, ts, root = "https://acme.slack.com", at("1546231961.387200"), at("1546231900.000100")
    assert permalink(base, "C1", ts) == "https://acme.slack.com/archives/C1/p1546231961387200"
    assert permalink(base, "C1", ts, root).endswith("p1546231961387200?thread_ts=1546231900.000100&cid=C1")


@pytest.mark.parametrize(
    ("text", "channel", "ts"),
    [
        ("#general", "general", None),
        ("C0123ABCD", "C0123ABCD", None),
        ("<https://acme.slack.com/archives/C0123ABCD>", "C0123ABCD", None),
        ("https://app.slack.com/client/T1/C0123ABCD/thread/C0123ABCD-1546231961.387200", "C0123ABCD", "1546231961.387200"),
        ("acme.slack.com/archives/C0123ABCD/p1546231961387200", "C0123ABCD", "1546231961.387200"),
        ("[see *here*](https://acme.slack.com/archives/C0123ABCD)", "C0123ABCD", None),
        ("https://acme.enterprise.slack.com/archives/C0123ABCD/p1546231961387200", "C0123ABCD", "1546231961.387200"),
    ],
)  # fmt: skip
def test_references(text: str, channel: str, ts: str | None) -> None:
    found = parse_reference(text)
    assert found is not None and found.channel == channel
    assert found.ts == (at(ts) if ts else None)


@given(st.text())
def test_any_text_is_a_reference_or_none(text: str) -> None:
    parse_reference(text)


NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-03-30T00:00:00+02:00"),
        ("yesterday", "2026-03-29T00:00:00+01:00"),
        ("24h", "2026-03-28T22:30:00+00:00"),
        ("2 weeks ago", "2026-03-15T22:30:00+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+01:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("1546231961.387200", "2018-12-31T04:52:41.387200+00:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert parse_datetime(text, zone=BERLIN, now=NOW, field="start") == datetime.fromisoformat(expected)


def test_a_day_as_an_end_is_its_end() -> None:
    assert (
        parse_datetime("2026-01-02", zone=BERLIN, now=NOW, field="end", end=True).isoformat()
        == "2026-01-02T22:59:59.999999+00:00"
    )


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        assert parse_datetime(text, zone=BERLIN, now=NOW, field="start").tzinfo is not None
    except InvalidInput as error:
        assert "start" in error.message
