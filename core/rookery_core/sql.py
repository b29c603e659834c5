"""Named SQL statements, kept in `.sql` files beside the code that runs them.

A file holds any number of statements, each under its name and, if it needs one, a line on what it does:

    -- name: find_users
    -- users of a team whose name begins with a prefix
    select id, name from slack.user where team = $1 and name like $2 || '%';

Comments elsewhere in a statement stay in it, so that they show in the server's logs.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^--[ \t]*name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


class SqlFileError(ValueError):
    """A file of statements is not written as it must be."""


def parse(text: str, source: str = "<text>") -> dict[str, str]:
    """The statements of `text` by name. Raises SqlFileError for a duplicate, a bad name or an empty statement."""
    names = list(_NAME.finditer(text))
    preamble = text[: names[0].start()] if names else text
    if _without_comments(preamble):
        raise SqlFileError(f"{source}: a statement stands before the first '-- name:' line.")
    statements: dict[str, str] = {}
    for position, match in enumerate(names):
        end = names[position + 1].start() if position + 1 < len(names) else len(text)
        name = match.group(1)
        if not _IDENTIFIER.fullmatch(name):
            raise SqlFileError(f"{source}: {name!r} is not a name: use lower case, digits and underscores.")
        if name in statements:
            raise SqlFileError(f"{source}: the name {name!r} is given twice.")
        body = text[match.end() : end].strip()
        if not _without_comments(body):
            raise SqlFileError(f"{source}: the statement {name!r} is empty.")
        statements[name] = body.removesuffix(";").rstrip()
    return statements


@cache
def _load(package: str, filename: str) -> MappingProxyType[str, str]:
    resource = files(package).joinpath(filename)
    return MappingProxyType(parse(resource.read_text(encoding="utf-8"), f"{package}/{filename}"))


def load(package: str, filename: str = "queries.sql") -> dict[str, str]:
    """The statements of a file in an import package, by name. Read once per process.

    Raises FileNotFoundError when there is no such file, SqlFileError when it is not written as it must be.
    """
    return dict(_load(package, filename))


def _without_comments(body: str) -> str:
    lines = (line.strip() for line in body.splitlines())
    return "".join(line for line in lines if line and not line.startswith("--")).strip(";")
