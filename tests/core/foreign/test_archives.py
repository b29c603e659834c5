"""Archives that were handed in: bombs, names that lead out, links and damage, in zip and tar."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_core.foreign import archives, limits
from rookery_core.foreign.archives import Bomb, Damaged, Member, gunzip, is_archive, open_archive
from rookery_core.foreign.files import NotOpened, Refused

ZEROS = bytes(4_000_000)


def read_all(path: Path) -> dict[str, bytes]:
    with open_archive(path) as archive:
        return {member.name: archive.read(member) for member in archive.members()}


def refusals(path: Path) -> dict[str, str]:
    with open_archive(path) as archive:
        return {member.name: member.refusal for member in archive.members() if member.refusal}


def write_zip(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


def write_tar(path: Path, mode: str, *entries: tuple[str, bytes]) -> Path:
    with tarfile.open(path, mode) as archive:  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType]
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))  # pyright: ignore[reportUnknownMemberType]
    return path


@pytest.mark.parametrize("mode", ["zip", "w:", "w:gz", "w:bz2", "w:xz"])
def test_every_kind_of_archive_is_read(tmp_path: Path, mode: str) -> None:
    entries = [("docs/a.md", b"# A"), ("docs/b/c.md", os.urandom(100_000)), ("empty", b"")]
    path = write_zip(tmp_path / "a", *entries) if mode == "zip" else write_tar(tmp_path / "a", mode, *entries)
    assert is_archive(path)
    assert read_all(path) == dict(entries)


@pytest.mark.parametrize("mode", ["zip", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused_soon(tmp_path: Path, mode: str) -> None:
    entries = [(f"docs/{number}.md", ZEROS) for number in range(40)]
    path = write_zip(tmp_path / "a", *entries) if mode == "zip" else write_tar(tmp_path / "a", mode, *entries)
    assert path.stat().st_size < 200_000
    with pytest.raises(Bomb, match="unpacks to more than 64 MB"):
        read_all(path)


def test_one_member_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", ("bomb.md", bytes(20_000_000)), ("a.md", b"# A"))
    assert "zip bomb" in refusals(path)["bomb.md"]
    with open_archive(path) as archive, pytest.raises(Refused):
        archive.read(next(archive.members()))


def test_members_that_share_their_packed_bytes_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", ("a.md", b"# A" * 1000), ("b.md", b"# A" * 1000))
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, second + 42, 0)  # the second entry points at the first one's bytes
    path.write_bytes(data)
    with pytest.raises(Bomb, match="overlap"):
        open_archive(path)


def test_a_header_of_a_tar_that_is_larger_than_a_file_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("long")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 10_000_000_000
    path = tmp_path / "a.tar"
    path.write_bytes(header.tobuf() + bytes(1024))
    with pytest.raises(NotOpened):
        read_all(path)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ARCHIVE_MEMBERS", 2)
    entries = [(str(number), b"") for number in range(3)]
    for path in (write_zip(tmp_path / "a.zip", *entries), write_tar(tmp_path / "a.tar", "w:", *entries)):
        with pytest.raises(Bomb, match="more than 2 files"):
            read_all(path)


@pytest.mark.parametrize(
    "name", ["/etc/x.md", "../x.md", "a/../../x.md", "C:\\x.md", "a\\..\\..\\x.md", "d/" * 70 + "x.md"]
)
def test_names_that_lead_out_are_refused_and_named(tmp_path: Path, name: str) -> None:
    for path in (
        write_zip(tmp_path / "a.zip", (name, b"# X"), ("a.md", b"# A")),
        write_tar(tmp_path / "a.tar", "w:", (name, b"# X"), ("a.md", b"# A")),
    ):
        assert len(refusals(path)) == 1 and "a.md" not in refusals(path)


def test_links_and_devices_are_refused_and_named(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("link.md")
    entry.external_attr = 0o120777 << 16
    assert refusals(write_zip(tmp_path / "a.zip", (entry, b"/etc/passwd"))) == {"link.md": "is a link"}
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"{kind!r}.md")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)  # pyright: ignore[reportUnknownMemberType]
    assert len(refusals(tmp_path / "a.tar")) == 4


def test_an_archive_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", ("a.md", b"# A"))
    assert list(read_all(write_zip(tmp_path / "a.zip", ("inner.zip", inner.read_bytes())))) == ["inner.zip"]


def test_what_is_no_archive_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A")
    (tmp_path / "link.zip").symlink_to(write_zip(tmp_path / "a.zip", ("a.md", b"")))
    os.mkfifo(tmp_path / "pipe.zip")
    assert (
        not is_archive(tmp_path) and not is_archive(tmp_path / "a.md") and not is_archive(tmp_path / "none")
    )
    for name in ("link.zip", "pipe.zip"):
        with pytest.raises(Refused):
            is_archive(tmp_path / name)
    with pytest.raises(Damaged):
        open_archive(tmp_path / "a.md")


def test_names_in_utf8_without_the_flag_are_read_as_utf8(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", ("caf\N{LATIN SMALL LETTER E WITH ACUTE}.md", b"# A"))
    data = path.read_bytes()
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(marker) + offset
        data = data[:at] + b"\0\0" + data[at + 2 :]
    path.write_bytes(data)
    assert list(read_all(path)) == ["caf\N{LATIN SMALL LETTER E WITH ACUTE}.md"]


def test_a_stream_that_unpacks_to_too_much_ends(tmp_path: Path) -> None:
    import gzip

    packed = gzip.compress(bytes(1_000_000))
    assert len(gunzip(packed, 1_000_000)) == 1_000_000
    with pytest.raises(NotOpened, match="larger than"):
        gunzip(packed, 999_999)
    with pytest.raises(Damaged):
        gunzip(packed[:100])


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_anywhere_is_one_of_our_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("archives")
    mode = data.draw(st.sampled_from(["zip", "w:", "w:gz", "w:bz2", "w:xz"]))
    entries = [("docs/a.md", b"# A" * 500), ("docs/b.md", b"# B" * 500)]
    path = write_zip(folder / "a", *entries) if mode == "zip" else write_tar(folder / "a", mode, *entries)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    started = time.monotonic()
    try:
        with open_archive(path) as archive:
            for member in archive.members():
                try:
                    archive.read(member)
                except NotOpened:
                    continue
    except NotOpened:
        pass
    assert time.monotonic() - started < 30


def test_the_table_of_limits_is_whole() -> None:
    assert limits.MAX_FILE_BYTES < limits.MAX_EXPORT_FILE_BYTES < limits.MAX_UNPACKED_BYTES
    assert Member("a", 1) == Member("a", 1, entry=object())
