"""Every way in which people write what they mean."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery_core.errors import InvalidInput
from rookery_github import permalinks
from rookery_github.references import Reference, is_full_sha, is_sha, parse, repository

SHA = "b81e9dec23a553a2ee13f7906cd2f9aa0a3b9952"
owners = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,15}[A-Za-z0-9])?", fullmatch=True)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9._-]{0,15}", fullmatch=True).filter(
    lambda name: not name.endswith(".git") and name not in (".", "..")
)
numbers = st.integers(1, 10**9)
reserved = frozenset(
    [
        "orgs",
        "api",
        "about",
        "apps",
        "explore",
        "features",
        "issues",
        "login",
        "new",
        "pulls",
        "search",
        "settings",
        "topics",
    ]
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme/widgets", Reference(owner="acme", repo="widgets")),
        ("acme/widgets#12", Reference(owner="acme", repo="widgets", kind="issue", number=12)),
        ("acme/widgets@fix/x", Reference(owner="acme", repo="widgets", kind="commit", ref="fix/x")),
        ("ghe.acme.org/acme/widgets#3", Reference(host="ghe.acme.org", owner="acme", repo="widgets", kind="issue", number=3)),
        ("https://github.com/acme/widgets", Reference(host="github.com", owner="acme", repo="widgets")),
        ("github.com/acme/widgets/pulls", Reference(host="github.com", owner="acme", repo="widgets")),
        ("git@github.com:acme/widgets.git", Reference(host="github.com", owner="acme", repo="widgets")),
        ("https://github.com/acme/widgets.git", Reference(host="github.com", owner="acme", repo="widgets")),
        ("<https://github.com/acme/widgets/issues/7>.", Reference(host="github.com", owner="acme", repo="widgets", kind="issue", number=7)),
        (
            "https://github.com/acme/widgets/issues/7?q=1#issuecomment-99",
            Reference(host="github.com", owner="acme", repo="widgets", kind="issue", number=7, comment=("issue_comment", 99)),
        ),
        (
            "https://github.com/acme/widgets/pull/7/files#r5",
            Reference(host="github.com", owner="acme", repo="widgets", kind="pull", number=7, comment=("review_comment", 5)),
        ),
        (
            "https://github.com/acme/widgets/pull/7#pullrequestreview-5",
            Reference(host="github.com", owner="acme", repo="widgets", kind="pull", number=7, comment=("review", 5)),
        ),
        (
            f"https://github.com/acme/widgets/blob/{SHA}/src/a%20b.py?plain=1#L3-L9",
            Reference(host="github.com", owner="acme", repo="widgets", kind="file", ref=SHA, path="src/a b.py", lines=(3, 9)),
        ),
        (
            "https://raw.githubusercontent.com/acme/widgets/refs/heads/main/a.py",
            Reference(host="github.com", owner="acme", repo="widgets", kind="file", ref="main", path="a.py"),
        ),
        ("https://api.github.com/repos/acme/widgets/pulls/7", Reference(host="github.com", owner="acme", repo="widgets", kind="pull", number=7)),
        (
            "https://ghe.acme.org/api/v3/repos/acme/widgets/issues/7",
            Reference(host="ghe.acme.org", owner="acme", repo="widgets", kind="issue", number=7),
        ),
        (f"https://github.com/acme/widgets/commit/{SHA}", Reference(host="github.com", owner="acme", repo="widgets", kind="commit", ref=SHA)),
        (
            "https://github.com/acme/widgets/releases/tag/v1/rc",
            Reference(host="github.com", owner="acme", repo="widgets", kind="release", ref="v1/rc"),
        ),
        (
            "https://github.com/acme/widgets/actions/runs/9/job/4",
            Reference(host="github.com", owner="acme", repo="widgets", kind="job", run=9, job=4),
        ),
        ("https://github.com/orgs/acme/people", Reference(host="github.com", owner="acme", kind="account")),
    ],
)  # fmt: skip
def test_what_people_write_is_understood(text: str, expected: Reference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["#12", "12", "GH-12"])
def test_a_bare_number_belongs_to_the_default_repository(text: str) -> None:
    assert parse(text, default_repo="acme/widgets") == Reference(
        owner="acme", repo="widgets", kind="issue", number=12
    )
    with pytest.raises(InvalidInput, match="no default is set"):
        parse(text)


def test_a_bare_name_belongs_to_the_default_owner() -> None:
    assert repository("widgets", default_owner="acme").full_name == "acme/widgets"


@pytest.mark.parametrize(
    "text",
    ["", "acme", "acme/..", "a b/c", "https://github.com/", "https://github.com/settings/tokens", "https://github.com/acme/widgets/../x/..",
     "https://github.com/acme/%00", "https://[", "acme/widgets#x", "/acme/widgets", "-acme/widgets", "acme//widgets"],
)  # fmt: skip
def test_what_names_nothing_is_refused_with_the_forms_that_do(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)


@given(st.text(max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        found = parse(text, default_repo="acme/widgets")
    except InvalidInput:
        return
    assert "/" not in found.owner
    assert ".." not in found.repo.split("/")


@given(owners, names, numbers, st.booleans())
def test_links_of_items_are_read_back(owner: str, name: str, number: int, pull: bool) -> None:
    if owner.lower() in reserved:
        return
    link = permalinks.issue("https://github.com", f"{owner}/{name}", number, pull=pull)
    found = parse(link)
    assert (found.full_name, found.number, found.kind) == (
        f"{owner}/{name}",
        number,
        "pull" if pull else "issue",
    )
    assert parse(f"{owner}/{name}#{number}").number == number


paths = st.lists(
    st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
)


@given(paths, st.integers(1, 10**6), st.integers(0, 500))
def test_links_of_lines_are_read_back(parts: list[str], first: int, more: int) -> None:
    if any(part in (".", "..") for part in parts):
        return
    path = "/".join(parts)
    link = permalinks.blob("https://github.com", "acme/widgets", SHA, path, (first, first + more))
    found = parse(link)
    # A link in prose may end in a full stop; quoted paths never end a link that has lines.
    assert (found.path, found.lines, found.ref) == (path, (first, first + more), SHA)
    assert quote(path) in link


def test_only_whole_shas_are_for_ever() -> None:
    assert is_full_sha(SHA)
    assert is_sha(SHA[:7])
    assert not is_full_sha(SHA[:12])
    assert not is_sha("main")
