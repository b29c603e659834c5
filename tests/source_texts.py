"""The texts and names of the product, for the tests that judge them, and the list of files still to clean.

python tests/source_texts.py              every finding, as file:line: rule: text
python tests/source_texts.py core/        those below a path
python tests/source_texts.py --write      shorten tests/still_to_clean.toml to the files that still have findings
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PRODUCT = ("core/", "slackapi/", "servers/", "ingest/", "orchestrator/")
PROGRAMS = (*PRODUCT, "bench/", "examples/")
PAGES = ("*.md", "*.toml", "*.yaml", ".env.example", "Makefile", "*.sql")
STILL_TO_CLEAN = ROOT / "tests" / "still_to_clean.toml"
OTHERS_WORDS = re.compile(
    r"/demo_data/"  # what people in the sample workspace say
    r"|/migrations/"  # applied migrations are never edited
    r"|^docs/glossary\.md$"  # lists the old names
    r"|^tests/"
)
WORD_LIST = re.compile(r"[\w\s'’+#-]{80,}")
"""A string of words without punctuation: stop words and the like, not prose."""


class Text(NamedTuple):
    line: int
    text: str


class Finding(NamedTuple):
    file: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"


@cache
def tracked(*patterns: str) -> tuple[str, ...]:
    listing = [
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
        "--",
        *patterns,
    ]
    files = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return tuple(sorted(file for file in files if file and (ROOT / file).is_file()))


@cache
def read(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@cache
def syntax_tree(file: str) -> ast.Module:
    return ast.parse(read(file))


def program_files() -> list[str]:
    return [file for file in tracked("*.py") if file.startswith(PROGRAMS)]


def product_files() -> list[str]:
    return [file for file in program_files() if file.startswith(PRODUCT)]


def prose_files() -> list[str]:
    pages = [file for file in tracked(*PAGES) if not OTHERS_WORDS.search(file)]
    return sorted([*program_files(), *pages])


def prose(file: str) -> Iterator[Text]:
    """Docstrings and strings with a blank in a program, comments in SQL, every line of a page."""
    if file.endswith(".py"):
        yield from strings(file)
    elif file.endswith(".sql"):
        comments = (Text(number, line.partition("--")[2]) for number, line in _lines(file) if "--" in line)
        yield from _joined(comments)
    else:
        yield from paragraphs(file)


def strings(file: str) -> Iterator[Text]:
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip()
            if " " in text and not WORD_LIST.fullmatch(text):
                yield Text(node.lineno, node.value)


def paragraphs(file: str) -> Iterator[Text]:
    """Paragraphs, so that a phrase is found across the end of a line."""
    yield from _joined(Text(number, line) for number, line in _lines(file))


def _joined(lines: Iterator[Text]) -> Iterator[Text]:
    start, collected = 0, list[str]()
    for number, line in lines:
        if not line.strip():
            if collected:
                yield Text(start, "\n".join(collected))
            collected = []
            continue
        if not collected:
            start = number
        collected.append(line.strip().lstrip("#>*- "))
    if collected:
        yield Text(start, "\n".join(collected))


def _lines(file: str) -> Iterator[tuple[int, str]]:
    yield from enumerate(read(file).splitlines(), start=1)


@cache
def allowed(rule: str) -> frozenset[str]:
    """Files that may still break a rule."""
    return frozenset(tomllib.loads(STILL_TO_CLEAN.read_text(encoding="utf-8")).get(rule, []))


def unexpected(rule: str, findings: list[Finding]) -> list[str]:
    """Findings in files that must be clean, and files on the list that are clean and must leave it."""
    listed = allowed(rule)
    broken = [str(finding) for finding in findings if finding.file not in listed]
    cleaned = sorted(listed - {finding.file for finding in findings})
    return broken + [
        f"{file}: clean or removed; take it off {STILL_TO_CLEAN.name} [{rule}]" for file in cleaned
    ]


def write_still_to_clean(findings: dict[str, list[Finding]]) -> None:
    lines = [
        "# Files that may still break a rule of style. An entry that is clean must be removed: the tests say so."
    ]
    for rule, broken in findings.items():
        files = sorted({finding.file for finding in broken})
        lines += ["", f"{rule} = [", *(f'    "{file}",' for file in files), "]"]
    STILL_TO_CLEAN.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    from style_rules import RULES

    findings = {rule: list(check()) for rule, check in RULES.items()}
    if arguments == ["--write"]:
        write_still_to_clean(findings)
        return
    for rule, broken in findings.items():
        shown = [finding for finding in broken if finding.file.startswith(tuple(arguments) or "")]
        print(*shown, f"{rule}: {len(shown)} in {len({finding.file for finding in shown})} files", sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
