"""Which review threads are resolved: GitHub tells only in its GraphQL API, and only those who are signed in."""

from __future__ import annotations

from typing import Any

from rookery_core.errors import RookeryError
from rookery_core.telemetry import get_logger
from rookery_github.workspace import Place

logger = get_logger(__name__)
MOST_PAGES = 10
_QUERY = """\
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { isResolved comments(first: 1) { nodes { databaseId } } }
      }
    }
  }
}"""


async def resolved_threads(place: Place, number: int) -> dict[int, bool]:
    """Whether each thread is resolved, by the id of its first comment. Empty where GitHub does not tell."""
    found: dict[int, bool] = {}
    if await place.client.anonymous():
        return found
    owner, _, name = place.full_name.partition("/")
    after: str | None = None
    try:
        for _page in range(MOST_PAGES):
            variables = {"owner": owner, "name": name, "number": number, "after": after}
            about = place.path(f"/pulls/{number}")
            data = await place.client.query(
                _QUERY, variables, what="the state of review threads", about=about
            )
            threads: Any = data["repository"]["pullRequest"]["reviewThreads"]
            found |= _states(threads["nodes"])
            after = threads["pageInfo"]["endCursor"]
            if not threads["pageInfo"]["hasNextPage"]:
                break
    except (RookeryError, KeyError, TypeError) as error:
        logger.info("no state of review threads: %s", type(error).__name__)
    return found


def _states(nodes: list[Any]) -> dict[int, bool]:
    return {
        first["databaseId"]: bool(node["isResolved"])
        for node in nodes
        for first in node["comments"]["nodes"][:1]
        if first.get("databaseId")
    }
