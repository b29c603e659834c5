"""Writes docs/configuration.md and .env.example from the settings classes: `make docs`. A test compares them."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[1]
GROUPS = {
    "Every part": "core/rookery_core/settings.py",
    "Slack's API (rookery-slack, rookery-ingest slack, rookery slack)": "slackapi/rookery_slackapi/settings.py",
    "rookery-slack": "servers/slack/rookery_slack/settings.py",
    "rookery-docs": "servers/docs/rookery_docs/settings.py",
    "rookery-github": "servers/github/rookery_github/settings.py",
    "rookery-memory": "servers/memory/rookery_memory/settings.py",
    "rookery-ingest slack": "ingest/rookery_ingest/slack/settings.py",
    "rookery-ingest github": "ingest/rookery_ingest/github/settings.py",
    "rookery (agent and command line)": "orchestrator/rookery/settings.py",
    "rookery slack (the bot)": "orchestrator/rookery/slack/settings.py",
}
COMPOSE = """\
# Read by compose.yaml only (compose): the owner's password, a common part of the services' database passwords, and the
# bot's token, whose entry in ROOKERY_HTTP_TOKENS needs the scope "delegate": rookery token new --scope delegate
# POSTGRES_PASSWORD=
# ROOKERY_LOGIN_PASSWORD=
# ROOKERY_BOT_TOKEN=
"""
DOCUMENT = """\
# Configuration

Every environment variable, by the part that reads it. Each part also reads what stands under "Every part". Settings
are read once, at start; a wrong value stops the program with a message that names the variable. This page and
`.env.example` are written from the code by `make docs`.
"""


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable: what it is called, the type and default as the code has them, what it means."""

    name: str
    type: str
    default: str
    meaning: str


def variables(path: Path) -> Iterator[Variable]:
    """The variables that the settings classes in a file read, in the order of the file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    package = next(place for place, part in enumerate(parts) if part.startswith("rookery"))
    module = importlib.import_module(".".join(parts[package:]))
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and issubclass(read := getattr(module, node.name), BaseSettings):
            yield from _of_class(node, read)


def _of_class(node: ast.ClassDef, read: type[BaseSettings]) -> Iterator[Variable]:
    following: list[ast.stmt | None] = [*node.body[1:], None]
    for statement, after in zip(node.body, following, strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.value, ast.Call):
            continue
        keywords = {keyword.arg: keyword.value for keyword in statement.value.keywords}
        alias = keywords.get("validation_alias")
        if isinstance(alias, ast.Constant) and isinstance(statement.target, ast.Name):
            yield Variable(
                name=str(alias.value),
                type=_type(statement.annotation),
                default=_default(read.model_fields[statement.target.id]),
                meaning=_meaning(keywords, after),
            )


def _type(annotation: ast.expr) -> str:
    text = ast.unparse(annotation).replace(" | None", "")
    if choices := re.findall(r"'([^']*)'", text):
        return ", ".join(f"`{choice}`" for choice in choices)
    named = {
        "CommaSeparated": "list, comma separated",
        "SecretStr": "secret",
        "Path": "path",
        "str": "text",
        "bool": "true, false",
    }
    return named.get(text, {"int": "number", "float": "number"}.get(text, text))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see meaning"
    return "" if field.default in (None, "", ()) else f"`{str(field.default).removesuffix('.0')}`"


def _meaning(keywords: dict[str | None, ast.expr], after: ast.stmt | None) -> str:
    described = keywords.get("description")
    if isinstance(described, ast.Constant):
        return " ".join(str(described.value).split())
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
        return " ".join(str(after.value.value).split())
    return ""


def groups() -> dict[str, list[Variable]]:
    """The variables of each part; one that several parts read stands under the first."""
    seen: set[str] = set()
    found: dict[str, list[Variable]] = {}
    for title, path in GROUPS.items():
        own = (
            [each for each in variables(ROOT / path) if each.name not in seen]
            if (ROOT / path).exists()
            else []
        )
        seen |= {each.name for each in own}
        if own:
            found[title] = own
    return found


def document() -> str:
    """docs/configuration.md."""
    parts = [DOCUMENT]
    for title, own in groups().items():
        rows = "\n".join(
            f"| `{each.name}` | {each.type} | {each.default} | {each.meaning.replace('|', '&#124;')} |"
            for each in own
        )
        parts.append(f"\n## {title}\n\n| variable | takes | default | meaning |\n|---|---|---|---|\n{rows}\n")
    return "".join(parts)


def example() -> str:
    """.env.example."""
    parts = [
        "# Every variable that Rookery reads; all are optional. Copy to .env and fill in what you need.\n"
    ]
    for title, own in groups().items():
        lines = "".join(f"# {each.meaning}\n# {each.name}=\n" for each in own)
        parts.append(f"\n# --- {title} ---\n{lines}")
    return "".join([*parts, f"\n# --- compose.yaml ---\n{COMPOSE}"])


def main() -> None:
    (ROOT / "docs" / "configuration.md").write_text(document(), encoding="utf-8")
    (ROOT / ".env.example").write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    main()
