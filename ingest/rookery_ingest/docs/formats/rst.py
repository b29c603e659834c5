"""Reads reStructuredText with docutils. Roles and directives of Sphinx that docutils does not know keep their words."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

from rookery_core.errors import InvalidInput
from rookery_core.text_decoding import decode_text
from rookery_ingest.docs.formats.article import Article
from rookery_ingest.docs.formats.html import read_html

_SETTINGS = {
    "report_level": 5,
    "halt_level": 5,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "input_encoding": "unicode",
    "embed_stylesheet": False,
    "stylesheet_path": None,
    "doctitle_xform": False,
    "syntax_highlight": "none",
    "math_output": "LaTeX",
    "smart_quotes": False,
    "initial_header_level": 1,
    "_disable_config": True,
}
_ROLES = [
    "any", "attr", "c:data", "c:func", "class", "cmdoption", "command", "const", "data", "doc", "download",
    "envvar", "err", "exc", "file", "func", "guilabel", "js:func", "kbd", "keyword", "mailheader",
    "makevar", "manpage", "menuselection", "meth", "mod", "numref", "obj", "option", "pep", "program",
    "py:attr", "py:class", "py:data", "py:exc", "py:func", "py:meth", "py:mod", "py:obj", "ref", "regexp",
    "samp", "term", "token",
]  # fmt: skip
_CALLOUTS = ["deprecated", "versionadded", "versionchanged", "seealso"]
_OBJECTS = [
    "attribute", "automodule", "c:function", "c:macro", "c:type", "class", "classmethod", "cmdoption",
    "confval", "data", "envvar", "exception", "function", "method", "module", "option", "program",
    "property", "py:attribute", "py:class", "py:data", "py:exception", "py:function", "py:method",
    "py:module", "staticmethod", "type",
]  # fmt: skip
_IGNORED = [
    "contents", "currentmodule", "highlight", "index", "literalinclude", "only", "py:currentmodule",
    "sectionauthor", "tabularcolumns", "toctree",
]  # fmt: skip
_TARGET = re.compile(r"^(.*?)\s*<[^<>]*>$", re.DOTALL)


def read_rst(data: bytes | str) -> Article:
    """The article of a reStructuredText document. Nothing is included from other files.

    Raises InvalidInput when it cannot be read.
    """
    text = data if isinstance(data, str) else decode_text(data).text
    _register()
    core: Any = import_module("docutils.core")
    try:
        parts = core.publish_parts(text, writer="html5", settings_overrides=_SETTINGS)
    except Exception as error:  # noqa: BLE001 docutils raises many kinds for what it cannot lay out
        raise InvalidInput(f"Not readable as reStructuredText: {type(error).__name__}.") from None
    return read_html(f"<main>{parts['body']}</main>")


@lru_cache(maxsize=1)
def _register() -> None:
    roles: Any = import_module("docutils.parsers.rst.roles")
    directives: Any = import_module("docutils.parsers.rst.directives")
    for name in _ROLES:
        roles.register_local_role(
            name, _as_code if name not in ("doc", "ref", "term", "numref") else _as_words
        )
    base: Any = import_module("docutils.parsers.rst").Directive
    for name in _CALLOUTS:
        directives.register_directive(name, _directive(base, "note", name))
    for name in _OBJECTS:
        directives.register_directive(name, _directive(base, "definition", name))
    for name in _IGNORED:
        directives.register_directive(name, _directive(base, "nothing", name))
    code: Any = import_module("docutils.parsers.rst.directives.body").CodeBlock
    for name in ("code-block", "sourcecode", "parsed-literal"):
        options = {**code.option_spec, **dict.fromkeys(_CODE_OPTIONS, directives.unchanged)}
        directives.register_directive(name, type("Code", (code,), {"option_spec": options}))


_CODE_OPTIONS = ("linenos", "emphasize-lines", "caption", "dedent", "lineno-start")


def _words(text: str) -> str:
    match = _TARGET.match(text)
    return (match.group(1) if match else text.lstrip("~!")).strip() or text


def _as_code(_name: str, rawtext: str, text: str, *_rest: Any) -> tuple[list[Any], list[Any]]:
    nodes: Any = import_module("docutils.nodes")
    return [nodes.literal(rawtext, _words(text))], []


def _as_words(_name: str, rawtext: str, text: str, *_rest: Any) -> tuple[list[Any], list[Any]]:
    nodes: Any = import_module("docutils.nodes")
    return [nodes.emphasis(rawtext, _words(text))], []


def _directive(base: Any, shape: str, name: str) -> Any:
    nodes: Any = import_module("docutils.nodes")
    unchanged: Any = import_module("docutils.parsers.rst.directives").unchanged

    def run(self: Any) -> list[Any]:
        if shape == "nothing":
            return []
        body = nodes.definition() if shape == "definition" else nodes.container()
        self.state.nested_parse(self.content, self.content_offset, body)
        signature = " ".join(self.arguments)
        if shape == "note":
            return [nodes.paragraph("", f"{name}: {signature}"), *body.children]
        item = nodes.definition_list_item()
        for line in signature.split("\n"):
            term = nodes.term()
            term += nodes.literal("", line.strip())
            item += term
        item += body
        anchor = re.sub(r"\W+", "-", signature.partition("(")[0]).strip("-").lower()
        return [nodes.definition_list("", item, ids=[anchor] if anchor else [])]

    names = (
        "noindex", "module", "async", "abstractmethod", "type", "value", "platform", "synopsis", "deprecated", "members",
        "undoc-members", "show-inheritance", "canonical", "no-index", "default", "required", "final", "staticmethod",
    )  # fmt: skip
    return type(
        "SphinxDirective",
        (base,),
        {
            "run": run,
            "has_content": True,
            "optional_arguments": 1,
            "final_argument_whitespace": True,
            "option_spec": dict.fromkeys(names, unchanged),
        },
    )
