"""Rules for markdown-it beyond CommonMark: admonitions of several dialects, tags that are no HTML, and MDX.

Module syntax and tags of components are left out in MDX only. The rules work on parsed lines and never inside code.
"""

from __future__ import annotations

import re
from functools import partial

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.html_block import html_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from rookery_ingest.docs.formats.html_tags import (
    TAG,
    closed_names,
    escape_foreign_tags,
    is_component,
    is_html,
)

_INDENTED = re.compile(
    r"(?P<mark>!!!|\?\?\?\+?|===[+!]*)[ \t]+(?P<kind>[A-Za-z][\w-]*(?:[ \t]+(?:inline|end|highlight|blink))*)?"
    r"[ \t]*(?:\"(?P<title>.*)\")?[ \t]*"
)
_COLONS = re.compile(
    r":{3,}[ \t]*(?P<kind>[A-Za-z][\w-]*)?[ \t]*(?:\[(?P<label>[^\]]*)\]|(?P<title>[^{\[]*?))[ \t]*(?:\{.*\})?[ \t]*"
)
_GITHUB = re.compile(r"\[!(?P<kind>\w+)\][-+]?[ \t]*(?P<title>[^\n]*)")
_MODULE_SYNTAX = re.compile(
    r"import\s+(?:[\w*{](?:(?!\n[ \t]*\n)[^'\";])*?\s+from\s+)?['\"][^'\"\n]+['\"];?[ \t]*(?:\n|$)"
    r"|export\s+(?:const|let|var|function|async|class|default|\{|\*)"
)
_JSX_OPENING = re.compile(
    r"</?(?:[A-Z][\w.]*(?:\s+[\w:-]+(?:=(?:\"[^\"]*\"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\}))?|\s*\{(?:[^{}]|\{[^{}]*\})*\})*\s*/?)?>"
)
_JSX_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.DOTALL)
MAX_TAG_LINES = 60
"""A tag of a component over more lines than this is taken for text."""


def add_rules(parser: MarkdownIt, *, mdx: bool) -> MarkdownIt:
    """Add the rules of this module. mdx: leave out module syntax, comments and tags of components."""
    alternatives: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "admonition", _admonition, alternatives)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.core.ruler.before("inline", "github_admonition", _github_admonition)
    parser.core.ruler.push("foreign_tags", partial(_foreign_tags, components=mdx))
    if mdx:
        parser.disable("code")  # MDX has no indented code
        parser.block.ruler.before("fence", "mdx_block", _mdx_block, alternatives)
        parser.inline.ruler.before("html_inline", "mdx_inline", _mdx_inline)
    return parser


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _admonition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    text = _line(state, start)
    if text.startswith(":::"):
        return _colon_admonition(state, start, text, silent)
    match = _INDENTED.fullmatch(text) if text[:1] in ("!", "?", "=") else None
    if match is None or not (match["kind"] or match["title"] is not None):
        return False
    if match["mark"].startswith("=") and match["title"] is None:
        return False
    last = _end_of_indented(state, start, end)
    if last == start + 1 and match["title"] is None:
        return False
    if silent:
        return True
    _push_title(state, start, match["kind"] or "", match["title"] or "")
    _parse_indented(state, start + 1, last)
    return True


def _end_of_indented(state: StateBlock, start: int, end: int) -> int:
    """The line after the last one that belongs to an admonition: indented by four, or blank before such a line."""
    last = line = start + 1
    while line < end:
        if state.isEmpty(line):
            line += 1
        elif state.sCount[line] >= state.sCount[start] + 4:
            line += 1
            last = line
        else:
            break
    return last


def _parse_indented(state: StateBlock, first: int, last: int) -> None:
    indent, lines, parent = state.blkIndent, state.lineMax, state.parentType
    state.blkIndent, state.lineMax, state.parentType = state.sCount[first - 1] + 4, last, "admonition"
    state.md.block.tokenize(state, first, last)
    state.blkIndent, state.lineMax, state.parentType, state.line = indent, lines, parent, last


