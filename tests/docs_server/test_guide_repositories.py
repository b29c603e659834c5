"""Guides from git repositories: how they are named, fetched, kept and refreshed."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client

from emulators.git_host import GitHost
from rookery_core.errors import ConfigurationError, InvalidInput
from rookery_core.foreign import git as foreign_git
from rookery_core.foreign.git import GitFailed
from rookery_docs import guide_repositories
from rookery_docs.guide_library import GuideLibrary
from rookery_docs.guide_repositories import GuideCopy, GuideRepository
from rookery_docs.server import build_server
from rookery_docs.settings import DocsSettings

pytestmark = pytest.mark.slow

SKILL = "---\nname: deploy\ndescription: How we deploy\n---\n# Deploy\n\nAsk Ada.\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    (tmp_path / "host").mkdir()
    running = GitHost(tmp_path / "host")
    running.commit(
        "team", {"skills/deploy/SKILL.md": SKILL, "skills/deploy/steps.md": "one", "README.md": "# x"}
    )
    yield running
    running.close()


def copy_of(host: GitHost, tmp_path: Path, suffix: str = "", name: str = "team") -> GuideCopy:
    return GuideCopy(GuideRepository.parse(f"{host.url}/{name}{suffix}"), tmp_path / "copies")


def text_of(copy: GuideCopy, name: str = "deploy") -> str:
    return GuideLibrary([], [copy], 0).guides.get(name).text


async def viewed(client: Client[Any], **arguments: str) -> str:
    answer: Any = (await client.call_tool("view_guide", arguments)).structured_content
    return answer["content"]


@pytest.mark.parametrize(
    ("text", "url", "path", "ref"),
    [
        ("ada/guides", "https://github.com/ada/guides", "", ""),
        ("ada/guides/a/b@feature/x", "https://github.com/ada/guides", "a/b", "feature/x"),
        ("https://git.example.org/t/g.git", "https://git.example.org/t/g.git", "", ""),
        ("https://git.example.org/t/g.git//skills@v1", "https://git.example.org/t/g.git", "skills", "v1"),
        ("git@git.example.org:t/g.git//s@v1", "git@git.example.org:t/g.git", "s", "v1"),
        ("ssh://git@git.example.org:22/t/g@v1", "ssh://git@git.example.org:22/t/g", "", "v1"),
    ],
)
def test_how_a_repository_is_named(text: str, url: str, path: str, ref: str) -> None:
    assert GuideRepository.parse(text) == GuideRepository(url, path, ref)


@pytest.mark.parametrize(
    "text", ["guides", "-x/y", "ext::sh -c x", "file:///etc", "https://host", "a/b@", "--upload-pack=x"]
)
def test_what_names_no_repository(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"ROOKERY_DOCS_GUIDE_REPOSITORIES.*owner/name"):
        GuideRepository.parse(text)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as refused:
        GuideRepository.parse("https://ada:secret@git.example.org/t/g")
    assert "secret" not in str(refused.value) and "credential helper" in str(refused.value)


async def test_a_copy_is_fetched_and_follows_the_host(host: GitHost, tmp_path: Path) -> None:
    copy = copy_of(host, tmp_path)
    assert copy.folder is None
    await copy.refresh()
    assert "Ask Ada" in text_of(copy)
    assert GuideLibrary([], [copy], 0).guides.get("deploy").read("steps.md") == "one"
    before = copy.folder
    host.requests.clear()
    await copy.refresh()
    assert copy.folder == before and len(host.requests) <= 2, "the references are listed, nothing is fetched"
    host.commit(
        "team", {"skills/deploy/SKILL.md": SKILL.replace("Ada", "Grace"), "skills/deploy/steps.md": None}
    )
    await copy.refresh()
    assert "Ask Grace" in text_of(copy)
    assert "steps.md" not in GuideLibrary([], [copy], 0).guides.get("deploy").read(".")
    assert before and before.is_dir(), "another server may still read the copy before"
    host.commit("team", {"skills/deploy/SKILL.md": SKILL.replace("Ada", "Mary")})
    await copy.refresh()
    assert not before.exists()


async def test_a_branch_a_tag_a_commit_and_a_folder(host: GitHost, tmp_path: Path) -> None:
    host.tag("team", "v1")
    first = host.commit("team", {"skills/deploy/SKILL.md": SKILL.replace("Ada", "Grace")})
    host.commit("team", {"skills/deploy/SKILL.md": SKILL.replace("Ada", "Mary")}, branch="feature/x")
    for suffix, who in (
        ("@v1", "Ada"),
        (f"@{first}", "Grace"),
        ("//skills@feature/x", "Mary"),
        ("@main", "Grace"),
    ):
        copy = copy_of(host, tmp_path, suffix)
        await copy.refresh()
        assert f"Ask {who}" in text_of(copy), suffix
        await copy.refresh()


@pytest.mark.parametrize(
    ("suffix", "name", "told"),
    [
        ("@nowhere", "team", "no branch or tag 'nowhere'"),
        ("//nowhere", "team", "nowhere"),
        ("", "missing", "not found"),
        ("", "bare", "holds no guide"),
    ],
)
async def test_one_clear_error(host: GitHost, tmp_path: Path, suffix: str, name: str, told: str) -> None:
    host.commit("bare", {"code.py": "1"})
    with pytest.raises((GitFailed, InvalidInput), match=told):
        await copy_of(host, tmp_path, suffix, name).refresh()


async def test_the_last_good_copy_stays_while_the_host_is_away(
    host: GitHost, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = copy_of(host, tmp_path)
    library = GuideLibrary([], [copy], 1)
    await library.refresh()
    assert library.guides.get("deploy") and not library.failures
    host.status = 503
    assert copy.folder
    os.utime(copy.folder.parent / "current", (time.time() - 60, time.time() - 60))
    for _ in range(2):
        await library.refresh()
    assert library.guides.get("deploy")
    [failure] = library.failures
    assert "503" in failure and "last good copy" in failure and host.url in failure
    assert caplog.text.count("cannot be read") == 1
    host.status = None
    await library.refresh()
    assert not library.failures


async def test_a_broken_new_state_does_not_replace_a_good_one(host: GitHost, tmp_path: Path) -> None:
    copy = copy_of(host, tmp_path)
    await copy.refresh()
    host.commit("team", {"skills/deploy/SKILL.md": "---\nname: not a name!\n---\nx"})
    with pytest.raises(ConfigurationError, match="no name for a guide"):
        await copy.refresh()
    assert "Ask Ada" in text_of(copy)


async def test_no_other_host_is_asked(host: GitHost, tmp_path: Path) -> None:
    other = GitHost(tmp_path / "host")
    try:
        host.elsewhere = other.url
        with pytest.raises(GitFailed):
            await copy_of(host, tmp_path).refresh()
        assert not other.requests
    finally:
        other.close()


async def test_size_is_bounded(host: GitHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_git, "MAX_REPOSITORY_BYTES", 200_000)
    host.commit("large", {"guide.md": "# x", "noise.bin": random.Random(1).randbytes(400_000)})
    with pytest.raises(GitFailed, match="larger than"):
        await copy_of(host, tmp_path, name="large").refresh()
    monkeypatch.setattr(foreign_git, "MAX_REPOSITORY_BYTES", 64_000_000)
    monkeypatch.setattr(guide_repositories, "_MOST_FILES", 2)
    host.commit("many", {f"guide{number}.md": "# x" for number in range(3)})
    with pytest.raises(InvalidInput, match="more than 2 files"):
        await copy_of(host, tmp_path, name="many").refresh()


async def test_links_and_large_files_are_left_out(host: GitHost, tmp_path: Path) -> None:
    (tmp_path / "host" / "team" / "skills" / "deploy" / "secret.md").symlink_to("/etc/hostname")
    host.commit("team", {"skills/deploy/large.txt": "x" * 600_000, ".github/x.md": "# x"})
    copy = copy_of(host, tmp_path)
    await copy.refresh()
    assert copy.folder
    names = {path.relative_to(copy.folder).as_posix() for path in copy.folder.rglob("*") if path.is_file()}
    assert names == {"README.md", "skills/deploy/SKILL.md", "skills/deploy/steps.md"}


async def test_several_servers_at_once_leave_one_whole_copy(host: GitHost, tmp_path: Path) -> None:
    copies = [copy_of(host, tmp_path) for _ in range(4)]
    await asyncio.gather(*(copy.refresh() for copy in copies))
    assert {text_of(copy) for copy in copies} == {text_of(copies[0])}
    assert copies[0].folder
    assert sorted(path.name for path in copies[0].folder.parent.iterdir()) == sorted(
        [copies[0].folder.name, "current"]
    )


async def test_a_server_offers_them_and_folders_come_before(
    host: GitHost, tmp_path: Path, docs_settings: DocsSettings
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "oncall.md").write_text("# On call\n\nMine.\n")
    host.commit("team", {"skills/oncall.md": "# On call\n\nTheirs.\n"})
    settings = docs_settings.model_copy(
        update={"docs_guide_repositories": (f"{host.url}/team", f"{host.url}/gone"), "docs_guides": str(mine)}
    )
    server = build_server(settings).server
    client: Client[Any] = Client(server)
    async with client:
        assert (await viewed(client, name="deploy")).startswith("# Deploy")
        assert "Mine" in await viewed(client, name="oncall")
        listed = await viewed(client)
        assert "- deploy: How we deploy" in listed and f"{host.url}/gone cannot be read" in listed
        assert "deploy" in [prompt.name for prompt in await client.list_prompts()]
        prompt = await client.get_prompt("deploy", {"task": "now"})
        assert "The task: now" in prompt.messages[0].content.model_dump()["text"]
