"""Reads who and what there is: the workspace, people, channels, members, user groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rookery_core.errors import ConfigurationError, NotAllowed
from rookery_core.telemetry import get_logger
from rookery_ingest.slack.directory import channel_facts, group_fact, kind_of, member_facts, user_fact
from rookery_slack.observations import Observations, WorkspaceFact
from rookery_slack.store import sync_state
from rookery_slack.store.writer import Writer
from rookery_slackapi.errors import SlackRefused

if TYPE_CHECKING:
    from rookery_core.database import Database
    from rookery_core.identity import Caller
    from rookery_slackapi.web import SlackApi

_log = get_logger(__name__)
MARK = "sync"
_LOCK = "select pg_try_advisory_xact_lock(1936483437, hashtext($1))"
_PAGE = 200


@dataclass(slots=True)
class Synced:
    """What a synchronisation saw."""

    users: int = 0
    channels: int = 0
    members: int = 0
    groups: int = 0
    left_out: tuple[str, ...] = ()


class Synchroniser:
    """Synchronises one team. keep_direct: whether direct conversations are looked at."""

    def __init__(
        self, database: Database, caller: Caller, api: SlackApi, *, keep_direct: bool = False
    ) -> None:
        self._database = database
        self._caller = caller
        self._api = api
        self._keep_direct = keep_direct
        self._writer = Writer(caller)

    async def run(self) -> Synced | None:
        """Synchronise; None when another copy is at it."""
        async with self._database.transaction(self._caller) as holding:
            if not await holding.fetchval(_LOCK, self._caller.team):
                return None
            synced = Synced()
            workspace, enterprise = await self._workspace()
            await self._users(synced, workspace, enterprise)
            await self._channels(synced, workspace)
            await self._groups(synced)
            await sync_state.set_mark(holding, self._caller, MARK, datetime.now(UTC), {"users": synced.users})
        return synced

    async def _merge(self, facts: Observations) -> None:
        async with self._database.transaction(self._caller) as connection:
            await self._writer.merge(connection, facts)

    async def _workspace(self) -> tuple[str | None, str | None]:
        who = await self._api("auth.test")
        workspace = who.get("team_id")
        if workspace:
            url = str(who.get("url") or "").rstrip("/") or None
            now = datetime.now(UTC)
            await self._merge(
                Observations(workspaces=[WorkspaceFact(workspace, now, url=url, name=who.get("team"))])
            )
        return workspace, who.get("enterprise_id")

    async def _users(self, synced: Synced, workspace: str | None, enterprise: str | None) -> None:
        async for page in self._api.pages("users.list", "members", limit=_PAGE):
            now = datetime.now(UTC)
            facts = [user_fact(user, now, workspace=workspace, enterprise=enterprise) for user in page]
            await self._merge(Observations(users=[fact for fact in facts if fact]))
            synced.users += len(page)

    async def _channels(self, synced: Synced, workspace: str | None) -> None:
        kinds = "public_channel,private_channel" + (",im,mpim" if self._keep_direct else "")
        seen: list[dict[str, Any]] = []
        async for page in self._api.pages("conversations.list", "channels", limit=_PAGE, types=kinds):
            now, facts = datetime.now(UTC), Observations()
            for raw in page:
                found = channel_facts(raw, now, kind=kind_of(raw) or "private", workspace=workspace)
                if found:
                    facts.add(found)
            await self._merge(facts)
            seen += page
            synced.channels += len(page)
        for raw in seen:
            await self._members(raw, synced)

    async def _members(self, raw: dict[str, Any], synced: Synced) -> None:
        """Every channel's members: a guest sees a public channel only as its member."""
        members: list[Any] = []
        began = datetime.now(UTC)
        try:
            async for page in self._api.pages(
                "conversations.members", "members", channel=raw["id"], limit=_PAGE
            ):
                members += page
        except ConfigurationError:
            raise
        except NotAllowed as error:
            synced.left_out = (*synced.left_out, f"{raw.get('name') or raw['id']}: {error.message}")
            return
        await self._merge(member_facts(str(raw["id"]), members, began))
        synced.members += len(members)

    async def _groups(self, synced: Synced) -> None:
        try:
            answer = await self._api("usergroups.list", include_users=True, include_disabled=True)
        except SlackRefused as error:
            synced.left_out = (*synced.left_out, f"user groups: {error.message}")
            return
        facts = [group_fact(raw) for raw in answer.get("usergroups") or ()]
        await self._merge(Observations(groups=[fact for fact in facts if fact]))
        synced.groups += len(facts)
