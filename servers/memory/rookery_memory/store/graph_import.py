"""Import of a knowledge graph: the JSON lines that the reference memory server keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from rookery_core.errors import InvalidInput
from rookery_core.identity import Caller
from rookery_memory.records import NewMemory, clean_content, content_hash
from rookery_memory.store.context import SQL, StoreContext
from rookery_memory.store.portability import ImportReport
from rookery_memory.store.writer import remember_many

GRAPH_TYPES = frozenset({"entity", "relation"})
SOURCE = "knowledge-graph:"
ABOUT = "about"


@dataclass(slots=True)
class KnowledgeGraph:
    """Entities with their types and observations, and relations (from, relation, to) between them."""

    types: dict[str, str] = field(default_factory=dict[str, str])
    observations: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    relations: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


def read_graph(entries: Sequence[Mapping[str, Any]]) -> KnowledgeGraph:
    """The graph that the lines of a file make. Raises InvalidInput for a line that is neither entity nor relation."""
    graph = KnowledgeGraph()
    for number, entry in enumerate(entries, start=1):
        try:
            if entry.get("type") == "entity":
                name = str(entry["name"])
                graph.types[name] = str(entry.get("entityType") or "")
                graph.observations.setdefault(name, []).extend(
                    _listed(number, entry.get("observations") or [])
                )
            elif entry.get("type") == "relation":
                graph.relations.append((str(entry["from"]), str(entry["relationType"]), str(entry["to"])))
            else:
                raise InvalidInput(f"import: line {number} is neither an entity nor a relation.")
        except KeyError as missing:
            raise InvalidInput(f"import: line {number} has no {missing}.") from None
    for start, _, end in graph.relations:
        for name in (start, end):  # the reference server lets relations name what it does not know
            graph.types.setdefault(name, "")
            graph.observations.setdefault(name, [])
    return graph


def _listed(number: int, observations: Any) -> list[str]:
    if not isinstance(observations, list):
        raise InvalidInput(
            f"import: line {number}: observations is not a list.", hint='Write ["first", "second"].'
        )
    return [str(one) for one in cast(list[Any], observations)]


async def import_graph(
    context: StoreContext, caller: Caller, scope: str, graph: KnowledgeGraph
) -> ImportReport:
    """Store a graph in a scope: a memory for each entity, observation and relation, and links between them.

    The same import again changes nothing.
    """
    news = [*_entities(graph), *_observations(graph), *_relations(graph)]
    stored = await remember_many(context, caller, scope, news)
    ids = await _ids(context, caller, scope, news)
    links = [*_about(graph, ids), *_related(graph, ids)]
    columns = [[link[at] for link in links] for at in range(3)]
    async with context.database.transaction(caller) as connection:
        linked = len(await connection.fetch(SQL["insert_links"], scope, *columns))
    known = len(news) + len(links) - len(stored) - linked
    return ImportReport(memories=len(stored), links=linked, known=known)


def _entity(graph: KnowledgeGraph, name: str) -> str:
    kind = graph.types.get(name)
    return f"{name} ({kind})" if kind else name


def _entities(graph: KnowledgeGraph) -> list[NewMemory]:
    return [
        NewMemory(content=_entity(graph, name), tags=_tags(graph, name), source=SOURCE + name, importance=0.4)
        for name in graph.types
    ]


def _observations(graph: KnowledgeGraph) -> list[NewMemory]:
    return [
        NewMemory(content=f"{name}: {text}", tags=_tags(graph, name), source=SOURCE + name)
        for name, texts in graph.observations.items()
        for text in texts
        if text.strip()
    ]


def _relations(graph: KnowledgeGraph) -> list[NewMemory]:
    return [
        NewMemory(content=_sentence(*relation), tags=["relation"], source=SOURCE + relation[0])
        for relation in graph.relations
    ]


def _sentence(start: str, relation: str, end: str) -> str:
    return f"{start} {relation.replace('_', ' ')} {end}"


def _tags(graph: KnowledgeGraph, name: str) -> list[str]:
    kind = graph.types.get(name, "").strip()[:64]
    return [kind] if kind else []


async def _ids(
    context: StoreContext, caller: Caller, scope: str, news: Sequence[NewMemory]
) -> dict[bytes, UUID]:
    hashes = [content_hash(clean_content(new.content)) for new in news]
    async with context.database.transaction(caller, readonly=True) as connection:
        return {row[0]: row[1] for row in await connection.fetch(SQL["current_ids"], scope, hashes)}


def _about(graph: KnowledgeGraph, ids: Mapping[bytes, UUID]) -> list[tuple[UUID, str, UUID]]:
    links: list[tuple[UUID, str, UUID]] = []
    for name, texts in graph.observations.items():
        entity = ids.get(content_hash(_entity(graph, name)))
        for text in texts:
            observation = ids.get(content_hash(f"{name}: {text}"))
            if entity is not None and observation is not None:
                links.append((observation, ABOUT, entity))
    return links


def _related(graph: KnowledgeGraph, ids: Mapping[bytes, UUID]) -> list[tuple[UUID, str, UUID]]:
    links: list[tuple[UUID, str, UUID]] = []
    for start, relation, end in graph.relations:
        near, far = ids.get(content_hash(_entity(graph, start))), ids.get(content_hash(_entity(graph, end)))
        if near is not None and far is not None:
            links.append((near, relation[:200], far))
    return links
