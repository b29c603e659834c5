"""Files that were handed in: what leads out, is no regular file or is too large is never opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from rookery_core.foreign.files import ForeignFolder, NotOpened, Refused, named_place, open_file, read_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that was handed in, beside a secret that was not."""
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.md").write_text("secret")
    root = tmp_path / "folder"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "a.md").write_text("# A")
    (root / ".env").write_text("KEY=secret")
    return root


def refusals(folder: Path) -> dict[str, str]:
    return {entry.name: entry.refusal for entry in ForeignFolder(folder).entries() if entry.refusal}


@pytest.mark.parametrize(
    "target",
    [
        "../secret.md",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        ".env",
        "inner/../../secret.md",
        "x.md",
    ],
)
def test_a_link_that_leads_out_or_to_a_hidden_file_is_refused(folder: Path, target: str) -> None:
    (folder / "x.md").symlink_to(target)
    with pytest.raises(Refused):
        ForeignFolder(folder).read("x.md")
    assert "x.md" in refusals(folder)


def test_a_link_of_several_steps_is_judged_by_its_end(folder: Path) -> None:
    (folder / "one.md").symlink_to("two.md")
    (folder / "two.md").symlink_to("inner/three.md")
    (folder / "inner" / "three.md").symlink_to("../../secret.md")
    assert set(refusals(folder)) == {"one.md", "two.md", "inner/three.md"}


def test_a_link_to_a_file_of_the_same_folder_is_read(folder: Path) -> None:
    (folder / "x.md").symlink_to("inner/a.md")
    assert ForeignFolder(folder).read("x.md") == b"# A"
    with pytest.raises(Refused, match="not part of the source"):
        ForeignFolder(folder, {"x.md"}).read("x.md")


def test_a_link_to_a_folder_is_not_entered_and_named(folder: Path) -> None:
    (folder / "out").symlink_to("../outside")
    assert refusals(folder) == {"out": "a symbolic link to a folder"}
    with pytest.raises(Refused):
        ForeignFolder(folder).read("out/x.md")


@pytest.mark.parametrize("name", ["../secret.md", "/etc/passwd", "inner/../../secret.md", "", ".", "inner"])
def test_a_name_that_leads_out_or_to_no_file_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(NotOpened):
        ForeignFolder(folder).read(name)


def test_pipes_and_sockets_are_named_and_do_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s.md"))
        for name in ("pipe.md", "s.md"):
            with pytest.raises(Refused, match="not a regular file"):
                ForeignFolder(folder).read(name)
    assert refusals(folder) == {"pipe.md": "not a regular file", "s.md": "not a regular file"}


def test_files_of_the_kernel_are_refused_even_where_the_folder_is_theirs() -> None:
    with pytest.raises(Refused, match="kernel"):
        ForeignFolder(Path("/proc/self")).read("environ")
    with pytest.raises(Refused):
        read_file(Path("/proc/self/environ"))
    with pytest.raises(Refused):
        read_file(Path("/dev/zero"))


def test_the_size_is_bounded(folder: Path) -> None:
    (folder / "large.md").write_bytes(b"x" * 101)
    with pytest.raises(NotOpened, match="larger than"):
        ForeignFolder(folder).read("large.md", 100)
    assert len(ForeignFolder(folder).read("large.md", 101)) == 101


def test_a_link_put_in_place_after_the_check_is_not_followed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = ForeignFolder._resolved  # pyright: ignore[reportPrivateUsage]

    def swapped(self: ForeignFolder, name: str) -> Path:
        path = resolve(self, name)
        (folder / "inner").rename(tmp_path / "moved")
        (folder / "inner").symlink_to(tmp_path / "moved")
        return path

    monkeypatch.setattr(ForeignFolder, "_resolved", swapped)
    with pytest.raises(NotOpened):
        ForeignFolder(folder).read("inner/a.md")


def test_a_folder_that_cannot_be_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def denied(path: str) -> object:
        if str(path).endswith("inner"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    [entry] = [entry for entry in ForeignFolder(folder).entries() if entry.hides]
    assert (entry.name, entry.refusal) == ("inner", "Permission denied")


def test_one_file_that_is_a_link_is_refused_with_what_to_name(folder: Path) -> None:
    link = folder / "x.md"
    link.symlink_to("/etc/passwd")
    for door in (open_file, read_file, named_place):
        with pytest.raises(Refused, match="/etc/passwd"):
            door(link)
    assert named_place(folder / "inner" / "a.md") == (folder / "inner" / "a.md").resolve()
