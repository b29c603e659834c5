"""Indexes kept as files: the same ranking from the file, one copy for all servers, and no harm from a bad file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.settings import CoreSettings
from rookery_docs.search.fields import FIELDS
from rookery_docs.search.index_files import IndexFiles, IndexName
from rookery_docs.search.postings import pack, term_hash
from rookery_docs.search.release_index import PassageRow, PassageText, ReleaseIndex
from rookery_docs.search.titles import TitleRequest

Connect = Callable[[], Any]
NAME = IndexName(("team", "manual", "1"), "model", "edition")
NEAR = np.array([1, 0, 2, 0], np.float32)
WORDS = ("vacuum", "index", "lock", "werden", "=work_mem")

passages = st.lists(
    st.tuples(st.integers(1, 5), st.lists(st.sampled_from(WORDS), max_size=6), st.booleans()), max_size=12
)


def index_of(listed: list[tuple[int, list[str], bool]]) -> ReleaseIndex:
    rows = [
        PassageRow(
            page,
            f"{page}.html",
            number,
            "page",
            pack({name: words if name in ("title", "body") else [] for name in FIELDS}),
            np.full(4, number, dtype=np.float32) if has_vector else None,
            f"https://x/{page}.html",
            f"Page {page}",
            ["Page", "Größe"],
            f"a{number}" if has_vector else None,
            " ".join(words),
        )
        for number, (page, words, has_vector) in enumerate(sorted(listed, key=lambda each: each[0]))
    ]
    return ReleaseIndex.build(rows, 4)


def test_a_title_is_like_a_query_that_says_the_same_by_another_name() -> None:
    titles = index_of([(1, ["vacuum", "lock"], False), (2, ["index", "lock"], False)]).titles
    vacuum, index, lock, other = ([(term_hash(word), 1.0)] for word in ("vacuum", "index", "lock", "other"))
    plain = titles.likeness(TitleRequest(lock, [[vacuum]]))
    named = titles.likeness(TitleRequest(lock, [[other, [(vacuum[0][0], 0.7)]]]))
    assert plain[0] == pytest.approx(1) and plain[1] < plain[0]
    unnamed = titles.likeness(TitleRequest(lock, [[other]]))
    assert unnamed[0] < named[0] < plain[0]
    assert named[1] == unnamed[1]
    assert titles.likeness(TitleRequest([*lock, *index], []))[1] == pytest.approx(1)


@given(listed=passages)
def test_an_index_from_its_file_ranks_as_the_one_it_was_made_of(
    tmp_path_factory: pytest.TempPathFactory, listed: list[tuple[int, list[str], bool]]
) -> None:
    made = index_of(listed)
    files = IndexFiles(tmp_path_factory.mktemp("index"))
    saved = files.save(NAME, made)
    read = files.load(NAME)
    asked = [(term_hash(word), 1.0) for word in WORDS]
    of_titles = TitleRequest(asked[1:], [[asked[:1], asked[1:2]]])
    assert read is not None
    assert saved is not made
    assert list(read.listed) == list(made.listed)
    assert [read.texts[number] for number in range(len(listed))] == [
        PassageText(("Page", "Größe"), f"a{number}" if has_vector else None, " ".join(words))
        for number, (_, words, has_vector) in enumerate(sorted(listed, key=lambda each: each[0]))
    ]
    for one, other in (
        (read.passages.scores(asked), made.passages.scores(asked)),
        (read.pages.scores(asked), made.pages.scores(asked)),
        (read.titles.likeness(of_titles), made.titles.likeness(of_titles)),
        (read.vectors, made.vectors),
        (read.content_ids, made.content_ids),
    ):
        assert np.array_equal(one, other)
    near, again = made.nearness(NEAR), read.nearness(NEAR)
    assert near is not None and again is not None
    assert np.array_equal(near, again)


@pytest.mark.parametrize("harm", [b"", b"nonsense", b"rookery index\n{}\n", None])
def test_a_file_that_is_no_index_is_as_good_as_none(tmp_path: Path, harm: bytes | None) -> None:
    files = IndexFiles(tmp_path)
    files.save(NAME, index_of([(1, ["vacuum"], True)]))
    file = tmp_path / NAME.file
    file.write_bytes(file.read_bytes()[:-1] if harm is None else harm)
    assert files.load(NAME) is None


def test_where_no_file_can_be_written_the_index_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    made = index_of([(1, ["vacuum"], True)])
    assert IndexFiles(tmp_path / "file" / "folder").save(NAME, made) is made


def test_an_edition_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    files = IndexFiles(tmp_path)
    old = files.save(NAME, index_of([(1, ["vacuum"], True)]))
    newer = IndexName(NAME.release, NAME.model, "next")
    files.save(newer, index_of([(1, ["lock"], True)]))
    assert [file.name for file in tmp_path.glob("*.index")] == [newer.file]
    assert old.passages.frequency(term_hash("vacuum")) == 1  # who has mapped it keeps it


async def test_an_index_is_made_by_one_at_a_time(tmp_path: Path) -> None:
    first, second = IndexFiles(tmp_path), IndexFiles(tmp_path)
    entered = asyncio.Event()

    async def wait_and_load() -> ReleaseIndex | None:
        async with second.making(NAME):
            entered.set()
            return second.load(NAME)

    async with first.making(NAME):
        waiting = asyncio.create_task(wait_and_load())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(entered.wait(), 0.2)
        first.save(NAME, index_of([(1, ["vacuum"], True)]))
    assert await waiting is not None


@pytest.mark.usefixtures("manual")
async def test_the_next_server_starts_with_the_files_of_the_one_before(
    connect: Connect, settings: CoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as client:
        before = await client.call_tool("search_docs", {"query": "work_mem", "version": "all"})
    assert len(list((settings.data_dir / "docs-index").glob("*.index"))) == 2
    monkeypatch.setattr(ReleaseIndex, "build", None)
    async with connect() as client:
        after = await client.call_tool("search_docs", {"query": "work_mem", "version": "all"})
    assert after.structured_content == before.structured_content


def test_what_all_texts_have_in_common_brings_none_nearer() -> None:
    rng = np.random.default_rng(7)
    common = np.array([3, 0, 0, 0], np.float32)
    vectors = [common + rng.normal(size=4).astype(np.float32) for _ in range(1000)]
    packed = pack({name: [] for name in FIELDS})
    rows = [
        PassageRow(n, f"{n}", n, "page", packed, vector, "", "", (), None, "")
        for n, vector in enumerate([*vectors, None])
    ]
    index = ReleaseIndex.build(rows, 4)
    near = index.nearness(common + np.array([0, 1, 0, 0], np.float32))
    assert near is not None
    assert abs(float(near[:1000].mean())) < 0.2  # from zero nearly all would be near 1
    assert near[1000] == 0.0
    assert index.nearness(np.ones(5, np.float32)) is None
