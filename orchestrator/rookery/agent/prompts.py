"""Prompts are Jinja2 templates: those of the package, and those of a folder that is configured.

They are `system*.md`, `user*.md`, `subagent*.md`, `extract*.md` and `replace*.md`.

A file with a packaged name (`system.md`) replaces it; another (`system_house_rules.md`) is added to it. All that match
are rendered and joined, the shortest name first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
)

from rookery_core.errors import ConfigurationError


class Prompts:
    """The templates, read once. `folders` come before the packaged ones, the first folder first."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise ConfigurationError(
                    f"The folder of prompts {str(folder)!r} does not exist.",
                    hint="ROOKERY_PROMPTS_DIR names it.",
                )
        own: list[BaseLoader] = [FileSystemLoader(folder) for folder in folders]
        self._environment = Environment(
            loader=ChoiceLoader([*own, PackageLoader("rookery", "prompts")]),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 the output is a prompt, not HTML; foreign text is fenced
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def system(self, values: Mapping[str, Any]) -> str:
        """The system prompt. Raises ConfigurationError that names the template and the cause."""
        return self._render("system*.md", values)

    def user(self, values: Mapping[str, Any]) -> str:
        """The first message: context and question."""
        return self._render("user*.md", values)

    def extraction(self, values: Mapping[str, Any]) -> str:
        """The prompt of the model that draws facts from a conversation."""
        return self._render("extract*.md", values)

    def part(self, task: str) -> str:
        """The first message of a run that works on a part of a question."""
        return self._render("subagent*.md", {"task": task})

    def replacement(self, values: Mapping[str, Any]) -> str:
        """The prompt of the model that judges which known facts new ones make untrue."""
        return self._render("replace*.md", values)

    def names(self, pattern: str) -> list[str]:
        """The templates that match, in the order in which they are joined."""
        found = [name for name in self._environment.list_templates() if fnmatchcase(name, pattern)]
        return sorted(found, key=lambda name: (len(name), name))

    def _render(self, pattern: str, values: Mapping[str, Any]) -> str:
        parts: list[str] = []
        for name in self.names(pattern):
            try:
                parts.append(self._environment.get_template(name).render(values).strip())
            except TemplateError as error:
                raise ConfigurationError(f"The prompt {name} cannot be rendered: {error}.") from None
        return "\n\n".join(part for part in parts if part)
