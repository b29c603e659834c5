"""No link in an answer that no tool gave: checks Markdown, Slack's own markup and bare addresses.

A link to an item of this run stays, written as the tool gave it. An address that merely occurs in what was read
stays when its host is known; else it is shown as code, which nobody can click and Slack does not unfurl.
Anything else is removed and counted. Images never stay images: fetching one is enough to carry data away.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from rookery_core.mcp.sources import Source, trimmed, urls_in
from rookery_core.text import encodable, without_controls

_DESTINATION = r"<?(?P<{0}>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?"
_CONSTRUCT = re.compile(
    r"(?P<fence>^[ \t]*(?P<ticks>```+|~~~+)[^\n]*\n.*?(?:^[ \t]*(?P=ticks)[ \t]*$|\Z))"
    r"|(?P<code>(?<!`)(?P<tick>`+)(?!`)(?:(?!\n\n).)+?(?<!`)(?P=tick)(?!`))"
    r"|(?P<link>(?P<bang>!?)\[(?P<label>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]\(\s*"
    + _DESTINATION.format("target")
    + r"\s*\))"
    r"|(?P<joint>\][(:])"
    r"|(?P<slack><(?P<address>(?:[a-zA-Z][a-zA-Z0-9+.-]*://|mailto:|tel:)[^\s<>|]+)(?:\|(?P<name>[^<>\n]*))?>)"
    r"|(?P<broadcast><!(?:channel|here|everyone|subteam\^[A-Z0-9]+|date\^[^<>|]*)(?:\|[^<>]*)?>|(?<![\w@])@(?:channel|here|everyone)\b)"
    r"|(?P<tag></?[a-zA-Z][a-zA-Z0-9-]*(?:\s[^<>]*)?/?>)"
    r"|(?P<bare>(?:(?<![a-zA-Z0-9])[a-zA-Z][a-zA-Z0-9+.-]*:(?://|\\\\)|(?<![\w.])[wW]{3}\.)[^\s<>\"`]+)"
    r"|(?P<scheme>\b(?:(?i:javascript|vbscript|mailto)|data|file|tel|sms):[^\s<>\"`)]+)"
    r"|(?P<domain>(?<![\w@./:-])(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,24}(?::\d+)?(?:/|\?(?=[\w%-]))[^\s<>\"`]*)",
    re.MULTILINE | re.DOTALL,
)
_LINK_IN_CODE = re.compile(r"\](?=\(\s*<?(?:[a-z][a-z0-9+.-]*:\S|[/\\]{2}))", re.IGNORECASE)
_MARKS = "?#@\\'\"<>`"
"""What an address needs to carry data, or to lead two readers to two hosts."""
_BALANCED = re.compile(r"[^()]*(?:\([^()]*\)[^()]*)*")
_CLOSED_LABEL = re.compile(r"(?:[^\[\]\\]|\[[^\[\]]*\](?!\())*")
_BRACKETS = str.maketrans("[]", "()")
REMOVED = "(link removed)"
_BARE_HOST = re.compile(r"(?<![\w@./:-])(?:[a-z0-9-]+\.)+[a-z]{2,24}(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)
_FRAGMENT = re.compile(r"[\w.%-]{1,120}")


@dataclass(slots=True)
class LinkAllowlist:
    """The links of one run: items' own addresses, and addresses that occur in what was read.

    own_hosts: of items that our own servers found; a foreign server may claim any host.
    """

    hosts: frozenset[str] = frozenset()
    items: dict[str, Source] = field(default_factory=dict[str, Source])
    seen: set[str] = field(default_factory=set[str])
    trusted: set[str] = field(default_factory=set[str])
    own_hosts: set[str] = field(default_factory=set[str])

    def add_items(self, found: Iterable[Source], *, own: bool = False) -> None:
        """Links that servers gave as the addresses of what they found."""
        for source in found:
            self.items.setdefault(source.permalink, source)
            if own:
                self.own_hosts.add(_host(source.permalink))

    def add_text(self, text: str) -> None:
        """Text of other people that the model has read."""
        self.seen |= urls_in(text)

    def add_trusted(self, text: str) -> None:
        """Text of the asker or of the operator: what they write, they may read again."""
        self.trusted |= urls_in(text)
        self.trusted |= {f"https://{trimmed(bare)}" for bare in _BARE_HOST.findall(text)}

    def item(self, url: str) -> Source | None:
        """The item at `url`: exactly, or with its query or fragment left out."""
        url = trimmed(html.unescape(url).strip())
        if url in self.items:
            return self.items[url]
        short = [source for link, source in self.items.items() if _without_details(link) == url]
        return short[0] if short else self._with_fragment(url)

    def _with_fragment(self, url: str) -> Source | None:
        """An item's page with a fragment that no tool gave: the page is cited, the fragment is not kept."""
        base, _, fragment = url.partition("#")
        if not fragment or not _FRAGMENT.fullmatch(fragment):
            return None
        return next((source for link, source in self.items.items() if link.partition("#")[0] == base), None)

    def knows(self, url: str) -> bool:
        """Whether an address that is no item's may stand as a link."""
        if url in self.trusted:
            return True
        return url in self.seen and self.known_host(url)

    def known_host(self, url: str) -> bool:
        host = _host(url)
        return bool(host) and (host in self.hosts or any(host == _host(link) for link in self.items))

    def carries_nothing(self, url: str) -> bool:
        """Whether an address may be fetched that was put together: a plain path on a host that nobody else owns."""
        return not any(mark in url for mark in _MARKS) and _host(url) in self.hosts | self.own_hosts

    def occurs(self, url: str) -> bool:
        """Whether the address was read somewhere in this run."""
        return (
            url in self.seen
            or url in self.trusted
            or any(url == seen.partition("://")[2] for seen in self.seen | self.trusted)
        )


