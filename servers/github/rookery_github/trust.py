"""Lockdown: on public repositories only what people with push access wrote is shown. It fails closed.

Also the door for who sees public repositories only, whatever the server's token may see: nobody in particular, guests,
members of other organisations, and members who ask where those read along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rookery_core.errors import NotAllowed, NotFound, RookeryError
from rookery_github.voices import login_of, voice_of

if TYPE_CHECKING:
    from rookery_github.workspace import Place, Workspace

_PUSHERS = frozenset(("admin", "maintain", "write"))


class Trust:
    """Decides what a caller may be shown of a place."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def locked(self) -> bool:
        return self._workspace.settings.lockdown

    async def admit(self, place: Place) -> None:
        """Raises NotFound when the asker sees public repositories only and this one is not public."""
        if self._workspace.only_public() and await self.is_private(place):
            raise NotFound(f"{place.full_name}: not found.", hint="You see public repositories only.")

    async def may_be_listed(self, place: Place) -> bool:
        """Whether a search may show what it found there. A repository that cannot be looked at is not public."""
        if not self._workspace.only_public():
            return True
        try:
            return not await self.is_private(place)
        except RookeryError:
            return False

    async def is_private(self, place: Place) -> bool:
        """Whether the repository is anything but public."""
        data = await place.get_json(what=place.full_name)
        return bool(data.get("private", True)) or data.get("visibility", "public") != "public"

    async def shows(self, place: Place, item: Mapping[str, Any]) -> bool:
        """Whether an item may be shown: always without lockdown, and in private repositories."""
        if not self.locked:
            return True
        return await self.may_push(place, item) or await self._private_or_closed(place)

    async def may_push(self, place: Place, item: Mapping[str, Any]) -> bool:
        """Whether the author of an item has push access. When GitHub does not tell, nobody has."""
        voice = voice_of(item)
        if voice.kind == "owner":
            return True
        login = login_of(item.get("user") or item.get("author"))
        try:
            answer = await place.get_json(
                f"/collaborators/{login}/permission", what=f"the permission of {login}"
            )
        except RookeryError:
            return False
        return answer.get("permission") in _PUSHERS or answer.get("role_name") in _PUSHERS

    async def check(self, place: Place, item: Mapping[str, Any], what: str) -> None:
        """Raises NotAllowed for an item that lockdown hides."""
        if not await self.shows(place, item):
            raise NotAllowed(f"{what} is by someone without push access, and this server is in lockdown.")

    async def check_commit(self, place: Place, sha: str) -> None:
        """Raises NotAllowed in lockdown for a commit that is on no branch that pushers made: a fork's."""
        if not self.locked or await self._private_or_closed(place):
            return
        data = await place.get_json(what=place.full_name)
        span = f"{data['default_branch']}...{sha}"
        compared = await place.get_json(f"/compare/{span}", {"per_page": 1}, what=f"the comparison {span}")
        if compared.get("status") not in ("behind", "identical"):
            raise NotAllowed(f"{sha[:12]} is not on the default branch, and this server is in lockdown.")

    async def _private_or_closed(self, place: Place) -> bool:
        try:
            return await self.is_private(place)
        except RookeryError:
            return False
