"""Accounts, their repositories, and signing in as an App."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from emulators.github import shapes
from emulators.github.answers import Refused, listing, whole

if TYPE_CHECKING:
    from emulators.github.application import Asked

_RIGHTS = {
    "pull": ("read", "write", "admin"),
    "triage": ("write", "admin"),
    "push": ("write", "admin"),
    "maintain": ("admin",),
    "admin": ("admin",),
}


def viewer(asked: Asked) -> Response:
    """Who the token stands for."""
    if asked.viewer is None:
        raise Refused(401, "Requires authentication")
    return account(asked, asked.viewer)


def account(asked: Asked, login: str) -> Response:
    """A user or an organisation."""
    found = asked.world.users.get(login.lower())
    if found is None:
        raise Refused(404, "Not Found")
    return whole(
        asked.request, shapes.full_user(found, created_at="2015-01-01T00:00:00Z", name=found.get("name"))
    )


def members(asked: Asked, org: str) -> Response:
    """The members of an organisation."""
    logins = asked.world.members.get(org.lower())
    if logins is None:
        raise Refused(404, "Not Found")
    return listing(asked.request, [asked.world.users[login.lower()] for login in logins])


def public_members(asked: Asked, org: str) -> Response:
    """The members of an organisation who show it: in this world, the first of them."""
    logins = asked.world.members.get(org.lower())
    if logins is None:
        raise Refused(404, "Not Found")
    return listing(asked.request, [asked.world.users[login.lower()] for login in logins[:1]])


def repository(asked: Asked, owner: str, repo: str) -> Response:
    """One repository."""
    found = asked.repository(owner, repo)
    issues = sum(issue["state"] == "open" for issue in found.issues.values())
    return whole(asked.request, {**found.data, "open_issues_count": issues, "open_issues": issues})


def permission(asked: Asked, owner: str, repo: str, login: str) -> Response:
    """What an account may do in a repository; only those who may write are told."""
    found = asked.repository(owner, repo)
    if (asked.viewer or "").lower() not in found.permissions:
        raise Refused(403, "Must have push access to view collaborator permission.")
    if login.lower() not in asked.world.users:
        raise Refused(404, "Not Found")
    level = found.permissions.get(login.lower(), "read")
    rights = {name: level in kinds for name, kinds in _RIGHTS.items()}
    user = {**asked.world.users[login.lower()], "permissions": rights, "role_name": level}
    return whole(asked.request, {"permission": level, "role_name": level, "user": user})


def installation_token(asked: Asked, installation: int) -> Response:
    """A token of an App's installation."""
    token = f"ghs_installation_{installation}"
    if token not in asked.world.tokens:
        raise Refused(404, "Not Found")
    body = {
        "token": token,
        "expires_at": "2099-01-01T00:00:00Z",
        "permissions": {"issues": "read"},
        "repository_selection": "all",
    }
    return whole(asked.request, body, 201)


ROUTES = [
    ("GET", "/user", viewer),
    ("GET", "/users/{login}", account),
    ("GET", "/orgs/{org}/members", members),
    ("GET", "/orgs/{org}/public_members", public_members),
    ("GET", "/repos/{owner}/{repo}", repository),
    ("GET", "/repos/{owner}/{repo}/collaborators/{login}/permission", permission),
    ("POST", "/app/installations/{installation:d}/access_tokens", installation_token),
]
