"""What all tools work with: the hosts and their clients, what may be touched, and the defaults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rookery_core.errors import InvalidInput, RookeryError
from rookery_core.identity import current_caller
from rookery_github import references
from rookery_github.client import Fetched, GitHubClient, sees_only_public
from rookery_github.confinement import Confinement
from rookery_github.hosts import Hosts
from rookery_github.ledger import DatabaseLedger, Ledger, MemoryLedger
from rookery_github.references import Reference
from rookery_github.trust import Trust
from rookery_github.wire import JSON

if TYPE_CHECKING:
    from rookery_core.database import Database, LazyDatabase
    from rookery_github.cache.database import DatabaseStore
    from rookery_github.cache.entry import AnswerStore
    from rookery_github.settings import GitHubSettings

NO_PATIENCE_S = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """A repository that may be touched, and the client that reaches it."""

    client: GitHubClient
    full_name: str

    @property
    def web(self) -> str:
        return self.client.host.web

    def path(self, rest: str = "") -> str:
        """The API path of something in the repository."""
        return f"/repos/{self.full_name}{rest}"

    async def get(
        self,
        rest: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        what: str = "",
        accept: str = JSON,
        immutable: bool = False,
        fresh: bool = False,
    ) -> Fetched:
        """GET something in the repository. The flags are those of `GitHubClient.get`."""
        return await self.client.get(
            self.path(rest),
            parameters,
            what=what or f"{self.full_name}{rest}",
            accept=accept,
            immutable=immutable,
            fresh=fresh,
        )

    async def get_json(
        self,
        rest: str = "",
        parameters: Mapping[str, Any] | None = None,
        *,
        what: str = "",
        immutable: bool = False,
    ) -> Any:
        """GET something in the repository, as JSON values."""
        return (await self.get(rest, parameters, what=what, immutable=immutable)).json()


class Workspace:
    """Built once for a server; knows no caller, tools ask `current_caller`."""

    def __init__(
        self, settings: GitHubSettings, hosts: Hosts, confinement: Confinement, gate: LazyDatabase | None
    ) -> None:
        from rookery_github.cache.memory import MemoryStore

        self.settings = settings
        self.hosts = hosts
        self.confinement = confinement
        self.trust = Trust(self)
        self._gate = gate
        self._memory = MemoryStore(settings.cache_mb * 1024 * 1024)
        self._database_store: DatabaseStore | None = None
        self._ledger: Ledger = MemoryLedger()
        self._clients = {
            host.name: GitHubClient(host, settings, confinement, self.find_store) for host in hosts
        }

    @property
    def clients(self) -> list[GitHubClient]:
        return list(self._clients.values())

    def client(self, host: str | None = None) -> GitHubClient:
        """The client of a host, by the web name that links carry."""
        return self._clients[self.hosts.get(host).name]

    def place(self, reference: Reference) -> Place:
        """Where a reference lies. Raises NotAllowed outside of the allow-list, before anything is asked."""
        self.confinement.check(reference.full_name)
        return Place(self.client(reference.host), reference.full_name)

    def repository(self, text: str) -> Place:
        """The repository that an argument names."""
        settings = self.settings
        return self.place(
            references.repository(
                text, default_repo=settings.default_repo, default_owner=settings.default_owner
            )
        )

    def refer(self, text: str, *, number: bool = False) -> tuple[Place, Reference]:
        """What an argument refers to. number: it must be an issue or a pull request."""
        reference = references.parse(text, default_repo=self.settings.default_repo)
        if not reference.repo:
            raise InvalidInput(f"{text[:200]!r} names an account, not something in a repository.")
        if number and reference.number is None:
            raise InvalidInput(
                f"{text[:200]!r} names no issue or pull request.", hint="Write owner/repo#12 or pass its URL."
            )
        return self.place(reference), reference

    async def find_store(self) -> AnswerStore | None:
        """The cache that is there now: the database once it is open, this process's memory until then."""
        if self.settings.cache == "off":
            return None
        if self._database_store is None and (database := await self._database()):
            from rookery_github.cache.database import DatabaseStore

            self._database_store = DatabaseStore(database, self.settings.cache_mb * 1024 * 1024)
        return self._database_store or self._memory

    async def find_ledger(self) -> Ledger:
        """Where writes are noted: the database when it is there, else this process."""
        if (
            isinstance(self._ledger, MemoryLedger)
            and self._ledger.empty
            and (database := await self._database(4.0))
        ):
            self._ledger = DatabaseLedger(database)
        return self._ledger

    async def _database(self, patience_s: float = NO_PATIENCE_S) -> Database | None:
        if self._gate is None:
            return None
        try:
            return await self._gate.database(patience_s)
        except RookeryError:
            return None

    async def start(self) -> None:
        """Begin opening the database, without waiting for it."""
        if self._gate is not None:
            self._gate.start()

    async def stop(self) -> None:
        """Let connections and the database go."""
        await asyncio.gather(*(client.close() for client in self.clients))
        if self._gate is not None:
            await self._gate.close()

    def only_public(self) -> bool:
        """Whether public repositories only may be shown, whatever the server's token may see."""
        return sees_only_public(current_caller())


async def each_of(
    place: Place, rest: str, start: Mapping[str, Any], parameters: Mapping[str, Any] | None = None, *,
    what: str = "", per_page: int = 100, inside: str = "",
) -> AsyncIterator[tuple[dict[str, int], Any]]:  # fmt: skip
    """Every item of a paged list from a position on, page by page as it is wanted: (its position, the item).

    inside: the key of the list in an answer that is an object.
    """
    page, index = int(start.get("n", 1)), int(start.get("i", 0))
    while True:
        fetched = await place.get(rest, {**(parameters or {}), "per_page": per_page, "page": page}, what=what)
        items: Any = fetched.json()
        listed: list[Any] = items.get(inside, []) if inside else items
        for at in range(index, len(listed)):
            yield {"n": page, "i": at}, listed[at]
        if not fetched.has_next:
            return
        page, index = page + 1, 0
