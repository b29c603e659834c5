"""The Web API as the bot calls it: what is repeated, what is waited for, what is in doubt, whatever answers."""

from __future__ import annotations

from typing import Any

import pytest

from emulators.slack import SlackEmulator
from emulators.slack.sample import Cast
from rookery.slack.answers.status import RENEW_AFTER_S, StatusLine
from rookery.slack.people.directory import Directory
from rookery_slackapi.errors import SlackLockedOut, SlackRefused, SlackUnavailable, SlackUncertain
from rookery_slackapi.web import SlackApi

pytestmark = pytest.mark.slow

NOT_SLACK: list[dict[str, Any]] = [
    {"status": 502},
    {"status": 503, "content_type": "text/plain", "body": "upstream connect error"},
    {"status": 500, "content_type": "application/json", "body": '{"ok": fal'},
    {"status": 504, "content_type": "application/json", "body": ""},
    {"status": 200},
    {"status": 200, "content_type": "text/plain", "body": "OK"},
    {"status": 200, "content_type": "application/json", "body": "[]"},
    {"status": 200, "content_type": "application/json", "body": "{}"},
]
"""What stands between the bot and Slack may say, with or without having passed the call on."""


@pytest.fixture
def api(sdk: Any) -> SlackApi:
    return SlackApi(sdk, patience_s=5.0)


@pytest.mark.parametrize("answer", NOT_SLACK)
async def test_what_slack_did_not_say_is_no_refusal(
    slack: SlackEmulator, cast: Cast, api: SlackApi, answer: dict[str, Any]
) -> None:
    slack.faults.plan("users.info", "proxy", **answer)
    assert (await api("users.info", user=cast.ada.id))["user"]["id"] == cast.ada.id
    slack.faults.plan("chat.postMessage", "proxy", **answer)
    with pytest.raises(SlackUncertain):
        await api("chat.postMessage", channel=cast.general.id, text="once")


@pytest.mark.parametrize("retry_after", ["soon", "", "-3", "nan", "0"])
async def test_a_limit_without_a_time_that_makes_sense_is_a_limit_all_the_same(
    slack: SlackEmulator, cast: Cast, api: SlackApi, retry_after: str
) -> None:
    slack.faults.plan("users.info", "rate_limit", retry_after=retry_after)
    assert (await api("users.info", user=cast.ada.id))["ok"]


async def test_a_limit_that_a_proxy_tells_of_is_a_limit(
    slack: SlackEmulator, cast: Cast, api: SlackApi
) -> None:
    slack.faults.plan("chat.postMessage", "proxy", status=429, body="Too many requests")
    assert (await api("chat.postMessage", channel=cast.general.id, text="at last"))["ok"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("internal_error", SlackUncertain),  # "some aspect of the operation" may have succeeded, says Slack
        ("fatal_error", SlackUncertain),
        ("is_archived", SlackRefused),
        ("not_in_channel", SlackRefused),
        ("restricted_action", SlackRefused),
        ("missing_scope", SlackRefused),
        ("invalid_auth", SlackLockedOut),
        ("token_revoked", SlackLockedOut),
        ("token_expired", SlackLockedOut),
        ("account_inactive", SlackLockedOut),
        ("message_limit_exceeded", SlackUnavailable),
    ],
)
async def test_each_error_of_a_post_says_what_became_of_it(
    slack: SlackEmulator, cast: Cast, api: SlackApi, code: str, kind: type[Exception]
) -> None:
    slack.faults.plan("chat.postMessage", "error", code=code)
    with pytest.raises(kind):
        await api("chat.postMessage", channel=cast.general.id, text="once")
    assert len(slack.journal.of("chat.postMessage")) == 1


@pytest.mark.parametrize(
    "code", ["service_unavailable", "request_timeout", "ratelimited", "team_added_to_org"]
)
async def test_what_certainly_was_not_done_is_done_again(
    slack: SlackEmulator, cast: Cast, api: SlackApi, code: str
) -> None:
    slack.faults.plan("chat.postMessage", "error", code=code)
    await api("chat.postMessage", channel=cast.general.id, text="once")
    assert [message.text for message in slack.state.in_order(cast.general.id)] == ["once"]


async def test_a_member_is_no_outsider_because_the_token_was_revoked(
    slack: SlackEmulator, cast: Cast, api: SlackApi
) -> None:
    directory = Directory(api)
    slack.faults.plan("users.info", "error", code="token_revoked")
    with pytest.raises(SlackLockedOut):
        await directory.find_user(cast.ada.id)
    assert (await directory.find_user(cast.ada.id)).kind == "member"


async def test_a_status_is_shown_again_before_slack_takes_it_away(
    slack: SlackEmulator, cast: Cast, api: SlackApi
) -> None:
    now = 0.0
    root = slack.people.say(cast.ada.id, cast.general.id, "how long does that take?")
    status = StatusLine(api, cast.general.id, root, root, clock=lambda: now)
    shown = slack.state.statuses
    status.show_status("is reading…")
    await slack.state.wait_for(lambda: len(shown) == 1)
    now = RENEW_AFTER_S - 1
    status.renew_status()
    now = RENEW_AFTER_S + 1
    status.renew_status()
    await slack.state.wait_for(lambda: len(shown) == 2)
    await status.clear_status()
    now = RENEW_AFTER_S * 3
    status.renew_status()
    await status.clear_status()
    assert [one.text for one in shown] == ["is reading…", "is reading…", "", ""]
