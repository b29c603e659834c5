"""Guides: advice for a task, as Markdown. Ours are beside this module; a team adds its own from folders and repositories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rookery_core.errors import ConfigurationError, InvalidInput, NotFound

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*\r?\n", re.DOTALL)
_FIELD = re.compile(r"^(name|description):[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LARGEST_FILE = 500_000
"""Bytes of a further file that is shown."""


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide. folder: where its further files are, None when it is a single file."""

    name: str
    description: str
    text: str
    folder: Path | None = None

    def read(self, path: str) -> str:
        """A further file of the guide by its path within it. Raises NotFound, InvalidInput."""
        if path in ("", "SKILL.md"):
            return self.text
        if self.folder is None:
            raise NotFound(f"path: the guide {self.name!r} is a single file.", hint="Leave path out.")
        target = (self.folder / path).resolve()
        if not target.is_relative_to(self.folder.resolve()):
            raise InvalidInput("path: leads out of the guide.")
        if target.is_dir() or path == ".":
            return "\n".join(sorted(each.relative_to(self.folder).as_posix() for each in _texts(target)))
        if not target.is_file() or target.stat().st_size > LARGEST_FILE:
            raise NotFound(
                f"path: {path!r} is no file of the guide {self.name!r}.",
                candidates=[
                    each.relative_to(self.folder).as_posix() for each in list(_texts(self.folder))[:10]
                ],
            )
        return target.read_text(encoding="utf-8", errors="replace")


class Guides:
    """Every guide by name. A team's own guide takes the place of ours of the same name."""

    def __init__(self, guides: Iterable[Guide]) -> None:
        self._guides = {guide.name: guide for guide in guides}

    @classmethod
    def load(cls, folders: Iterable[Path] = ()) -> Guides:
        """Ours and those of `folders`. Raises ConfigurationError for a folder that is not there."""
        return cls([*_ours(), *(guide for folder in folders for guide in of_folder(folder))])

    def __iter__(self) -> Iterator[Guide]:
        return iter(sorted(self._guides.values(), key=lambda guide: guide.name))

    def get(self, name: str) -> Guide:
        """A guide by name. Raises NotFound with the names there are."""
        guide = self._guides.get(
            name.strip().lower().replace(" ", "-").replace("_", "-")
        ) or self._guides.get(name)
        if guide is None:
            raise NotFound(f"name: there is no guide {name!r}.", candidates=sorted(self._guides))
        return guide


def _ours() -> Iterator[Guide]:
    for entry in sorted(files("rookery_docs").joinpath("guides").iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".md"):
            yield parse(entry.read_text(encoding="utf-8"), entry.name.removesuffix(".md"))


def of_folder(folder: Path) -> Iterator[Guide]:
    """Markdown files, and folders with a SKILL.md, at the top or below `skills` or `guides`."""
    if not folder.is_dir():
        raise ConfigurationError(f"ROOKERY_DOCS_GUIDES: {folder} is no folder.")
    for root in [folder, *(below for name in ("skills", "guides") if (below := folder / name).is_dir())]:
        for entry in sorted(root.iterdir()):
            skill = entry / "SKILL.md"
            if skill.is_file():
                yield parse(skill.read_text(encoding="utf-8", errors="replace"), entry.name, entry)
            elif entry.is_file() and entry.suffix == ".md" and entry.name.lower() != "readme.md":
                yield parse(entry.read_text(encoding="utf-8", errors="replace"), entry.stem)


def parse(text: str, name: str, folder: Path | None = None) -> Guide:
    """A guide from its Markdown, whose front matter may name and describe it."""
    match = _FRONT_MATTER.match(text)
    fields = dict(_FIELD.findall(match.group(1))) if match else {}
    body = text[match.end() :] if match else text
    name = fields.get("name", name).strip("\"'").lower()
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name for a guide (letters, digits, - and _).")
    first = next((line.strip("# ").strip() for line in body.splitlines() if line.strip()), name)
    return Guide(name, fields.get("description", first).strip("\"'"), body.strip() + "\n", folder)


def _texts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path
