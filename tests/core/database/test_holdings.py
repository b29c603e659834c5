"""What the stores hold, counted by the owner and by the login that programs use."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from rookery_core.database.holdings import read_holdings
from rookery_core.settings import CoreSettings

NAMES = ["documentation sources", "pages", "memories", "Slack messages"]


async def test_an_empty_database_holds_nothing(settings: CoreSettings, owner_dsn: str) -> None:
    owner = settings.model_copy(update={"database_url": SecretStr(owner_dsn)})
    holdings = await read_holdings(owner)
    assert holdings.is_empty
    assert [holding.name for holding in holdings.held] == NAMES
    assert not any(holding.without_vector or holding.models for holding in holdings.held)


async def test_what_is_held_is_counted_for_the_team_alone(
    settings: CoreSettings, owner_dsn: str, owner_connection: Any
) -> None:
    for team in (settings.team, settings.team, "OTHER"):
        await owner_connection.execute(
            "insert into memory.memory (team, id, scope, content, content_hash, document) values "
            "($1, gen_random_uuid(), 'team', 'x', uuid_send(gen_random_uuid()), to_tsvector('x'))",
            team,
        )
    await owner_connection.execute(
        "insert into slack.messages (team, channel, ts) values ($1, 'C1', '2026-10-27 09:00Z')", settings.team
    )
    owner = settings.model_copy(update={"database_url": SecretStr(owner_dsn)})
    held = {holding.name: holding for holding in (await read_holdings(owner)).held}
    assert (held["memories"].amount, held["memories"].without_vector) == (2, 2)
    assert held["Slack messages"].text() == "1 Slack message up to 2026-10-27"
    served = await read_holdings(settings)
    assert served.text() == (
        "0 documentation sources, 0 pages, 1 Slack message up to 2026-10-27, "
        "the schema memory is not readable by this login"
    )
    assert not served.is_empty
