"""Put servers into a client's file and leave everything else in it as it is: comments, order, other servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from rookery.setup.clients import Client, Entry
from rookery_core import jsonc
from rookery_core.errors import ConfigurationError

Lists = Mapping[str, list[Entry]]


def rendered(client: Client, servers: Mapping[str, Entry], lists: Lists) -> str:
    """A whole file with nothing but these servers."""
    return merged(client, "", servers, lists)


def merged(client: Client, text: str, servers: Mapping[str, Entry], lists: Lists, *, name: str = "") -> str:
    """The text of the client's file with these servers added or replaced.

    Raises ConfigurationError when the text cannot be read or has something else where the servers belong.
    """
    merge = {"json": _merge_json, "toml": _merge_toml, "yaml": _merge_yaml}[client.form]
    try:
        return merge(client.key, text, servers, lists)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"{name or client.place} could not be read as {client.form.upper()}: {' '.join(str(error).split())}",
            hint="Correct the file, or add by hand what --print prints.",
        ) from error


def _merge_json(key: str, text: str, servers: Mapping[str, Entry], lists: Lists) -> str:
    body = text if text.strip("\ufeff \t\r\n") else "{}\n"
    if not isinstance(jsonc.loads(body.removeprefix("\ufeff")), dict):
        raise TypeError("it is not an object")
    for member, objects in lists.items():
        held = cast("list[Entry]", jsonc.loads(body.removeprefix("\ufeff")).get(member) or [])
        ids = {item["id"] for item in objects}
        body = jsonc.put(body, (member,), [*(item for item in held if item.get("id") not in ids), *objects])
    for name, entry in servers.items():
        body = jsonc.put(body, (key, name), entry)
    return body


def _merge_toml(key: str, text: str, servers: Mapping[str, Entry], _lists: Lists) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error
    if key not in document:
        document[key] = tomlkit.table(is_super_table=True)
    table = cast("dict[str, Any]", document[key])
    for name, entry in servers.items():
        table[name] = entry
    return tomlkit.dumps(document)


def _merge_yaml(key: str, text: str, servers: Mapping[str, Entry], _lists: Lists) -> str:
    import io

    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml: Any = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    try:
        document = cast("dict[str, Any] | None", yaml.load(text))
    except YAMLError as error:
        raise ValueError(str(error)) from error
    if document is None:
        document = {}
    if document.get(key) is None:
        document[key] = {}
    document[key].update(json.loads(json.dumps(dict(servers))))
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()