@dataclass(slots=True)
class Checked:
    """Text whose links were checked. cited: the items it links to, in order, each once."""

    markdown: str
    cited: list[Source]
    removed: int = 0
    defanged: int = 0


def check(markdown: str, allowlist: LinkAllowlist) -> Checked:
    """`markdown` with only the links that may stand."""
    checker = _Checker(allowlist)
    text = _CONSTRUCT.sub(checker.replace, without_controls(encodable(markdown)))
    return Checked(text, checker.cited, checker.removed, checker.defanged)


class _Checker:
    def __init__(self, allowlist: LinkAllowlist) -> None:
        self.allowlist = allowlist
        self.cited: list[Source] = []
        self.removed = 0
        self.defanged = 0

    def replace(self, match: re.Match[str]) -> str:
        kind = next(name for name in _KINDS if match.group(name) is not None)
        handle: Callable[[re.Match[str]], str] = getattr(self, f"_{kind}")
        return handle(match)

    def _fence(self, match: re.Match[str]) -> str:
        return self._in_code(match.group())

    def _code(self, match: re.Match[str]) -> str:
        return self._in_code(match.group())

    def _in_code(self, text: str) -> str:
        """Code is not clickable; only addresses that were read nowhere are made unusable.

        What looks like code is not always shown as such (a fence that is indented too far), so no link stays in it.
        """
        text = _LINK_IN_CODE.sub("] ", text)
        return re.sub(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>\"'`\\]+", self._code_address, text)

    def _code_address(self, match: re.Match[str]) -> str:
        url = trimmed(match.group())
        one = url.count("://") == 1
        if one and (self.allowlist.item(url) or self.allowlist.occurs(url) or _is_local(url)):
            return match.group()
        self.removed += 1
        return match.group().replace("://", "[:]//")

    def _joint(self, match: re.Match[str]) -> str:
        """What would make a link, or define one, of brackets that are none of the links that were understood."""
        return "] " + match.group()[1:]

    def _link(self, match: re.Match[str]) -> str:
        return self._place(match.group("target"), match.group("label"), image=bool(match.group("bang")))

    def _slack(self, match: re.Match[str]) -> str:
        return self._place(match.group("address"), match.group("name") or "")

    def _place(self, target: str, label: str, *, image: bool = False) -> str:
        url, label = trimmed(html.unescape(target)), self._label(label)
        if source := self.allowlist.item(url):
            return self._cite(source, label)
        if self.allowlist.knows(url) and not image:
            return f"[{label or url}]({_destination(url)})"
        return self._refuse(url, label)

    def _bare(self, match: re.Match[str]) -> str:
        whole = match.group()
        url = trimmed(whole)
        rest = whole[len(url) :]
        if source := self.allowlist.item(url):
            return self._cite(source) + rest
        if self.allowlist.knows(url):
            return whole
        return self._refuse(url, "") + rest

    def _domain(self, match: re.Match[str]) -> str:
        """`example.org/path` without a scheme: Slack makes a link of it. Paths of files look alike."""
        url = trimmed(match.group())
        rest = match.group()[len(url) :]
        if self.allowlist.item(f"https://{url}") or self.allowlist.knows(f"https://{url}"):
            return match.group()
        if self.allowlist.occurs(url) or not ("?" in url or _looks_like_host(url)):
            return f"`{url}`{rest}"
        self.removed += 1
        return REMOVED + rest

    def _scheme(self, match: re.Match[str]) -> str:
        self.removed += 1
        return REMOVED

    def _broadcast(self, match: re.Match[str]) -> str:
        self.defanged += 1
        return f"`{self._in_code(match.group().strip('<>'))}`"

    def _tag(self, match: re.Match[str]) -> str:
        """HTML is not part of an answer; a tag that carries an address could load it."""
        if not re.search(r"://|\b(?:href|src|style|action|on\w+)\s*=", match.group(), re.IGNORECASE):
            return match.group()
        self.removed += 1
        return ""

    def _label(self, text: str) -> str:
        """The words of a link without what could end it early or be a link itself; people write the titles, too."""
        if "://" in text or "www." in text.lower():
            return ""
        text = _CONSTRUCT.sub(self.replace, text)
        return text if _CLOSED_LABEL.fullmatch(text) else text.translate(_BRACKETS)

    def _cite(self, source: Source, label: str = "") -> str:
        if source not in self.cited:
            self.cited.append(source)
        label = label or self._label(source.title) or source.permalink
        return f"[{label}]({_destination(source.permalink)})"

    def _refuse(self, url: str, label: str) -> str:
        if self.allowlist.occurs(url) and "`" not in url:
            self.defanged += 1
            shown = url.partition("://")[2] or url
            return f"{label} (`{shown}`)" if label and label != url else f"`{shown}`"
        self.removed += 1
        return label or REMOVED


_KINDS = ("fence", "code", "link", "joint", "slack", "broadcast", "tag", "bare", "scheme", "domain")


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _destination(url: str) -> str:
    """An address between parentheses: its own must not end it early."""
    return url if _BALANCED.fullmatch(url) else url.replace("(", "%28").replace(")", "%29")


def _is_local(url: str) -> bool:
    host = _host(url)
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith((".example", ".local", "example.com"))


def _looks_like_host(url: str) -> bool:
    suffix = url.split("/", 1)[0].rsplit(".", 1)[-1].split(":")[0].lower()
    return suffix not in (
        "py", "js", "ts", "md", "rs", "go", "sh", "sql", "conf", "json", "yml", "yaml", "toml", "txt", "d",
    )  # fmt: skip


def _without_details(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]
