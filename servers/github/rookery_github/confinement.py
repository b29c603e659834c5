"""Which repositories the server may touch: globs over owner/repo, checked before any request and on redirects."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from rookery_core.errors import ConfigurationError, NotAllowed


class Confinement:
    """An allow-list. Empty: whatever the token may see.

    Rules are globs such as `acme/*`, `acme/web-*`, `acme` (the same as `acme/*`), and `!acme/secret` to take one
    out again; the last rule that matches decides, and what none matches is refused.
    """

    def __init__(self, rules: Iterable[str]) -> None:
        self._rules = [_parsed(rule) for rule in rules]
        if self._rules and not any(allowed for _glob, allowed in self._rules):
            raise ConfigurationError("ROOKERY_GITHUB_ALLOW takes repositories out but allows none.")

    @property
    def active(self) -> bool:
        return bool(self._rules)

    def allows(self, full_name: str) -> bool:
        """Whether owner/repo may be touched."""
        name = full_name.lower()
        verdict = not self._rules
        for glob, allowed in self._rules:
            if fnmatchcase(name, glob):
                verdict = allowed
        return verdict

    def allows_owner(self, owner: str) -> bool:
        """Whether anything of an owner may be touched."""
        if not self._rules:
            return True
        return any(
            allowed and fnmatchcase(owner.lower(), glob.partition("/")[0]) for glob, allowed in self._rules
        )

    def check(self, full_name: str) -> None:
        """Raises NotAllowed for a repository outside of the list. Nothing is asked of GitHub before."""
        if not self.allows(full_name):
            raise NotAllowed(
                f"{full_name} is outside of the repositories this server may touch.",
                candidates=self.exact()[:5],
                hint="The operator sets them in ROOKERY_GITHUB_ALLOW.",
            )

    def check_owner(self, owner: str) -> None:
        """Raises NotAllowed for an owner of whom nothing is allowed."""
        if not self.allows_owner(owner):
            raise NotAllowed(
                f"{owner} is outside of the organisations this server may touch.",
                hint="The operator sets them in ROOKERY_GITHUB_ALLOW.",
            )

    def exact(self) -> list[str]:
        """The allowed repositories that are written without wildcards."""
        return [glob for glob, allowed in self._rules if allowed and not _wild(glob)]

    def qualifiers(self) -> list[str]:
        """Search qualifiers that no allowed repository lies outside of; GitHub unites those of one kind."""
        found: dict[str, None] = {}
        for glob, allowed in self._rules:
            if not allowed:
                continue
            owner, _, name = glob.partition("/")
            if _wild(owner):
                return []
            found[f"user:{owner}" if _wild(name) else f"repo:{glob}"] = None
        return list(found)


def _parsed(rule: str) -> tuple[str, bool]:
    allowed = not rule.startswith("!")
    glob = rule.removeprefix("!").strip("/").lower()
    glob = glob if "/" in glob else f"{glob}/*"
    if glob.count("/") != 1 or glob.startswith("/") or not glob.partition("/")[0]:
        raise ConfigurationError(f"ROOKERY_GITHUB_ALLOW: {rule!r} is not owner/repo, owner/* or !owner/repo.")
    return glob, allowed


def _wild(text: str) -> bool:
    return any(character in text for character in "*?[")
