"""The inline markup of AsciiDoc, as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

_REFERENCE = re.compile(r"\{([\w-]+)\}")
_CODE = re.compile(r"(?<![\w`])(?:``(.+?)``|`\+?([^`]+?)\+?`)(?![\w`])")
_LINK_OR_REFERENCE = re.compile(r"(?:(link|xref):)([^\s\[\]]+)\[([^\]]*)\]")
_URL = re.compile(r"(https?://[^\s\[\]<>]+)\[([^\]]*)\]")
_CROSS = re.compile(r"&lt;&lt;([^,&]+?)(?:,\s*(.+?))?&gt;&gt;")
_IMAGE = re.compile(r"(?:image|icon)::?[^\s\[]*\[([^\],]*)[^\]]*\]")
_MACRO = re.compile(r"(?:kbd|btn|menu|footnote|stem):[^\s\[]*\[([^\]]*)\]")
_ANCHOR = re.compile(r"\[\[([\w:.-]+)(?:,[^\]]*)?\]\]|\[#([\w:.-]+)\]")
_ROLE = re.compile(r"\[[.\w-]+\](?=[#*_`])")
_STRONG = re.compile(r"(?<![\w*])\*(?=\S)(.+?)(?<=\S)\*(?![\w*])|\*\*(.+?)\*\*")
_EMPHASIS = re.compile(r"(?<![\w_])_(?=\S)(.+?)(?<=\S)_(?![\w_])|__(.+?)__")
_MARKED = re.compile(r"(?<![\w#&])#(?=\S)(.+?)(?<=\S)#(?![\w#])")
_HELD = re.compile("\x00(\\d+)\x00")
_CHARACTERS = {
    "nbsp": " ", "sp": " ", "empty": "", "zwsp": "", "amp": "&", "lt": "<", "gt": ">", "plus": "+", "vbar": "|",
    "startsb": "[", "endsb": "]", "backtick": "`", "asterisk": "*", "tilde": "~", "caret": "^", "apos": "'",
}  # fmt: skip


def inline_html(text: str, attributes: Mapping[str, str]) -> str:
    """A line's text as HTML. References to unknown attributes stay as they are written."""
    text = _REFERENCE.sub(lambda m: attributes.get(m[1].lower(), _CHARACTERS.get(m[1].lower(), m[0])), text)
    held: list[str] = []

    def hold(html: str) -> str:
        held.append(html)
        return f"\x00{len(held) - 1}\x00"

    text = _CODE.sub(lambda m: hold(f"<code>{escape(m[1] or m[2])}</code>"), text)
    text = escape(text, quote=False)
    text = _IMAGE.sub(lambda m: hold(m[1]), text)
    text = _URL.sub(lambda m: hold(f'<a href="{m[1]}">') + (m[2] or m[1]) + hold("</a>"), text)
    text = _LINK_OR_REFERENCE.sub(
        lambda m: hold(f'<a href="{_target(m[1], m[2])}">') + (m[3] or m[2]) + hold("</a>"), text
    )
    text = _CROSS.sub(
        lambda m: hold(f'<a href="{_target("xref", m[1])}">') + (m[2] or m[1]) + hold("</a>"), text
    )
    text = _MACRO.sub(lambda m: m[1], text)
    text = _ANCHOR.sub(lambda m: hold(f'<a id="{m[1] or m[2]}"></a>'), text)
    text = _ROLE.sub("", text)
    text = _STRONG.sub(lambda m: f"<strong>{m[1] or m[2]}</strong>", text)
    text = _EMPHASIS.sub(lambda m: f"<em>{m[1] or m[2]}</em>", text)
    text = _MARKED.sub(lambda m: m[1], text)
    while _HELD.search(text):
        text = _HELD.sub(lambda m: held[int(m[1])], text)
    return text


def _target(kind: str, target: str) -> str:
    if kind == "xref" and "#" not in target and "." not in target:
        return "#" + target
    return target
