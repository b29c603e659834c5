"""No module of the product imports itself through others: at run time, for its types or in a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from source_texts import product_files, syntax_tree

KNOWN_CIRCLES = {frozenset({"rookery_github.trust", "rookery_github.workspace"})}
"""Circles that are still to be broken. One that is gone must be removed: the test says so."""


def module_of(file: str) -> str:
    """`core/rookery_core/queue/base.py` -> `rookery_core.queue.base`."""
    parts = Path(file).with_suffix("").parts
    start = next(n for n, part in enumerate(parts) if part.startswith("rookery"))
    return ".".join(parts[start:]).removesuffix(".__init__")


@cache
def modules() -> dict[str, str]:
    return {module_of(file): file for file in product_files()}


def imports(module: str) -> Iterator[str]:
    """The modules of ours that a module imports: at its top, for its types or in a function."""
    package = module if modules()[module].endswith("__init__.py") else module.rpartition(".")[0]
    for node in ast.walk(syntax_tree(modules()[module])):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            yield from (name for name in names if name in modules())
            continue
        base = node.module or ""
        if node.level:
            base = ".".join(
                [*package.split(".")[: len(package.split(".")) - node.level + 1], *([base] if base else [])]
            )
        for name in names:
            target = f"{base}.{name}"
            if target in modules():
                yield target
            elif base in modules():
                yield base


def circles() -> set[frozenset[str]]:
    """The strongly connected parts of the graph of imports that have more than one module (Tarjan)."""
    graph = {module: sorted(set(imports(module)) - {module}) for module in modules()}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    parts: set[frozenset[str]] = set()

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for other in graph[module]:
            if other not in index:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], index[other])
        if low[module] == index[module]:
            position = stack.index(module)
            if len(stack) - position > 1:
                parts.add(frozenset(stack[position:]))
            del stack[position:]

    for module in graph:
        if module not in index:
            visit(module)
    return parts


def test_no_module_imports_itself_through_others() -> None:
    assert len(modules()) > 400
    measured = circles()
    assert {" <-> ".join(sorted(circle)) for circle in measured - KNOWN_CIRCLES} == set()
    assert {" <-> ".join(sorted(circle)) for circle in KNOWN_CIRCLES - measured} == set()
