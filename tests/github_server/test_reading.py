"""What each tool answers about the sample repository, asked as a client asks."""

from __future__ import annotations

import re

import pytest

from asking_github import Asking, Connect
from emulators.github import Emulator, Fault
from emulators.github.sample import HIDDEN, STALLED

WEB = "https://github.com/acme/widgets"


async def test_search_echoes_the_query_and_links_every_row(ask: Asking) -> None:
    reply = await ask(
        "search_issues",
        query="wish",
        repo="acme/widgets",
        kind="issue",
        state="open",
        sort="created",
        max_tokens=400,
    )
    assert reply.text.startswith("issues matching `wish repo:acme/widgets is:issue is:open`: 50 found")
    rows = [line for line in reply.text.split("\n") if "wish number" in line]
    assert rows
    assert all(line.startswith(f"{WEB}/issues/") for line in rows)
    assert reply.structured["has_more"]


async def test_search_pages_give_every_result_once(ask: Asking) -> None:
    replies = await ask.all_of("search_issues", query="wish", repo="acme/widgets", max_tokens=500)
    numbers = [int(n) for reply in replies for n in re.findall(r"issues/(\d+) ", reply.text)]
    assert sorted(numbers) == list(range(10, 60))


async def test_search_by_labels_people_and_dates(ask: Asking) -> None:
    reply = await ask(
        "search_issues",
        repo="acme/widgets",
        labels=["bug"],
        author="mallory",
        assignee="ben",
        since="2024-04-01",
        dates="created",
    )
    assert STALLED in reply.text
    assert "1 found" in reply.text
    merged = await ask("search_issues", repo=WEB, kind="pr", state="merged")
    assert f"{WEB}/pull/4 merged · Raise the limit · by ana" in merged.text


async def test_an_issue_is_told_with_who_speaks(ask: Asking) -> None:
    reply = await ask("get_issue", issue="acme/widgets#1")
    assert f"{WEB}/issues/1\nacme/widgets#1: issue, open; by mallory (stranger)" in reply.text
    for voice in ("mallory (stranger)", "ben (member)", "ci-robot[bot] (bot)"):
        assert re.search(rf"<untrusted [0-9a-f]{{6}} from {re.escape(voice)}>", reply.text)
    assert len(re.findall(rf"{WEB}/issues/1#issuecomment-\d+ ", reply.text)) == 3


async def test_hidden_characters_html_and_code_survive(ask: Asking) -> None:
    reply = await ask("get_issue", issue="acme/widgets#1")
    assert f"\n{HIDDEN}\n</untrusted" in reply.text
    assert "hidden characters above: RIGHT-TO-LEFT OVERRIDE, ZERO WIDTH SPACE" in reply.text


async def test_a_long_description_is_clipped_with_the_way_to_read_it_whole(
    ask: Asking, emulator: Emulator
) -> None:
    reply = await ask("get_issue", issue="acme/widgets#3", max_tokens=600)
    assert 'comments="none" reads it whole)' in reply.text
    pages = await ask.all_of("get_issue", issue="acme/widgets#3", comments="none", max_tokens=1500)
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    bodies = [
        re.search(r"<untrusted \w+ from ben \(member\)>\n(.*)\n</untrusted", page.text, re.DOTALL)
        for page in pages
    ]
    read = "".join(body[1] for body in bodies if body)
    assert read == f"# A very long report\n{repository.issues[3]['body']}"


async def test_comments_come_oldest_or_newest_first(ask: Asking) -> None:
    pages = await ask.all_of("get_issue", issue="acme/widgets#3", max_tokens=900)
    oldest = [int(n) for page in pages for n in re.findall(r"Observation (\d+):", page.text)]
    assert oldest == list(range(60))
    pages = await ask.all_of("get_issue", issue="acme/widgets#3", comments="newest", max_tokens=900)
    assert [int(n) for page in pages for n in re.findall(r"Observation (\d+):", page.text)] == oldest[::-1]


async def test_the_link_of_a_comment_reads_that_comment(ask: Asking) -> None:
    whole = await ask("get_issue", issue="acme/widgets#1")
    link = re.findall(rf"{WEB}/issues/1#issuecomment-\d+", whole.text)[0]
    reply = await ask("get_issue", issue=link)
    assert "I can reproduce it with 1.1.0." in reply.text
    assert STALLED not in reply.text
    review = await ask("get_issue", issue=f"{WEB}/pull/5#discussion_r701")
    assert "Why `max(1, …)`?" in review.text


