"""A small workspace to try a bot in: four people, a guest, a partner, five channels."""

from __future__ import annotations

from dataclasses import dataclass

from emulators.slack.models import Channel, User
from emulators.slack.state import Workspace


@dataclass(frozen=True)
class Cast:
    """Who and what the sample workspace has."""

    ada: User
    grace: User
    linus: User
    guest: User
    partner: User
    general: Channel
    database: Channel
    private: Channel
    shared: Channel


def furnish(state: Workspace) -> Cast:
    """Add people and channels to an empty workspace."""
    ada = state.add_user("ada", real_name="Ada Lovelace", tz="Europe/London", is_admin=True)
    grace = state.add_user("grace", real_name="Grace Hopper", tz="America/New_York")
    linus = state.add_user("linus", real_name="Linus Torvalds", tz="America/Los_Angeles")
    guest = state.add_user("gus", real_name="Gus Guest", membership="single_channel_guest")
    partner = state.add_user("pat", real_name="Pat Partner", membership="stranger")
    staff = [ada.id, grace.id, linus.id]
    return Cast(
        ada=ada,
        grace=grace,
        linus=linus,
        guest=guest,
        partner=partner,
        general=state.add_channel("general", staff, topic="Everything and nothing"),
        database=state.add_channel("database", [*staff, guest.id], purpose="PostgreSQL and friends"),
        private=state.add_channel("leads", [ada.id, grace.id], kind="private"),
        shared=state.add_channel("with-partner", [*staff, partner.id], is_ext_shared=True),
    )
