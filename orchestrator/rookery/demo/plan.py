"""What the demo does: on the sample workspace, or on somebody's own data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rookery_core.errors import NotFound

SAMPLE_FACT = (
    "Lena is release captain in November 2026; Priya stands in for her on the 11th and 12th. "
    "The captain decides whether a release goes out, not the person on call."
)
SAMPLE_QUESTIONS = (
    "What fixed the connection pool exhaustion?",
    "How long do we keep raw gauge readings, and why not exactly a year?",
    "Who is release captain in November?",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """slack: an export, as a folder or a zip. docs: a folder. fact: what is remembered before the questions."""

    folder: Path
    slack: Path | None
    docs: Path | None
    fact: str | None
    questions: tuple[str, ...]
    sample: bool


def sample_data() -> Path:
    """The folder of the packaged sample."""
    return Path(str(files("rookery") / "demo_data"))


def make_plan(
    data_dir: Path | None, slack: Path | None, docs: Path | None, questions: tuple[str, ...]
) -> Plan:
    """What to do with these options. Raises NotFound for a path that is not there."""
    for option, path in (("--slack-export", slack), ("--docs", docs)):
        if path is not None and not path.exists():
            raise NotFound(f"{option}: {path} does not exist.")
    base = (data_dir or Path(".rookery") / "demo").expanduser().absolute()
    if slack is None and docs is None:
        sample = sample_data()
        return Plan(base, sample / "slack", sample / "docs", SAMPLE_FACT, questions or SAMPLE_QUESTIONS, True)
    slack, docs = slack and slack.resolve(), docs and docs.resolve()
    # Own data gets a database of its own: answers must not mix with the sample, nor with other data.
    name = hashlib.sha256(f"{slack}\n{docs}".encode()).hexdigest()[:10]
    return Plan(base.with_name(f"{base.name}-{name}"), slack, docs, None, questions, False)