async def test_a_pull_request_at_a_glance(ask: Asking) -> None:
    reply = await ask("get_pull_request", pull=f"{WEB}/pull/5/files")
    assert "reviews: approved by ben; changes requested by ana; review requested from ana" in reply.text
    assert "checks: 1 passed, 1 failed (pytest)" in reply.text
    assert re.search(r"acme:fix/exporter → main, head [0-9a-f]{40}; 1 commits, 2 files \+4 -1", reply.text)
    assert "mergeable: blocked" in reply.text


async def test_a_deleted_fork_and_a_deleted_account(ask: Asking, emulator: Emulator) -> None:
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    repository.pulls[5]["head"] = {
        "ref": "gone",
        "sha": repository.pulls[5]["head"]["sha"],
        "repo": None,
        "user": None,
    }
    repository.pulls[5]["user"] = None
    repository.reviews[5][0]["user"] = None
    reply = await ask("get_pull_request", pull="acme/widgets#5", parts=["description", "reviews", "diff"])
    assert "gone → main" in reply.text
    assert "by ghost (contributor)" in reply.text
    assert "changes requested by ghost" in reply.text


async def test_threads_lie_on_permalinks_of_lines(ask: Asking) -> None:
    reply = await ask("get_pull_request", pull="acme/widgets#5", parts=["threads"])
    assert re.search(
        rf"on {WEB}/blob/[0-9a-f]{{40}}/widgets/exporter.py#L11 unresolved\n{WEB}/pull/5#discussion_r701",
        reply.text,
    )
    assert reply.text.index("discussion_r701") < reply.text.index("discussion_r702")


async def test_threads_say_whether_they_are_resolved(
    ask: Asking, connect: Connect, emulator: Emulator
) -> None:
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    nobody = await connect(GITHUB_TOKEN="")
    untold = await nobody("get_pull_request", pull="acme/widgets#5", parts=["threads"])
    assert "#L11\n" in untold.text
    before = await ask("get_pull_request", pull="acme/widgets#5", parts=["threads"])
    assert "#L11 unresolved\n" in before.text
    repository.resolved.add(701)
    enterprise = await connect(ROOKERY_GITHUB_URL=f"{emulator.url}/api/v3")
    after = await enterprise("get_pull_request", pull="acme/widgets#5", parts=["threads"])
    assert "#L11 resolved\n" in after.text
    assert emulator.asked("POST /api/graphql") == 1
    emulator.fail(Fault(status=502, method="POST", path="graphql", times=9))
    failing = await connect()
    assert "#L11\n" in (await failing("get_pull_request", pull="acme/widgets#5", parts=["threads"])).text


async def test_hunks_lie_on_permalinks_and_together_are_the_patch(ask: Asking, emulator: Emulator) -> None:
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    pages = await ask.all_of(
        "get_pull_request", pull="acme/widgets#5", parts=["diff"], path="widgets", max_tokens=300
    )
    text = "\n".join(page.text for page in pages)
    assert re.search(rf"{WEB}/blob/[0-9a-f]{{40}}/widgets/exporter.py#L8-L11", text)
    assert "docs/export.md" not in text
    shown = "".join(
        body
        for body in re.findall(
            r"<untrusted \w+ from the change \(code\)>\n(.*?)\n</untrusted", text, re.DOTALL
        )
    )
    assert shown == next(
        f["patch"] for f in repository.pull_files[5] if f["filename"].endswith("exporter.py")
    )


async def test_all_parts_fit_into_pages(ask: Asking) -> None:
    parts = ["diff", "files", "checks", "commits", "threads", "reviews", "conversation", "description"]
    pages = await ask.all_of("get_pull_request", pull="acme/widgets#5", parts=parts, max_tokens=400)
    text = "\n".join(page.text for page in pages)
    for expected in (
        "Fixes #1.",
        "Thank you!",
        "One thing inline.",
        "Why `max",
        "failure · pytest",
        "widgets/exporter.py +1 -1\n</untrusted",
        "@@ -8,4 +8,4 @@",
    ):
        assert text.count(expected) == 1, expected
    assert len(pages) > 2


