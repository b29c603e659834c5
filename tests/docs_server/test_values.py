"""Versions, links, cursors, guides: the small parts."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery_core.errors import ConfigurationError, InvalidInput, NotFound
from rookery_docs.anchors import is_generated
from rookery_docs.guides import Guides, of_folder
from rookery_docs.links import spellings, split_anchor, url_of
from rookery_docs.store.writer import sort_key


def test_versions_in_order() -> None:
    given_order = ["devel", "main", "9.6", "14", "15beta1", "15", "15.2", "15.10", "18rc1", "18", "latest"]
    assert sorted(given_order, key=sort_key) == given_order


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_version_has_a_place(version: str) -> None:
    assert all(isinstance(part, int) and 0 <= part < 2**63 for part in sort_key(version))


anchors = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    lambda a: a == a.strip()
)


@settings(deadline=None)
@given(anchors)
def test_an_anchor_survives_its_url(anchor: str) -> None:
    url = url_of("https://x.example/a.html#old", anchor)
    assert urldefrag(url).url == "https://x.example/a.html"
    assert split_anchor(url) == ("https://x.example/a.html", anchor)


def test_spellings_of_a_url() -> None:
    assert "https://x/a.html" in spellings("http://x/a")
    assert "https://x/docs/index.html" in spellings("https://x/docs/")


def test_generated_anchors() -> None:
    assert is_generated("id-1.6.3") and is_generated("idm45") and not is_generated("GUC-WORK-MEM")
    assert not is_generated("identity-columns")


def test_our_guides_are_complete() -> None:
    guides = list(Guides.load())
    assert len(guides) >= 8
    for guide in guides:
        assert guide.description and guide.text.startswith("# ")
        for other in [line.split("`")[1] for line in guide.text.splitlines() if "guide `" in line]:
            assert other


def test_guides_name_only_guides_that_exist() -> None:
    import re

    guides = Guides.load()
    for guide in guides:
        for name in re.findall(r"guide\s+`([\w-]+)`", guide.text):
            assert guides.get(name)


def test_a_team_adds_guides_and_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "indexing.md").write_text("# Our way\n\nAsk Ada.\n")
    skill = tmp_path / "skills" / "deploy"
    (skill / "references").mkdir(parents=True)
    (skill / "SKILL.md").write_text("---\nname: deploy\ndescription: How we deploy\n---\n# Deploy\n")
    (skill / "references" / "steps.md").write_text("one, two")
    guides = Guides.load([tmp_path])
    assert "Ask Ada" in guides.get("indexing").text
    assert guides.get("deploy").description == "How we deploy"
    assert guides.get("deploy").read("references/steps.md") == "one, two"
    assert guides.get("deploy").read(".") == "SKILL.md\nreferences/steps.md"
    with pytest.raises(InvalidInput, match="leads out"):
        guides.get("deploy").read("../../indexing.md")
    with pytest.raises(NotFound):
        guides.get("deploy").read("missing.md")
    with pytest.raises(NotFound):
        guides.get("nothing")
    with pytest.raises(ConfigurationError):
        Guides.load([tmp_path / "missing"])


def test_links_out_of_a_folder_of_guides_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("# Secret\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "SKILL.md").write_text("# Secret\n")
    root = tmp_path / "guides"
    (root / "deploy").mkdir(parents=True)
    (root / "deploy" / "SKILL.md").write_text("# Deploy\n")
    (root / "deploy" / "x.md").symlink_to("/etc/passwd")
    (root / "x.md").symlink_to("../secret.md")
    (root / "skills").symlink_to("../secrets")
    (root / "linked").symlink_to("../secrets")
    os.mkfifo(root / "pipe.md")
    guides = list(of_folder(root))
    assert [guide.name for guide in guides] == ["deploy"]
    assert guides[0].read(".") == "SKILL.md"
    with pytest.raises(InvalidInput, match="leads out"):
        guides[0].read("x.md")
