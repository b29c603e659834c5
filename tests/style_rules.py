"""The rules of style that can be checked: words, names of modules and values, docstrings. See docs/glossary.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache

from source_texts import Finding, Text, product_files, program_files, prose, prose_files, syntax_tree

WORDS = {
    # archaic or bookish
    r"for ever": "permanently, without limit",
    r"anew|afresh": "again, from the start",
    r"whoever|whomever|whosoever": "anyone who, the person who",
    r"whatever|whatsoever": "any, everything that",
    r"wherever": "everywhere that",
    r"however (often|many|much|long|far|small|large|alive|full|old|deep|they|it|he|the)": "no matter how",
    r"whoever and however": "no matter how",
    r"naught|nought|aught": "nothing, zero",
    r"likewise": "also, the same way",
    r"thereby|whereby|hereby|thereof|therein|thereupon|thereto|wherein|whereupon|whence|thence": "rewrite",
    r"hence(forth)?|hitherto|henceforward|heretofore|forthwith|withal|albeit": "therefore, from now on",
    r"upon(?! request)": "on",
    r"thus": "so",
    r"lest": "so that … not",
    r"seldom|oft": "rarely, often",
    r"whilst|amongst|unto|thrice": "while, among, to, three times",
    r"(?<!Shall I )shall(?! I)": "must, will, should",
    r"wish(es|ed)?(?! list)": "want, request",
    r"in (its|their|his|her) stead": "instead",
    r"be it(?= \w+ or)": "whether",
    r"if need be": "if necessary",
    r"(and|or) the like": "name them",
    r"must needs": "must",
    r"to be had": "available",
    # constructions
    r"of (one's|its|their|his|her|my|our|your) own": "separate, your",
    r"told": "informed, configured, given",
    r"tells? (of|no|nothing)": "reports",
    r"the (doing|making|having) of (it|them|this|that)": "use a verb",
    r"(all )?the while": "meanwhile, while",
    r"by lot": "at random",
    r"under way": "in progress, running",
    r"(gives?|gave|given|giving) (it |them |events? )?(back|way)": "release, return, yield",
    r"lets? (it |them )?go": "release",
    r"so (much|many) (a|an|days|bytes|seconds)(?= )": "state the number",
    r"most that": "the maximum",
    r"once round|once more round": "one pass",
    r"for good": "permanently",
    r"takes? no notice": "ignores",
    r"(does not|do not|without) relent(ing)?": "state what happens",
    r"as (it|they) (came|comes|come)(?=[.,;:)])": "unchanged",
    r"(wherever|where|as|if) (that|this|it) is wished": "if configured",
    # terms that the glossary replaces
    r"settle[drs]?|settling": "complete",
    r"verdicts?": "outcome, decision",
    r"housekeeping": "maintenance",
    r"overruns?": "expired lease",
    r"keepers?": "heartbeat, supervisor",
    r"spent keys?|keys? (that )?(is|are|was|were|be|stays?|stayed|already) spent": "used",
    r"by words|by meaning": "lexical, semantic",
    r"legs?": "candidate list",
    r"fleets?": "server group",
    r"couriers?": "file uploader",
    r"confinement": "repository allow-list",
    r"narrow(ed|ing|s)? to": "filter by",
    r"stands? (on|upon|still|beside)": "use the plain verb",
}
ERROR_FORM = re.compile(r"^[a-z_{}.]+: (is|are|it|of|no|not) ")
"""`field: is …` instead of `field must be …`."""

GERUNDS = re.compile(
    "batching|chunking|paging|pricing|ranking|rendering|reranking|scoring|serving|streaming|fencing|pooling"
    "|logging|routing|heading|string|setting"
)
"""Nouns of the field that end in -ing."""
LIMIT = re.compile(r"_?(MOST|LONGEST|LARGEST|DEEPEST|LEAST|FEWEST|SHORTEST|SMALLEST|BIGGEST)_[A-Z0-9_]+")
OLD_NAMES = frozenset({"_log", "_logger", "conn"})
TOOLS = re.compile(r"/tools/|_tools\.py$")
RANKING = re.compile(r"ranking|weights|/search|fusion|counterparts|embedders/pooling")
DURATION = re.compile(r"_(S|MS)$")
COMMAND = re.compile(r"make bench-\w+|python -m bench\.\w+")
VALUES = frozenset(["found", "known", "told", "said", "asked", "wanted", "own", "one", "each"])


def forbidden_words() -> re.Pattern[str]:
    return re.compile(
        r"(?<![\w-])(" + "|".join(f"(?:{pattern})" for pattern in WORDS) + r")(?![\w-])", re.IGNORECASE
    )


def without_code(text: str) -> str:
    """The text without `code`, links' targets and fenced blocks, in which names are not words."""
    text = re.sub(r"``?[^`\n]+``?|\]\([^)]*\)|<!--.*?-->", "`x`", text, flags=re.DOTALL)
    return re.sub(r"\b[\w./]+_[\w./]+\b|\b\w+(\.\w+)+\b", "x", text)


