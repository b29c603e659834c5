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

from rookery_core.renamed_settings import RENAMED

ROOT = Path(__file__).parents[1]
KEYS = {"agent_class": "class"}
"""Fields whose key in rookery.toml is spelled differently."""
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
# Read by compose.yaml only (compose): the owner's password, a separate password for each service's database login (letters
# and digits, as they become part of URLs; docs/hosting.md generates them), and the bot's token, whose entry in
# ROOKERY_HTTP_TOKENS needs the scope "delegate": rookery token new --scope delegate
# POSTGRES_PASSWORD=
# ROOKERY_LOGIN_PASSWORD_SLACK=
# ROOKERY_LOGIN_PASSWORD_DOCS=
# ROOKERY_LOGIN_PASSWORD_GITHUB=
# ROOKERY_LOGIN_PASSWORD_MEMORY=
# ROOKERY_LOGIN_PASSWORD_INGEST=
# ROOKERY_LOGIN_PASSWORD_AGENT=
# ROOKERY_BOT_TOKEN=
"""
DOCUMENT = """\
# Configuration

Every setting, by the part that reads it. Each part also reads the settings under "Every part". Variables of the
environment come first; what tunes a part has no variable and is set in `rookery.toml` (`./rookery.toml`, or the file
that `ROOKERY_CONFIG` names). Any setting that is not a secret can be set there, by the name of its field; a variable
overrides it. Booleans are `true` or `false`. Settings are read once, at start; a wrong value stops the program with a
message that names the variable, or the file and the key. `make docs` writes this page and `.env.example` from the code.
"""
RENAMED_INTRODUCTION = """
## Renamed

These variables of earlier versions still work for one release, with a warning.

| variable | use instead |
|---|---|
"""
FIRST = (
    "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "DATABASE_URL", "GITHUB_TOKEN",
    "ROOKERY_HTTP_TOKENS",
)  # fmt: skip
"""What most installations set: a key of a model, Slack's two tokens, the database, GitHub, and who may call."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its variable (empty for one of rookery.toml only), its field, its type and default, its meaning."""

    name: str
    field: str
    section: str
    type: str
    default: str
    meaning: str


def settings(path: Path) -> Iterator[Setting]:
    """The settings of the classes in a file, in the order of the file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    package = next(place for place, part in enumerate(parts) if part.startswith("rookery"))
    module = importlib.import_module(".".join(parts[package:]))
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and issubclass(read := getattr(module, node.name), BaseSettings):
            yield from _of_class(node, read)


def _of_class(node: ast.ClassDef, read: type[BaseSettings]) -> Iterator[Setting]:
    following: list[ast.stmt | None] = [*node.body[1:], None]
    for statement, after in zip(node.body, following, strict=True):
        if not isinstance(statement, ast.AnnAssign) or "ClassVar" in ast.unparse(statement.annotation):
            continue
        call = statement.value
        keywords = {each.arg: each.value for each in call.keywords} if isinstance(call, ast.Call) else {}
        alias = keywords.get("validation_alias")
        if isinstance(statement.target, ast.Name):
            yield Setting(
                name=str(alias.value) if isinstance(alias, ast.Constant) else "",
                field=statement.target.id,
                section=str(getattr(read, "section", "")),
                type=_type(statement.annotation),
                default=_default(read.model_fields[statement.target.id]),
                meaning=_meaning(keywords, after),
            )


def _type(annotation: ast.expr) -> str:
    text = ast.unparse(annotation).replace(" | None", "")
    if text.startswith("Annotated[bool"):
        text = "bool"
    if choices := re.findall(r"'([^']*)'", text):
        return ", ".join(f"`{choice}`" for choice in choices)
    named = {
        "CommaSeparated": "list, comma separated",
        "SecretStr": "secret",
        "Path": "path",
        "str": "text",
        "bool": "true, false",
        "Names": "list of names",
    }
    return named.get(text, {"int": "number", "float": "number"}.get(text, text))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "see meaning"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return "" if field.default in (None, "", ()) else f"`{str(field.default).removesuffix('.0')}`"


def _meaning(keywords: dict[str | None, ast.expr], after: ast.stmt | None) -> str:
    described = keywords.get("description")
    if isinstance(described, ast.Constant):
        return " ".join(str(described.value).split())
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
        return " ".join(str(after.value.value).split())
    return ""


def groups() -> dict[str, list[Setting]]:
    """The settings of each part; one that several parts read stands under the first."""
    seen: set[str] = set()
    found: dict[str, list[Setting]] = {}
    for title, path in GROUPS.items():
        own = (
            [each for each in settings(ROOT / path) if each.name not in seen]
            if (ROOT / path).exists()
            else []
        )
        seen |= {each.name for each in own} - {""}
        if own:
            found[title] = own
    return found


def document() -> str:
    """docs/configuration.md."""
    parts = [DOCUMENT]
    for title, own in groups().items():
        parts.append(f"\n## {title}\n")
        if named := [each for each in own if each.name]:
            parts.append(f"\n| variable | takes | default | meaning |\n|---|---|---|---|\n{_rows(named)}")
        if tuning := [each for each in own if not each.name]:
            places = " or ".join(f"`[{section}]`" for section in _sections(tuning))
            parts.append(
                f"\nIn `rookery.toml`, section {places}:\n\n"
                f"| key | takes | default | meaning |\n|---|---|---|---|\n{_rows(tuning)}"
            )
    renamed = "".join(f"| `{name}` | {place.replacement} |\n" for name, place in sorted(RENAMED.items()))
    return "".join([*parts, RENAMED_INTRODUCTION, renamed])


def _sections(tuning: list[Setting]) -> tuple[str, ...]:
    """Where the keys are set; those of a class without a section are set in the sections of its subclasses."""
    return (tuning[0].section,) if tuning[0].section else ("slack", "slack-server", "ingest")


def _rows(settings: list[Setting]) -> str:
    return "".join(
        f"| `{each.name or KEYS.get(each.field, each.field)}` | {each.type} | {each.default} | {each.meaning.replace('|', '&#124;')} |\n"
        for each in settings
    )


def example() -> str:
    """.env.example."""
    every = groups()
    by_name = {each.name: each for own in every.values() for each in own}
    parts = [
        "# All variables are optional. Copy this file to .env and fill in what you need; most need only these.\n",
        "# Tuning (limits, timeouts) is set in rookery.toml: see docs/configuration.md.\n\n",
        "".join(_example(by_name[name]) for name in FIRST),
    ]
    for title, own in every.items():
        if lines := "".join(_example(each) for each in own if each.name and each.name not in FIRST):
            parts.append(f"\n# --- {title} ---\n{lines}")
    return "".join([*parts, f"\n# --- compose.yaml ---\n{COMPOSE}"])


def _example(setting: Setting) -> str:
    return f"# {setting.meaning}\n# {setting.name}=\n"


def main() -> None:
    (ROOT / "docs" / "configuration.md").write_text(document(), encoding="utf-8")
    (ROOT / ".env.example").write_text(example(), encoding="utf-8")


if __name__ == "__main__":
    main()
