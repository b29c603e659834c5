"""The documentation tells what exists and nothing else: commands, tools, variables, make targets, links."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import configuration_reference
from rookery_core.renamed_settings import RENAMED

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
MEMBERS = (
    "core",
    "slackapi",
    "servers/slack",
    "servers/docs",
    "servers/github",
    "servers/memory",
    "ingest",
    "orchestrator",
)
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / member / "README.md" for member in MEMBERS)]
)
VARIABLE = re.compile(r"\bROOKERY_[A-Z][A-Z0-9_]*[A-Z0-9]\b")
OF_OTHERS = {
    "DATABASE_URL",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "GITHUB_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "SLACK_SIGNING_SECRET",
}
OF_DEPLOYMENT = {
    "ROOKERY_BOT_TOKEN",
    *(f"ROOKERY_LOGIN_PASSWORD_{part}" for part in ("SLACK", "DOCS", "GITHUB", "MEMORY", "INGEST", "AGENT")),
}
"""Read by compose.yaml only."""
OF_CLIENTS = {"ROOKERY_TOKEN", "ROOKERY_AUTHORIZATION"}
"""Written into the configuration of MCP clients, which read them."""
OF_TESTS = re.compile(r"ROOKERY_TEST_[A-Z_]+")


def sources() -> Iterator[Path]:
    for member in MEMBERS:
        yield from (ROOT / member).rglob("*.py")


def strings(path: Path) -> Iterator[str]:
    """Every string in the code that is no docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


@cache
def variables_read() -> frozenset[str]:
    """Variables that stand alone in a string: an alias of a setting, a key of the environment."""
    found = {
        value
        for path in sources()
        if path.name != "renamed_settings.py"
        for value in strings(path)
        if VARIABLE.fullmatch(value) or value in OF_OTHERS
    }
    return frozenset(name for name in found - OF_CLIENTS if not OF_TESTS.fullmatch(name))


def variables_told() -> dict[str, str]:
    return {name: page.name for page in PAGES for name in VARIABLE.findall(page.read_text(encoding="utf-8"))}


def example() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def test_every_variable_is_in_the_example() -> None:
    assert variables_read() - example() == set()


def test_the_example_has_no_variable_that_nobody_reads() -> None:
    of_the_database_image = {"POSTGRES_PASSWORD"}
    assert example() - variables_read() - OF_DEPLOYMENT - of_the_database_image == set()


def test_every_variable_is_documented() -> None:
    told = set(variables_told())
    assert {name for name in variables_read() if name.startswith("ROOKERY_")} - told == set()


def test_every_documented_variable_exists() -> None:
    renamed = {(name, "configuration.md") for name in RENAMED}
    unknown = {
        name: page
        for name, page in variables_told().items()
        if name not in variables_read() | OF_DEPLOYMENT and not OF_TESTS.fullmatch(name)
        if (name, page) not in renamed
    }
    assert unknown == {}


def test_the_configuration_page_and_the_example_are_what_the_code_says() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(
        encoding="utf-8"
    ) == configuration_reference.document()
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == configuration_reference.example()


def test_every_variable_says_what_it_means() -> None:
    silent = [
        each.field
        for group in configuration_reference.groups().values()
        for each in group
        if not each.meaning
    ]
    assert silent == []


COMMANDS = sorted(
    point.name for point in entry_points(group="console_scripts") if point.name.startswith("rookery")
)


@cache
def help_of(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN / words[0], *words[1:], "--help"], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_place_in_the_readme(command: str) -> None:
    told = help_of(command)
    assert told.returncode == 0, told.stderr
    assert "examples:" in told.stdout.lower()
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def subcommands(*words: str) -> list[str]:
    """The subcommands that `--help` lists, or none."""
    choices = re.search(r"^usage: .*?\{([a-z0-9,-]+)\}", help_of(*words).stdout, re.DOTALL)
    return choices[1].split(",") if choices and "..." in help_of(*words).stdout else []


def documented_invocations() -> set[tuple[str, ...]]:
    """`rookery db migrate`, `rookery-ingest slack import` …, as the pages write them in code."""
    found: set[tuple[str, ...]] = set()
    for page in PAGES:
        for code in re.findall(
            r"```(?:console|bash|sh)?\n(.*?)```|`([^`\n]+)`", page.read_text(encoding="utf-8"), re.DOTALL
        ):
            for line in "".join(code).splitlines():
                words = line.removeprefix("$ ").strip().split()
                if words and words[0] in COMMANDS:
                    found.add(tuple(_plain(words)))
    return found


def _plain(words: list[str]) -> Iterator[str]:
    for word in words:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", word):
            return
        yield word


def test_every_documented_subcommand_exists() -> None:
    tree = {command: subcommands(command) for command in COMMANDS}
    unknown = [
        " ".join(words)
        for words in documented_invocations()
        if len(words) > 1 and tree[words[0]] and words[1] not in tree[words[0]]
    ]
    assert unknown == []


def test_every_subcommand_is_documented() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = [
        f"{command} {subcommand}"
        for command in COMMANDS
        for subcommand in subcommands(command)
        if f"{command} {subcommand}" not in text
    ]
    assert missing == []


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    benches = re.search(r"^BENCHES := (.*)$", makefile, re.MULTILINE)
    assert benches is not None
    targets |= {f"bench-{name}" for name in benches[1].split()}
    named = {
        target
        for page in PAGES
        for target in re.findall(
            r"(?:`|^)make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def named_tests(page: Path) -> Iterator[tuple[str, str]]:
    """Files and functions of tests that a page names, as `orchestrator/test_agent.py::test_x`; `::test_y` is of the same file."""
    for line in page.read_text(encoding="utf-8").splitlines():
        file = ""
        for named, function in re.findall(r"`(?:tests/)?([\w/]*test_\w+\.py)?(?:::(test_\w+))?`", line):
            file = named or file
            if file:
                yield file, function


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    for file, function in named_tests(page):
        path = ROOT / "tests" / file
        assert path.exists(), f"{page.name} names {file}"
        found = not function or re.search(rf"def {function}\(", path.read_text(encoding="utf-8"))
        assert found, f"{page.name} names {file}::{function}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_configuration_that_a_page_shows_can_be_read(page: Path) -> None:
    blocks = re.findall(
        r"^```(json|toml)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for language, block in blocks:
        (json if language == "json" else tomllib).loads(block)
