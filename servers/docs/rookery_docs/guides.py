"""Guides: advice for a task, as Markdown. Ours are beside this module; a team adds its own from folders and repositories."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rookery_core.errors import ConfigurationError, InvalidInput, NotFound
from rookery_core.foreign.files import ForeignFolder, NotOpened
from rookery_core.foreign.limits import MAX_FILE_BYTES, MAX_GUIDE_FILE_BYTES
from rookery_core.telemetry import get_logger

_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*\r?\n", re.DOTALL)
_FIELD = re.compile(r"^(name|description):[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
logger = get_logger(__name__)


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
        if target.is_dir():
            prefix = target.relative_to(self.folder.resolve()).as_posix()
            return "\n".join(
                name for name in _files(self.folder) if prefix == "." or name.startswith(prefix + "/")
            )
        try:
            return _text(ForeignFolder(self.folder), path, MAX_GUIDE_FILE_BYTES)
        except NotOpened:
            raise NotFound(
                f"path: {path!r} is no file of the guide {self.name!r}.", candidates=_files(self.folder)[:10]
            ) from None


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
    """Markdown files, and folders with a SKILL.md, at the top or below `skills` or `guides`.

    Raises ConfigurationError when the folder does not exist.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"ROOKERY_DOCS_GUIDES: {folder} is no folder.")
    files = ForeignFolder(folder)
    for prefix in ("", "skills/", "guides/"):
        place = files.root / prefix
        for entry in sorted(place.iterdir()) if place.is_dir() and not place.is_symlink() else []:
            name = prefix + entry.name
            try:
                if (entry / "SKILL.md").is_file():
                    yield parse(_text(files, f"{name}/SKILL.md"), entry.name, entry.resolve())
                elif entry.suffix == ".md" and entry.name.lower() != "readme.md" and not entry.is_dir():
                    yield parse(_text(files, name), entry.stem)
            except NotOpened as error:
                logger.warning("guide %s of %s left out: %s", name, folder, error.message)


def parse(text: str, name: str, folder: Path | None = None) -> Guide:
    """A guide from its Markdown, whose front matter may name it. Raises ConfigurationError for an invalid name."""
    match = _FRONT_MATTER.match(text)
    fields = dict(_FIELD.findall(match.group(1))) if match else {}
    body = text[match.end() :] if match else text
    name = fields.get("name", name).strip("\"'").lower()
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name for a guide (letters, digits, - and _).")
    first = next((line.strip("# ").strip() for line in body.splitlines() if line.strip()), name)
    return Guide(name, fields.get("description", first).strip("\"'"), body.strip() + "\n", folder)


def _text(files: ForeignFolder, name: str, max_bytes: int = MAX_FILE_BYTES) -> str:
    return files.read(name, max_bytes).decode("utf-8", "replace")


def _files(folder: Path) -> list[str]:
    """The names of the files of a guide, without hidden ones and what is no regular file."""
    entries = ForeignFolder(folder).entries(lambda name: name.startswith("."))
    return sorted(
        entry.name
        for entry in entries
        if entry.refusal is None and not entry.name.rsplit("/", 1)[-1].startswith(".")
    )