def _colon_admonition(state: StateBlock, start: int, text: str, silent: bool) -> bool:
    match = _COLONS.fullmatch(text)
    if match is None:
        return False
    if silent:
        return True
    title = match["label"] or match["title"] or ""
    if match["kind"]:
        _push_title(state, start, match["kind"], title)
    state.line = start + 1
    return True


def _push_title(state: StateBlock, line: int, kind: str, title: str) -> None:
    words = kind.split()[0].capitalize() if kind else ""
    shown = ": ".join(part for part in (words, title.strip()) if part)
    state.push("paragraph_open", "p", 1).map = [line, line + 1]
    inline = state.push("inline", "", 0)
    inline.content, inline.map, inline.children = f"**{shown}**", [line, line + 1], []
    state.push("paragraph_close", "p", -1)
    state.line = line + 1


def _html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    text = _line(state, start)
    tag = TAG.match(text)
    if tag and not is_html(tag[0], _closed(state.src, state.env), block=True):
        return False
    return html_block(state, start, end, silent)


def _closed(source: str, env: object) -> frozenset[str]:
    assert isinstance(env, dict)
    return env.setdefault("closed_names", closed_names(source))  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] markdown-it's env


def _github_admonition(state: StateCore) -> None:
    for first, second, third in zip(state.tokens, state.tokens[1:], state.tokens[2:], strict=False):
        if (first.type, second.type, third.type) != ("blockquote_open", "paragraph_open", "inline"):
            continue
        if match := _GITHUB.match(third.content):
            shown = ": ".join(part for part in (match["kind"].capitalize(), match["title"].strip()) if part)
            third.content = f"**{shown}**" + third.content[match.end() :]


def _foreign_tags(state: StateCore, *, components: bool) -> None:
    """Tags that are no HTML become text, or nothing where they are of components of MDX."""
    closed = _closed(state.src, state.env)
    for token in state.tokens:
        if token.type == "html_block":
            token.content = escape_foreign_tags(token.content, closed, components=components)
        for child in token.children or ():
            if child.type == "html_inline" and not is_html(child.content, closed):
                _as_text(child, "" if components and is_component(child.content) else child.content)


def _as_text(token: Token, content: str) -> None:
    token.type, token.content = "text", content


def _mdx_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Skips module syntax, comments, and lines that hold nothing but tags of components."""
    text = _line(state, start)
    line = None
    if text.startswith("{/*"):
        line = _after(state, start, end, _JSX_COMMENT)
    elif text.startswith(("<", "</")) and text[1:2] in "/>ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        line = _after(state, start, end, _JSX_OPENING)
    elif state.sCount[start] == 0:
        line = _after_module_syntax(state, start, end)
    if line is None:
        return False
    if not silent:
        state.line = line
    return True


def _after(state: StateBlock, start: int, end: int, pattern: re.Pattern[str]) -> int | None:
    """The line after those that consist of matches of `pattern` alone; None where other text shares them."""
    last = min(end, start + MAX_TAG_LINES)
    text = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[last - 1]]
    position = 0
    while match := pattern.match(text, position):
        position = match.end()
        rest = text[position:].split("\n", 1)[0]
        if not rest.strip():
            return start + text[:position].count("\n") + 1
        position += len(rest) - len(rest.lstrip())
    return None


def _after_module_syntax(state: StateBlock, start: int, end: int) -> int | None:
    """The line after an import, or after an export whose brackets are closed; None for other text."""
    match = _MODULE_SYNTAX.match(state.src, state.bMarks[start])
    if match is None:
        return None
    if match[0].startswith("import"):
        return start + max(match[0].count("\n"), 1)
    depth, line = 0, start
    while line < end:
        text = _line(state, line)
        depth += sum(text.count(mark) for mark in "([{") - sum(text.count(mark) for mark in ")]}")
        line += 1
        if depth <= 0:
            break
    return line


def _mdx_inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "{":
        return False
    match = _JSX_COMMENT.match(state.src, state.pos)
    if match is None:
        return False
    state.pos = match.end()
    return True
