"""What a server may touch, and whose words it shows."""

from __future__ import annotations

import json

import pytest

from asking_github import Asking, Connect, MakeSettings
from emulators.github import Emulator
from emulators.github.sample import HIDDEN, STALLED
from rookery_core.identity import Caller, acting_as
from rookery_github.hosts import from_settings
from rookery_github.server import make_workspace
from rookery_github.settings import GitHubSettings
from rookery_github.tools.issues import IssueTools
from rookery_github.tools.people import PeopleTools
from rookery_github.tools.search import SearchTools


@pytest.fixture
async def confined(connect: Connect) -> Asking:
    return await connect(ROOKERY_GITHUB_ALLOW="acme/*,!acme/secret")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_issue", {"issue": "stranger/tool#1"}),
        ("get_issue", {"issue": "https://github.com/stranger/tool/issues/1"}),
        ("get_issue", {"issue": "acme/secret#1"}),
        ("get_file", {"repo": "stranger/tool", "path": "x"}),
        ("search_issues", {"query": "repo:stranger/tool broken"}),
        ("search_issues", {"repo": "stranger/*"}),
        ("search_code", {"query": "x org:stranger"}),
        ("list_commits", {"repo": "stranger/tool"}),
        ("get_user_activity", {"user": "mallory", "repo": "stranger/*"}),
        ("get_workflow_run", {"run": "https://github.com/stranger/tool/actions/runs/1"}),
        ("list_releases", {"repos": ["stranger/tool"]}),
        ("search_users", {"org": "stranger"}),
    ],
)
async def test_nothing_outside_of_the_list_is_even_asked_for(
    confined: Asking, emulator: Emulator, name: str, arguments: dict[str, object]
) -> None:
    reply = await confined(name, **arguments)
    assert json.loads(reply.text)["code"] == "not_allowed"
    assert emulator.requests == []


async def test_an_unscoped_search_stays_inside(confined: Asking) -> None:
    reply = await confined("search_issues", query="widgets")
    assert "`widgets user:acme`" in reply.text
    assert "stranger" not in reply.text
    plans = await confined("search_issues", query="plan")
    assert "Secret plan" not in plans.text
    assert "1 left out: outside of what this server may show" in plans.text


async def test_a_redirect_does_not_lead_outside(confined: Asking) -> None:
    moved = await confined("get_issue", issue="acme/adopted#1")
    assert json.loads(moved.text)["code"] == "not_allowed"
    assert STALLED in (await confined("get_issue", issue="acme/gadgets#1")).text


async def test_lockdown_shows_only_those_who_may_push(connect: Connect) -> None:
    ask = await connect(ROOKERY_GITHUB_LOCKDOWN=True)
    refused = await ask("get_issue", issue="acme/widgets#1")
    assert json.loads(refused.text)["code"] == "not_allowed"
    pages = await ask("get_issue", issue="acme/widgets#3", max_tokens=9000)
    assert "Observation 3" in pages.text
    pull = await ask("get_pull_request", pull="acme/widgets#5")
    assert json.loads(pull.text)["code"] == "not_allowed", "its author is a contributor"
    found = await ask("search_issues", repo="acme/widgets", query="exporter")
    assert STALLED not in found.text
    assert "left out" in found.text
    comment = await ask("get_issue", issue="https://github.com/acme/widgets/issues/1#issuecomment-5002")
    assert HIDDEN not in comment.text


async def test_lockdown_reads_files_only_of_what_was_merged(connect: Connect, emulator: Emulator) -> None:
    ask = await connect(ROOKERY_GITHUB_LOCKDOWN=True)
    assert not (await ask("get_file", repo="acme/widgets", path="README.md")).is_error
    assert not (await ask("get_commit", commit="acme/widgets@v1.0.0")).is_error
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    stray = repository.branches["fix/exporter"]
    for name, arguments in (
        ("get_file", {"repo": "acme/widgets", "path": "docs/export.md", "ref": stray}),
        ("get_commit", {"commit": f"acme/widgets@{stray}"}),
        ("get_workflow_run", {"run": "https://github.com/acme/widgets/actions/runs/9001"}),
    ):
        assert json.loads((await ask(name, **arguments)).text)["code"] == "not_allowed", name


async def test_lockdown_leaves_private_repositories_alone_and_fails_closed(connect: Connect) -> None:
    ask = await connect(ROOKERY_GITHUB_LOCKDOWN=True)
    assert "Secret plan" in (await ask("get_issue", issue="acme/secret#1")).text
    nobody = await connect(ROOKERY_GITHUB_LOCKDOWN=True, GITHUB_TOKEN="")
    assert (await nobody("get_issue", issue="acme/widgets#3")).is_error, "nobody can be asked who may push"


async def test_guests_see_public_repositories_only(
    emulator: Emulator, guest_settings: GitHubSettings
) -> None:
    workspace = make_workspace(guest_settings)
    tools, search, people = IssueTools(workspace), SearchTools(workspace), PeopleTools(workspace)
    with acting_as(Caller(user="U1", kind="member")):
        assert "Secret plan" in (await tools.get_issue("acme/secret#1"))["text"]
    for kind in ("guest", "outsider"):
        with acting_as(Caller(user="U2", kind=kind)):
            with pytest.raises(Exception, match="not found"):
                await tools.get_issue("acme/secret#1")
            assert "is:public" in (await search.search_issues("plan"))["text"]
            assert "Secret plan" not in (await search.search_issues("plan"))["text"]
            assert STALLED in (await tools.get_issue("acme/widgets#1"))["text"]
            members = (await people.search_users(org="acme"))["text"]
            assert "/ana" in members
            assert "/ben" not in members, "who hides their membership stays hidden"
    await workspace.stop()


@pytest.fixture
def guest_settings(make_settings: MakeSettings) -> GitHubSettings:
    return make_settings()


def test_a_token_goes_to_https_only(guest_settings: GitHubSettings) -> None:
    from rookery_core.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="https"):
        from_settings(guest_settings.model_copy(update={"api_url": "http://github.example/api/v3"}))
