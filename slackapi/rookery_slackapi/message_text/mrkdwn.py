"""Slack's mrkdwn to markdown, and to plain words. What is visible in Slack stays visible; code is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rookery_slackapi.message_text.names import Names
from rookery_slackapi.timestamps import parse_ts

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_REFERENCE = re.compile(r"<([^<>\n]*)>")
_STYLED = re.compile(
    r"(?<![\w*_~`])(?P<mark>[*_~])(?=\S)(?P<inner>[^\n]{0,1000}?\S)(?P=mark)(?![\w*_~`])",
)
_MARKDOWN_MARK = {"*": "**", "_": "_", "~": "~~"}
_PREFIXES = {"@": "user", "#": "channel", "!": "special"}
_HOLE = re.compile("\ue000(\\d{1,6})\ue001")


def unescape(text: str) -> str:
    """Slack's three entities, resolved."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def to_markdown(text: str, names: Names) -> str:
    """`text` as markdown: references resolved, bold and strike in markdown's marks, code and quotes kept."""
    return "".join(_parts(text, names))


def to_plain(text: str, names: Names) -> str:
    """`text` as words to be searched: labels and URLs of links, names of mentions, code without its marks."""
    parts: list[str] = []
    for index, part in enumerate(_CODE.split(text)):
        inner = part.strip("`") if index % 2 else part
        parts.append(unescape(_REFERENCE.sub(lambda match: _plain_reference(match[1], names), inner)))
    return "".join(parts)


def _parts(text: str, names: Names) -> Iterator[str]:
    for index, part in enumerate(_CODE.split(text)):
        if index % 2:
            yield _code(part)
        elif part:
            yield _prose(part, names)


def _code(part: str) -> str:
    content = _REFERENCE.sub(lambda match: _in_code(match[1]), part)
    content = unescape(content)
    if not content.startswith("```"):
        return content
    inner = content[3:-3]
    opening = "```" if inner.startswith("\n") else "```\n"
    closing = "```" if inner.endswith("\n") else "\n```"
    return f"{opening}{inner}{closing}"


def _in_code(reference: str) -> str:
    """In code a link shows as it was typed; anything else in angle brackets is code."""
    target, _, label = reference.partition("|")
    if re.match(r"(https?|ftp|mailto|tel):", target):
        return label or target
    return f"<{reference}>"


def _prose(part: str, names: Names) -> str:
    """References are taken out before styling, so that an underscore in a URL is not taken for italics."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(_reference(match[1], names))
        return f"\ue000{len(held) - 1}\ue001"

    text = _REFERENCE.sub(hold, part)
    text = _restyle(text)
    text = _requote(text)
    return _HOLE.sub(lambda match: _put_back(match, held), unescape(text))


def _put_back(match: re.Match[str], held: list[str]) -> str:
    index = int(match[1])
    return held[index] if index < len(held) else match[0]


def _restyle(text: str, depth: int = 0) -> str:
    def mark(match: re.Match[str]) -> str:
        sign = _MARKDOWN_MARK[match["mark"]]
        return f"{sign}{_restyle(match['inner'], depth + 1)}{sign}"

    return _STYLED.sub(mark, text) if depth <= len(_MARKDOWN_MARK) else text


def _requote(text: str) -> str:
    """`&gt;` at a line's start is a quote; `&gt;&gt;&gt;` quotes all that follows."""
    if "&gt;" not in text:
        return text
    lines: list[str] = []
    quoting = False
    for line in text.split("\n"):
        if not quoting and line.startswith("&gt;&gt;&gt;"):
            quoting, line = True, line.removeprefix("&gt;&gt;&gt;").removeprefix(" ")
        elif not quoting and line.startswith("&gt;"):
            line = "> " + line.removeprefix("&gt;").removeprefix(" ")
        lines.append(f"> {line}" if quoting else line)
    return "\n".join(lines)


def _reference(reference: str, names: Names) -> str:
    sort = _PREFIXES.get(reference[:1])
    if sort:
        return _RESOLVERS[sort](reference[1:], names)
    target, bar, label = reference.partition("|")
    if not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
        return f"<{unescape(reference)}>"
    url, label = unescape(target), unescape(label)
    if (
        not bar
        or not label
        or label == url
        or url in (f"http://{label}", f"https://{label}", f"mailto:{label}")
    ):
        return url.removeprefix("mailto:") if url == f"mailto:{label}" else url
    return f"[{label}]({url})"


def _plain_reference(reference: str, names: Names) -> str:
    if reference[:1] in _PREFIXES:
        return _reference(reference, names)
    target, _, label = reference.partition("|")
    if not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
        return f"<{reference}>"
    return f"{label} {target}" if label and label not in target else target


def _user(rest: str, names: Names) -> str:
    user_id, _, label = rest.partition("|")
    return names.user(user_id, unescape(label) or None)


def _channel(rest: str, names: Names) -> str:
    channel_id, _, label = rest.partition("|")
    return names.channel(channel_id, unescape(label) or None)


def _special(rest: str, names: Names) -> str:
    command, _, label = rest.partition("|")
    label = unescape(label)
    if command.startswith("subteam^"):
        return names.group(command.removeprefix("subteam^"), label or None)
    if command.startswith("date^"):
        return _date(command, label, names)
    if command in ("here", "channel", "everyone", "group"):
        return f"@{command}"
    return label or f"<!{unescape(command)}>"


def _date(command: str, label: str, names: Names) -> str:
    """`<!date^seconds^format^link|fallback>`: the fallback (what old clients show) and the moment itself."""
    fields = command.split("^")
    moment = parse_ts(fields[1]) if len(fields) > 1 else None
    shown = label or (names.time(moment) if moment else f"<!{unescape(command)}>")
    if moment and label:
        shown = f"{label} ({names.time(moment)})"
    link = unescape(fields[3]) if len(fields) > 3 else ""
    return f"[{shown}]({link})" if link else shown


_RESOLVERS: dict[str, Callable[[str, Names], str]] = {"user": _user, "channel": _channel, "special": _special}


def mentioned(text: str, *, code: bool = True) -> Iterator[tuple[str, str]]:
    """What a text refers to: pairs of sort (user, channel, group) and id. code: whether code counts."""
    prose = text if code else "\n".join(_CODE.split(text)[::2])
    for reference in _REFERENCE.findall(prose):
        target = reference.partition("|")[0]
        if target.startswith("@"):
            yield "user", target[1:]
        elif target.startswith("#"):
            yield "channel", target[1:]
        elif target.startswith("!subteam^"):
            yield "group", target.removeprefix("!subteam^")


def without_mention(text: str, user: str) -> str:
    """The text without mentions of a user."""
    return re.sub(rf"<@{re.escape(user)}(\|[^<>]*)?>", "", text).strip()