async def test_a_file_by_lines_and_by_link(ask: Asking) -> None:
    reply = await ask("get_file", repo="acme/widgets", path="widgets/gauge.py", lines="3-3", ref="v1.0.0")
    assert "MAX_ROWS = 1000\n" in reply.text
    assert re.match(rf"{WEB}/blob/[0-9a-f]{{40}}/widgets/gauge.py#L3\nlines 3-3 of 16", reply.text)
    branch = await ask("get_file", repo=f"{WEB}/blob/fix/exporter/docs/export.md#L1-L2")
    assert "# Export\n\n\n</untrusted" in branch.text


async def test_a_long_file_comes_in_pieces_that_are_the_file(ask: Asking, emulator: Emulator) -> None:
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    pages = await ask.all_of("get_file", repo="acme/widgets", path="README.md", max_tokens=700)
    found = [
        re.search(r"<untrusted \w+ from acme/widgets \(file\)>\n(.*)\n</untrusted", page.text, re.DOTALL)
        for page in pages
    ]
    assert (
        "".join(piece[1] for piece in found if piece).encode()
        == repository.trees[repository.branches["main"]]["README.md"]
    )
    assert "(continued in line " in pages[1].text


async def test_folders_binaries_and_what_is_not_there(ask: Asking) -> None:
    root = await ask("get_file", repo="acme/widgets")
    assert re.search(r"assets/\nwidgets/\nREADME.md \d+ bytes", root.text)
    binary = await ask("get_file", repo="acme/widgets", path="assets/logo.bin")
    assert "not text: 1024 bytes" in binary.text
    missing = await ask("get_file", repo="acme/widgets", path="nothing.py")
    assert missing.is_error
    assert '"code": "not_found"' in missing.text
    for path in ("../secret", "a?ref=x"):
        assert '"code": "invalid_input"' in (await ask("get_file", repo="acme/widgets", path=path)).text


async def test_only_line_feeds_end_a_line(ask: Asking, emulator: Emulator) -> None:
    repository = emulator.world.find("acme/widgets")
    assert repository is not None
    text = "one\f1\u20281\x851\r1\r\ntwo\nthree"
    repository.trees[repository.branches["main"]]["odd.txt"] = text.encode()
    reply = await ask("get_file", repo="acme/widgets", path="odd.txt", lines="2-2")
    assert "lines 2-2 of 3" in reply.text
    assert "\ntwo\n" in reply.text


async def test_commits_of_a_repository_a_path_and_a_person(ask: Asking) -> None:
    reply = await ask("list_commits", repo="acme/widgets", since="2024-04-10")
    assert [line.split(" ", 1)[1] for line in reply.text.split("\n") if line.startswith(WEB)] == [
        "Raise the limit (#4) · by ana · 2024-05-02",
        "Export gauges · by ben · 2024-04-20",
    ]
    assert "since 2024-04-10T00:00:00Z" in reply.text
    path = await ask("list_commits", repo="acme/widgets", path="widgets/gauge.py")
    assert "Export gauges" not in path.text
    person = await ask("list_commits", repo="acme/*", author="ben")
    assert "commits matching `user:acme author:ben`: 1 found" in person.text


async def test_one_commit(ask: Asking) -> None:
    reply = await ask("get_commit", commit="acme/widgets@main", diff=True)
    assert "-MAX_ROWS = 1000\n+MAX_ROWS = 5000" in reply.text
    assert re.search(rf"{WEB}/blob/[0-9a-f]{{40}}/widgets/gauge.py#L1-L6", reply.text)
    files = await ask("get_commit", commit=f"{WEB}/commit/v1.1.0")
    assert "assets/logo.bin binary or empty added\nwidgets/exporter.py +11 -0 added" in files.text


async def test_releases_of_several_repositories(ask: Asking) -> None:
    reply = await ask(
        "list_releases",
        repos=["acme/widgets", "acme/nothing", "stranger/tool"],
        prereleases=False,
        since="2024-04-10",
    )
    assert f"{WEB}/releases/tag/v1.1.0 Widgets v1.1.0 · 2024-04-20 · by ana" in reply.text
    for absent in ("v1.0.0", "rc1", "draft"):
        assert absent not in reply.text
    assert "stranger/tool: no release since 2024-04-10" in reply.text
    assert "the releases of acme/nothing: not found" in reply.text
    one = await ask("list_releases", repos=[f"{WEB}/releases/tag/v1.0.0"])
    assert "What is new in v1.0.0" in one.text


