"""GitHub's refusals as errors that say what to do: which scope or permission is missing, which field is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from rookery_core.errors import Conflict, InvalidInput, NotAllowed, NotFound, RookeryError, Unavailable
from rookery_github.exchange import Response


def body_of(response: Response) -> dict[str, Any]:
    """The JSON object of a refusal, or an empty one."""
    try:
        read = json.loads(response.body)
    except ValueError:
        return {}
    return cast(dict[str, Any], read) if isinstance(read, dict) else {}


def message_of(response: Response) -> str:
    """GitHub's own words, shortened."""
    message = body_of(response).get("message")
    return str(message)[:300] if message else ""


def refusal(response: Response, what: str, *, anonymous: bool) -> RookeryError:
    """The error for a status from 400 on that is not about rate limits. what: the thing asked for, in words."""
    said = message_of(response)
    match response.status:
        case 401:
            return NotAllowed(
                f"GitHub does not accept the token ({said or 'bad credentials'}).",
                hint="GITHUB_TOKEN is wrong, expired or revoked; the operator must replace it.",
            )
        case 403:
            return _forbidden(response, what, said, anonymous=anonymous)
        case 404 | 410:
            return _missing(response, what, said, anonymous=anonymous)
        case 409 | 412:
            return Conflict(
                f"{what}: {said or 'the state has changed'}.", hint="Read it again and decide again."
            )
        case 422:
            return InvalidInput(f"GitHub refuses {what}: {_reasons(response) or said}.", hint=_hint_422(said))
        case status if status >= 500:
            return Unavailable(
                f"GitHub answered {status} for {what}.",
                hint="Call again after retry_after_s.",
                retry_after_s=5.0,
            )
        case status:
            return Unavailable(f"GitHub answered {status} for {what}: {said or 'no reason given'}.")


def _forbidden(response: Response, what: str, said: str, *, anonymous: bool) -> RookeryError:
    headers = response.headers
    if sso := headers.get("x-github-sso"):
        url = sso.partition("url=")[2]
        return NotAllowed(
            f"{what}: the organisation wants single sign-on.",
            hint=f"Authorise the token at {url}." if url else None,
        )
    missing = missing_permission(headers)
    if missing:
        return NotAllowed(
            f"{what}: the token lacks {missing}.", hint="The operator can add it to GITHUB_TOKEN."
        )
    hint = "Set GITHUB_TOKEN." if anonymous else "The token may not do this; the operator can widen it."
    return NotAllowed(f"{what}: {said or 'forbidden'}.", hint=hint)


def missing_permission(headers: Mapping[str, str]) -> str | None:
    """The scope or permission that a refused request needed, by GitHub's headers; None when they do not tell."""
    if wanted := headers.get("x-accepted-github-permissions"):
        return f"permission {wanted.replace('=', ': ').replace(';', ' or ')}"
    accepted = {
        scope.strip() for scope in headers.get("x-accepted-oauth-scopes", "").split(",") if scope.strip()
    }
    held = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    if accepted and not accepted & held:
        return "scope " + " or ".join(sorted(accepted))
    return None


def _missing(response: Response, what: str, said: str, *, anonymous: bool) -> RookeryError:
    if response.status == 410:
        return NotFound(f"{what}: gone ({said or 'deleted, or the feature is switched off'}).")
    missing = missing_permission(response.headers)
    if anonymous:
        hint = "It does not exist, or it is private and no GITHUB_TOKEN is set."
    elif missing:
        hint = f"It does not exist, or the token lacks {missing}."
    else:
        hint = "It does not exist, or the token may not see it (private repositories need repository access)."
    return NotFound(f"{what}: not found.", hint=hint)


def _reasons(response: Response) -> str:
    """The field errors of a 422, in one line."""
    errors = body_of(response).get("errors")
    if not isinstance(errors, list):
        return ""
    return "; ".join(_reason(error) for error in cast(list[Any], errors)[:5])


def _reason(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)[:200]
    entry = cast(dict[str, Any], error)
    if entry.get("message"):
        return str(entry["message"])[:300]
    return " ".join(str(entry[key]) for key in ("resource", "field", "code") if entry.get(key))


def _hint_422(said: str) -> str:
    if "only the first 1000" in said.lower():
        return "Search reaches 1,000 results: narrow it by dates or filters."
    return "Change the named field."
