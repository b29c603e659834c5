"""What every benchmark hands over: results as JSON for machines and as a table for people.

`bench/results/<name>.json` is a list of objects {id, value, unit, better, target, met, peer, peer_name, ratio,
samples, command, note}. `ratio` says how many times better than the peer we are, in the direction that is better.

A target is a ratio to something measured in the same run, or a count. Times, rates and memory depend on the machine, so
they are printed without a target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

RESULTS = Path(__file__).parent / "results"
OF_THE_MACHINE = re.compile(r"(s|ms|us|s cpu|us cpu/job|[KMG]i?B|[a-z]+/s)\b")
"""Units of figures that differ between machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured figure.

    id: dotted name, such as `queue.drain`. value: in `unit`. target: the figure to reach; with better="lower" it
    is the maximum; refused for a unit that depends on the machine. peer: the same figure of `peer_name`, measured in the same run. samples: the single
    rounds that `value` summarises (the median unless the note says otherwise). command: what repeats it.
    """

    id: str
    value: float
    unit: str
    command: str
    better: Literal["higher", "lower"] = "higher"
    target: float | None = None
    peer: float | None = None
    peer_name: str | None = None
    samples: Sequence[float] = field(default=())
    note: str | None = None

    def __post_init__(self) -> None:
        if self.target is not None and OF_THE_MACHINE.fullmatch(self.unit):
            raise ValueError(
                f"{self.id}: a target in {self.unit} depends on the machine; compare with a peer instead."
            )

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None when there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; None without one."""
        if self.peer is None or not self.peer or not self.value:
            return None
        return self.value / self.peer if self.better == "higher" else self.peer / self.value

    def as_json(self) -> dict[str, Any]:
        """The object written to the results file."""
        return {
            "id": self.id,
            "value": _rounded(self.value),
            "unit": self.unit,
            "better": self.better,
            "target": self.target,
            "met": self.met,
            "peer": _rounded(self.peer),
            "peer_name": self.peer_name,
            "ratio": _rounded(self.ratio),
            "samples": [_rounded(sample) for sample in self.samples],
            "command": self.command,
            "note": self.note,
        }


def write(name: str, results: Sequence[Result], folder: Path = RESULTS) -> Path:
    """Write `<folder>/<name>.json` and return its path. Raises ValueError when two results share an id."""
    ids = [result.id for result in results]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"two results share an id: {', '.join(repeated)}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps([result.as_json() for result in results], indent=1, ensure_ascii=False) + "\n")
    return path


def show(results: Sequence[Result], title: str) -> None:
    """Print the results as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for heading in ("figure", "value", "unit", "target", "met", "peer", "ratio", "note"):
        table.add_column(heading, justify="right" if heading in ("value", "target", "ratio") else "left")
    for result in results:
        table.add_row(*_cells(result))
    Console(width=None if Console().is_terminal else 170).print(table)


def _cells(result: Result) -> list[str]:
    sign = "≥" if result.better == "higher" else "≤"
    peer = "" if result.peer is None else f"{_plain(result.peer)} {result.peer_name or ''}".strip()
    return [
        result.id,
        _plain(result.value),
        result.unit,
        "" if result.target is None else f"{sign} {_plain(result.target)}",
        {True: "yes", False: "NO", None: ""}[result.met],
        peer,
        "" if result.ratio is None else f"{result.ratio:.2f}x",
        result.note or "",
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