def words() -> Iterator[Finding]:
    pattern = forbidden_words()
    for file in prose_files():
        for line, text in prose(file):
            plain = re.sub(r"[ \t]*\n[ \t]*", "\n", without_code(text))
            spaced = plain.replace("\n", " ")
            for match in pattern.finditer(spaced):
                yield Finding(
                    file, line + plain.count("\n", 0, match.start()), "words", _around(spaced, match)
                )
        for line, text in messages(file):
            if ERROR_FORM.match(text):
                yield Finding(file, line, "words", f"{text[:60]!r}: say `field must be …`")


def messages(file: str) -> Iterator[Text]:
    """Strings of errors that a program raises."""
    if not file.endswith(".py"):
        return
    for node in ast.walk(syntax_tree(file)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for argument in node.exc.args[:1]:
                yield Text(argument.lineno, ast.unparse(argument).lstrip("f").strip("'\""))


def _around(text: str, match: re.Match[str]) -> str:
    start, end = max(0, match.start() - 30), match.end() + 30
    return f"{match[0]!r} in …{text[start:end]}…"


def modules() -> Iterator[Finding]:
    """Modules are named by what is in them: nouns, no gerunds and no participles."""
    for file in product_files():
        last = file.removesuffix(".py").rpartition("/")[2].rpartition("_")[2]
        if re.fullmatch(r"[a-z]+(ing|ed)", last) and not GERUNDS.fullmatch(last):
            yield Finding(file, 1, "modules", last)


def names() -> Iterator[Finding]:
    """Limits are `MAX_` and `MIN_`, loggers `logger`, connections `connection`, values nouns of what they hold."""
    for file in program_files():
        for node in ast.walk(syntax_tree(file)):
            for line, name in _bound(node):
                if LIMIT.fullmatch(name) or name in OLD_NAMES or name in VALUES:
                    yield Finding(file, line, "names", name)


def _bound(node: ast.AST) -> Iterator[Text]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield Text(node.lineno, name)
        case ast.arg(arg=name):
            yield Text(node.lineno, name)
        case _:
            pass


@cache
def our_errors() -> frozenset[str]:
    """Names of RookeryError and all that is derived from it."""
    classes = [
        (node.name, {ast.unparse(base).rpartition(".")[2] for base in node.bases})
        for file in product_files()
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.ClassDef)
    ]
    errors = {"RookeryError"}
    while derived := {name for name, bases in classes if bases & errors} - errors:
        errors |= derived
    return frozenset(errors)


def raises() -> Iterator[Finding]:
    """A public function that itself raises one of our errors says `Raises X` in its docstring.

    Not so tools: their docstrings are sent to the model with every request, and all of them share a table of errors.
    """
    for file in product_files():
        if TOOLS.search(file):
            continue
        for function in _public_functions(syntax_tree(file)):
            documented = ast.get_docstring(function) or ""
            for name in sorted(set(_raised(function)) & our_errors()):
                if "Raises" not in documented or name not in documented:
                    yield Finding(file, function.lineno, "raises", f"{function.name} raises {name}")


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _public_functions(tree: ast.Module | ast.ClassDef) -> Iterator[Function]:
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public_functions(node)


def _raised(function: Function) -> Iterator[str]:
    remaining: list[ast.AST] = list(function.body)
    while remaining:
        node = remaining.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call | ast.Name):
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            yield ast.unparse(called).rpartition(".")[2]
        remaining += ast.iter_child_nodes(node)


def measured() -> Iterator[Finding]:
    """A weight in a module of ranking has been chosen by measuring: its docstring, or the module's, names the command."""
    for file in product_files():
        tree = syntax_tree(file)
        if RANKING.search(file) and not COMMAND.search(ast.get_docstring(tree) or ""):
            yield from _unexplained_weights(file, tree.body)


def _unexplained_weights(file: str, body: list[ast.stmt]) -> Iterator[Finding]:
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef) and not COMMAND.search(ast.get_docstring(node) or ""):
            yield from _unexplained_weights(file, node.body)
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        name = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        explanation = ast.unparse(following) if isinstance(following, ast.Expr) else ""
        if _is_weight(name, node.value) and not COMMAND.search(explanation):
            yield Finding(file, node.lineno, "measured", f"{name} names no command of bench")


def _is_weight(name: str, value: ast.expr) -> bool:
    parts = ast.walk(value)
    return not DURATION.search(name) and any(
        isinstance(c, ast.Constant) and isinstance(c.value, float) for c in parts
    )


RULES: dict[str, Callable[[], Iterator[Finding]]] = {
    "words": words,
    "modules": modules,
    "names": names,
    "raises": raises,
    "measured": measured,
}
