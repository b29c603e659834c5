"""git for repositories of others: whatever their configuration names is never run, and nothing outside of them is listed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery_core.foreign.git import GitFailed, read_working_copy

_AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def git(folder: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(
        ["git", "-C", str(folder), *_AUTHOR, *arguments], check=True, capture_output=True, env=environment
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A working copy with two tracked documents and one that is not."""
    root = tmp_path / "repository"
    (root / "docs").mkdir(parents=True)
    (root / "a.md").write_text("# A")
    (root / "docs" / "b.md").write_text("# B")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "x")
    (root / "untracked.md").write_text("# U")
    return root


def configured(text: str) -> Callable[[Path, str], None]:
    """Appends to the repository's configuration; {command} stands for what would leave the mark."""

    def attack(root: Path, command: str) -> None:
        with (root / ".git" / "config").open("a") as file:
            file.write(text.replace("{command}", command.replace('"', '\\"')) + "\n")

    return attack


def attributes(root: Path, command: str) -> None:
    """Filters, textconv and external diffs that .gitattributes asks for."""
    (root / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    configured(
        '[filter "evil"]\nclean = {command}\nsmudge = {command}\nprocess = {command}\nrequired = true\n'
        '[diff "evil"]\ntextconv = {command}\ncommand = {command}\n[merge "evil"]\ndriver = {command}'
    )(root, command)
    os.utime(root / "a.md", (1, 1))


def hooks(root: Path, command: str) -> None:
    """Every hook that git has."""
    for name in (
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
        "pre-auto-gc",
    ):
        hook = root / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{command}\n")
        hook.chmod(0o755)


def included(root: Path, command: str) -> None:
    """An include of another file, also by a condition."""
    (root / "more.cfg").write_text(f'[core]\n\tfsmonitor = "{command}"\n')
    configured(f'[include]\npath = {root}/more.cfg\n[includeIf "gitdir:/**"]\npath = {root}/more.cfg')(
        root, command
    )


def per_worktree(root: Path, command: str) -> None:
    """The configuration of one worktree."""
    configured("[extensions]\nworktreeConfig = true")(root, command)
    (root / ".git" / "config.worktree").write_text(f'[core]\n\tfsmonitor = "{command}"\n')


def common_folder(root: Path, command: str) -> None:
    """A git folder that takes its configuration from elsewhere."""
    other = root.parent / "other"
    git(root.parent, "init", "-q", "--bare", "other")
    with (other / "config").open("a") as file:
        file.write(f'[core]\n\tfsmonitor = "{command}"\n')
    (root / ".git" / "commondir").write_text(str(other))


def index_extension(root: Path, command: str) -> None:
    """An index that was written with a file system monitor, and says so."""
    configured('[core]\n\tfsmonitor = "{command}"\n\tuntrackedCache = true\n\tsplitIndex = true')(
        root, "true"
    )
    git(root, "update-index", "--fsmonitor", "--untracked-cache", "--split-index")
    configured('[core]\n\tfsmonitor = "{command}"')(root, command)


ATTACKS: dict[str, Callable[[Path, str], None]] = {
    "fsmonitor": configured('[core]\n\tfsmonitor = "{command}"'),
    "aliases and pager": configured(
        '[alias]\nls-files = "!{command}"\nrev-parse = "!{command}"\n[core]\npager = {command}\n[pager]\nls-files = {command}'
    ),
    "ssh, proxy and askpass": configured(
        '[core]\nsshCommand = {command}\ngitProxy = {command}\naskPass = {command}\n[credential]\nhelper = "!{command}"'
    ),
    "partial clone": configured(
        '[remote "evil"]\nurl = "ext::sh -c {command}"\npromisor = true\n[extensions]\npartialClone = evil\n'
        "[core]\nrepositoryFormatVersion = 1"
    ),
    "alternates by command": configured("[core]\nalternateRefsCommand = {command}"),
    "trace": configured("[trace2]\neventTarget = {command}"),
    "external diff": configured("[diff]\nexternal = {command}"),
    "attributes": attributes,
    "hooks": hooks,
    "hooks elsewhere": configured("[core]\nhooksPath = .git/hooks"),
    "include": included,
    "configuration of a worktree": per_worktree,
    "common folder": common_folder,
    "index extensions": index_extension,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_configuration_of_a_repository_is_run(repository: Path, tmp_path: Path, attack: str) -> None:
    mark = tmp_path / "PWNED"
    ATTACKS[attack](repository, f"touch {mark}; false")
    copy = await read_working_copy(repository)
    assert {"a.md", "docs/b.md"} <= copy.names and "untracked.md" not in copy.names
    assert copy.root == repository.resolve()
    assert not mark.exists()


async def test_a_worktree_of_the_configuration_is_not_gone_to(repository: Path, tmp_path: Path) -> None:
    configured(f"[core]\nworktree = {tmp_path}")(repository, "")
    assert (await read_working_copy(repository)).root == repository.resolve()


async def test_a_bare_repository_inside_is_not_taken_for_the_working_copy(
    repository: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "PWNED"
    inner = repository / "docs"
    git(inner, "init", "-q", "--bare", ".")
    with (inner / "config").open("a") as file:
        file.write(f'[core]\n\tfsmonitor = "touch {mark}; false"\n\tworktree = /etc\n')
    copy = await read_working_copy(inner)
    assert (copy.root, copy.prefix) == (repository.resolve(), "docs/")
    assert not mark.exists()


async def test_variables_of_the_surroundings_lead_nowhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "PWNED"
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {mark}; false")
    assert "a.md" in (await read_working_copy(repository)).names
    assert not mark.exists()


async def test_a_linked_worktree_and_a_folder_below_the_root(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"))
    copy = await read_working_copy(tmp_path / "linked" / "docs")
    assert (copy.root, copy.prefix) == ((tmp_path / "linked").resolve(), "docs/")
    assert copy.names == {"a.md", "docs/b.md"}


@pytest.mark.parametrize("kind", ["split", "sparse", "sha256", "version 4", "no commit", "submodule"])
async def test_every_kind_of_index_is_read(repository: Path, tmp_path: Path, kind: str) -> None:
    expected = {"a.md", "docs/b.md"}
    if kind == "split":
        git(repository, "update-index", "--split-index")
    elif kind == "sparse":
        git(repository, "sparse-checkout", "set", "--cone", "--sparse-index", "nothing")
        expected = {"a.md"}
    elif kind == "sha256":
        (repository / ".git").rename(tmp_path / "old")
        git(repository, "init", "-q", "--object-format=sha256")
        git(repository, "add", "a.md", "docs/b.md")
    elif kind == "version 4":
        git(repository, "update-index", "--index-version", "4")
    elif kind == "no commit":
        (repository / ".git").rename(tmp_path / "old")
        git(repository, "init", "-q")
        expected = set[str]()
    else:
        git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module.md")
    assert (await read_working_copy(repository)).names == expected


@pytest.mark.parametrize("kind", ["no repository", "link", "pipe", "index link", "garbage", "link file"])
async def test_what_cannot_be_read_is_one_clear_error(repository: Path, tmp_path: Path, kind: str) -> None:
    index = repository / ".git" / "index"
    folder = repository
    if kind == "no repository":
        folder = tmp_path / "missing"
    elif kind == "link":
        (repository / ".git").rename(tmp_path / "elsewhere")
        (repository / ".git").symlink_to(tmp_path / "elsewhere")
    elif kind == "link file":
        (repository / ".git").rename(tmp_path / "elsewhere")
        (repository / ".git").write_text("no link")
    else:
        data = index.read_bytes()
        index.unlink()
        if kind == "pipe":
            os.mkfifo(index)
        elif kind == "index link":
            (tmp_path / "index").write_bytes(data)
            index.symlink_to(tmp_path / "index")
        else:
            index.write_bytes(data[:40] + b"damaged" * 20)
    with pytest.raises(GitFailed):
        await read_working_copy(folder)
