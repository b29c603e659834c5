"""Converts the markdown of models to what Slack shows. No text of a model may notify a whole channel."""

from __future__ import annotations

import re
from collections.abc import Callable

_SHOUT = re.compile(r"<!(channel|here|everyone|group)(\|[^>]*)?>", re.IGNORECASE)
_SUBTEAM = re.compile(r"<!subteam\^([A-Z0-9]+)(?:\|([^>]*))?>")
_IMAGE = re.compile(r"!\[([^\]]*)\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_UNOPENABLE = re.compile(
    r"\[([^\]\n]+)\]\(\s*<?(?!https?://|slack://)[a-zA-Z][a-zA-Z0-9+.-]*://[^)\s>]+>?\s*\)"
)
_LINK = re.compile(r"\[([^\]]+)\]\(\s*<?(https?://[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`[^`\n]+`)", re.DOTALL)
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*|__(?=\S)(.+?)(?<=\S)__")
_ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_BULLET = re.compile(r"^(\s*)[-*+]\s+", re.MULTILINE)
_STRIKE = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_HELD = re.compile("\x00(\\d+)\x00")


def calm(markdown: str) -> str:
    """The markdown without notifications of whole channels, external images (they become plain links), and links
    that a browser cannot open, such as a memory (their text stays)."""
    text = _SHOUT.sub(lambda match: f"@\u200b{match[1]}", markdown)
    text = _SUBTEAM.sub(lambda match: f"@\u200b{(match[2] or match[1]).lstrip('@')}", text)
    return _outside_code(text, lambda part: _UNOPENABLE.sub(r"\1", _IMAGE.sub(_described, part)))


def to_mrkdwn(markdown: str) -> str:
    """Slack's own markup, for notifications and clients that show no blocks."""
    held: list[str] = []

    def hold(text: str) -> str:
        held.append(text)
        return f"\x00{len(held) - 1}\x00"

    def convert(part: str) -> str:
        part = _LINK.sub(lambda m: hold(f"<{m[2].replace('|', '%7C')}|{_label(m[1])}>"), part)
        part = _HEADING.sub(lambda m: hold(f"*{_plain(m[1])}*"), part)
        part = _BOLD.sub(lambda m: hold("*") + (m[1] or m[2]) + hold("*"), part)
        part = _ITALIC.sub(r"_\1_", part)
        part = _STRIKE.sub(r"~\1~", part)
        return _BULLET.sub(r"\1• ", part)

    text = _outside_code(markdown.replace("\x00", ""), convert)
    while _HELD.search(text):
        text = _HELD.sub(lambda match: held[int(match[1])], text)
    return text


def notification(markdown: str) -> str:
    """The text shown where blocks are not. Slack accepts 4,000 characters of it in an edit."""
    text = to_mrkdwn(markdown)
    return text if len(text) <= 3_900 else text[:3_899] + "…"


def escape(text: str) -> str:
    """Text with Slack's three control characters escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The reverse of escape."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def link(url: str, title: str) -> str:
    """A link in Slack's markup; neither the URL nor the title can end it early."""
    safe = url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace(" ", "%20")
    return f"<{safe}|{_label(title) or safe}>"


def _label(text: str) -> str:
    return escape(" ".join(text.split()).replace("|", "¦"))


def _plain(text: str) -> str:
    return text.replace("**", "").replace("__", "")


def _described(match: re.Match[str]) -> str:
    return f"{match[1] or 'image'} ({match[2]})"


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to the text outside of code."""
    return "".join(part if index % 2 else change(part) for index, part in enumerate(_CODE.split(text)))