async def test_code_hits_name_the_line(ask: Asking) -> None:
    reply = await ask("search_code", query='"return len(gauges)"', repo="acme/widgets")
    assert re.search(rf"{WEB}/blob/[0-9a-f]{{40}}/widgets/exporter.py#L11\n", reply.text)


async def test_repositories_and_people(ask: Asking) -> None:
    assert (
        f"{WEB} Widgets that count · Python · 42 stars"
        in (await ask("search_repositories", query="widgets")).text
    )
    members = await ask("search_users", org="acme", query="bee")
    assert "https://github.com/ben · ben · Ben Bee" in members.text
    assert "ana" not in members.text
    assert "https://github.com/mallory · mallory" in (await ask("search_users", query="mallory")).text


async def test_why_a_run_failed(ask: Asking) -> None:
    reply = await ask("get_workflow_run", run=f"{WEB}/actions/runs/9001")
    assert "failure · pytest · failed in step 3: Run pytest -q" in reply.text
    assert "307: FAILED tests/test_exporter.py::test_empty - AssertionError: 0 rows" in reply.text
    assert "Post job cleanup" not in reply.text
    grep = await ask("get_workflow_run", run=f"{WEB}/actions/runs/9001/job/9101", grep="syncing")
    assert "2: Syncing repository: acme/widgets" in grep.text
    tail = await ask("get_workflow_run", run=f"{WEB}/actions/runs/9001", job="pytest", tail=1)
    assert "310: Post job cleanup." in tail.text
    assert "309:" not in tail.text
    listed = await ask("get_workflow_run", run="acme/widgets#5")
    assert f"{WEB}/actions/runs/9001 failure · tests" in listed.text


async def test_what_somebody_did(ask: Asking) -> None:
    reply = await ask(
        "get_user_activity", user="@cleo", repo="acme/*", since="2024-04-20", until="2024-05-31"
    )
    assert reply.text.startswith("activity of cleo in acme, 2024-04-20 to 2024-05-31\n")
    assert "## pull requests opened: 1" in reply.text
    assert "## issues opened: 1" in reply.text
    assert "## commits on default branches: none" in reply.text
    pages = await ask.all_of(
        "get_user_activity", user="cleo", repo="acme/*", since="2024-01-01", max_tokens=500
    )
    text = "\n".join(page.text for page in pages)
    assert len(set(re.findall(rf"{WEB}/issues/(\d+) ", text))) == 51
    assert text.count("## issues opened: 51") == 1
    assumed = await ask("get_user_activity", user="ana")
    assert "(no since given: the last 7 days)" in assumed.text


async def test_a_renamed_repository_is_followed(ask: Asking) -> None:
    assert STALLED in (await ask("get_issue", issue="acme/gadgets#1")).text


@pytest.mark.parametrize(
    "arguments",
    [
        {"issue": "acme/widgets#1", "max_tokens": 10},
        {"issue": "acme/widgets#1", "comments": "all"},
        {"issue": "nonsense"},
        {},
    ],
)
async def test_wrong_arguments_are_named(ask: Asking, arguments: dict[str, object]) -> None:
    reply = await ask("get_issue", **arguments)
    assert reply.is_error
    assert '"code": "invalid_input"' in reply.text


async def test_several_hosts_side_by_side(connect: Connect, emulator: Emulator) -> None:
    other = f'{{"ghe.acme.org": {{"url": "{emulator.url}/api/v3", "token": "ghp_sample_of_ana"}}}}'
    ask = await connect(ROOKERY_GITHUB_HOSTS=other)
    assert STALLED in (await ask("get_issue", issue="https://ghe.acme.org/acme/widgets/issues/1")).text
    assert emulator.asked("GET /api/v3/repos/acme/widgets/issues/1")
    unknown = await ask("get_issue", issue="https://evil.example/acme/widgets/issues/1")
    assert '"candidates": ["github.com", "ghe.acme.org"]' in unknown.text
