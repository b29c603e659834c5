"""Is what a new fact replaces among the first candidates? Facts about people, told anew in other words.

Other data: a JSON list of {"facts": [text, ...], "new": text, "replaces": position of the one that is untrue now}.
Every fact is told in one wording and replaced in another, among facts on other things about the same person and
on the same thing about others.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path

from rookery_core.identity import Caller
from rookery_memory.records import NewMemory
from rookery_memory.store import MemoryStore

PEOPLE = """
Amara Bjorn Chidi Dalia Emeka Farah Goran Hana Imran Jolanta Kofi Leila Mateo Noor Oskar Priya Quinn Rosa Stefan Tamar
Ulrik Vera Wendell Xenia Yusuf Zofia Aiko Boris Celeste Dmitri Elif Fintan Greta Hector Ines Jonas Katya Lorenzo Mila Nils
"""


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to know of a person: told first, then anew in the topic's own words, then in quite other ones."""

    told: tuple[str, ...]
    restated: tuple[str, ...]
    paraphrased: tuple[str, ...]
    values: tuple[str, ...]


TOPICS = [
    Topic(
        ("{p} lives in {v}.", "{p} lives in a flat in {v}."),
        ("{p} now lives in {v}.", "Since last month {p} lives in {v}."),
        ("{p} has moved to {v}.", "{p} relocated to {v}."),
        ("Lisbon", "Oslo", "Nairobi", "Quebec", "Hanoi", "Tbilisi"),
    ),
    Topic(
        ("{p} works at {v}.", "{p} works full time at {v}."),
        ("{p} works at {v} now.", "{p} changed jobs and works at {v}."),
        ("{p} has joined {v}.", "{p} left for a new post at {v}."),
        ("Northwind Bakery", "Halden Shipyard", "the city library", "Brightwater Labs", "Ostrava Steel"),
    ),
    Topic(
        ("{p}'s favourite drink is {v}.", "The drink {p} likes best is {v}."),
        ("{p}'s favourite drink is {v} these days.", "{p} has a new favourite drink, {v}."),
        ("{p} only orders {v} now.", "{p} went over to {v}."),
        ("green tea", "espresso", "ginger ale", "oat milk", "mint lemonade"),
    ),
    Topic(
        ("{p}'s car is a {v}.", "{p} drives a {v}, an old car."),
        ("{p} sold the old car and bought a {v}.", "{p}'s new car is a {v}."),
        ("{p} goes about in a {v} nowadays.", "{p} got a {v}."),
        ("blue Volvo", "red Fiat", "grey Skoda", "white Toyota", "green Mini"),
    ),
    Topic(
        ("{p} is learning {v}.", "{p} is learning {v} in the evenings."),
        ("{p} is learning {v} instead.", "{p} stopped and is learning {v} now."),
        ("{p} switched evening classes to {v}.", "{p} took up {v}."),
        ("Portuguese", "pottery", "the cello", "welding", "calligraphy"),
    ),
    Topic(
        ("{p}'s manager is {v}.", "{p} reports to a manager named {v}."),
        ("{p} got a new manager, {v}.", "{p}'s manager is {v} since the reorganisation."),
        ("{p}'s boss is {v} now.", "{p} was put under {v}."),
        ("Mrs Albright", "Mr Castellan", "Dr Okafor", "Ms Lindqvist", "Mr Hassan"),
    ),
    Topic(
        ("{p}'s dentist appointment is on {v}.", "{p} sees the dentist on {v}."),
        ("The dentist moved {p}'s appointment to {v}.", "{p} sees the dentist on {v} now."),
        ("{p} has the teeth looked at on {v} instead.", "{p}'s check-up was put off to {v}."),
        ("Monday morning", "Tuesday noon", "Wednesday at four", "Friday evening"),
    ),
    Topic(
        ("{p} has a {v} as a pet.", "{p}'s pet is a {v}."),
        ("{p}'s new pet is a {v}.", "{p} gave the old pet away and has a {v} now."),
        ("{p} adopted a {v} after giving the other animal away.", "At {p}'s home there is a {v} now."),
        ("parrot", "tortoise", "grey cat", "greyhound", "rabbit"),
    ),
    Topic(
        ("{p} is on a {v} diet.", "{p} keeps to a {v} diet."),
        ("{p} changed to a {v} diet.", "{p}'s diet is {v} now."),
        ("{p} eats {v} from now on.", "{p} only cooks {v} any more."),
        ("vegan", "gluten-free", "kosher", "low-salt", "pescatarian"),
    ),
    Topic(
        ("{p} plays {v} at the weekend.", "{p} plays {v} in a club."),
        ("{p} plays {v} now.", "{p} gave it up and plays {v} instead."),
        ("{p}'s sport is {v} these days.", "{p} trains for {v}."),
        ("badminton", "rugby", "water polo", "table tennis", "handball"),
    ),
    Topic(
        ("{p}'s phone number ends in {v}.", "{p}'s phone has a number ending in {v}."),
        ("{p} has a new phone number, ending in {v}.", "{p}'s phone number ends in {v} now."),
        ("Call {p} on the line ending in {v} from now on.", "{p} can be reached at {v}."),
        ("4471", "9025", "1388", "6610", "7254"),
    ),
    Topic(
        ("{p} will spend the holidays in {v}.", "{p} booked holidays in {v}."),
        ("{p} will spend the holidays in {v} instead.", "{p} changed the holidays to {v}."),
        ("{p} cancelled that and travels to {v}.", "{p} is flying to {v} in summer."),
        ("Crete", "Patagonia", "the Dolomites", "Kyoto", "Zanzibar"),
    ),
]


@dataclass(frozen=True, slots=True)
class Replacement:
    """A new fact, and which of the facts it makes untrue."""

    facts: list[str]
    new: str
    replaces: int


def generated(*, paraphrased: bool = False, seed: int = 7) -> list[Replacement]:
    """One replacement for each thing about each person, all among the same facts.

    Values are few, so that others have had the new one all along. paraphrased: without any word of the old telling
    but the name, so that only knowing what words mean could help.
    """
    chance = random.Random(seed)
    facts: list[str] = []
    news: list[str] = []
    for name in PEOPLE.split():
        for topic in TOPICS:
            before, after = chance.sample(topic.values, 2)
            facts.append(chance.choice(topic.told).format(p=name, v=before))
            retold = topic.paraphrased if paraphrased else topic.restated
            news.append(chance.choice(retold).format(p=name, v=after))
    return [Replacement(facts, new, at) for at, new in enumerate(news)]


def read(path: Path) -> list[Replacement]:
    """Replacements out of a file, plain or gzipped."""
    data = path.read_bytes()
    entries = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return [
        Replacement([str(fact) for fact in one["facts"]], str(one["new"]), int(one["replaces"]))
        for one in entries
    ]


async def hits(store: MemoryStore, team: str, replacements: list[Replacement]) -> tuple[float, float, int]:
    """How often, in percent, the replaced fact is first, and among the first three; and of how many.

    Candidates come from `remember` itself. The new fact is erased again, so that each is judged alone.
    """
    first = among_three = 0
    callers: dict[int, Caller] = {}
    for number, one in enumerate(replacements):
        caller = callers.get(id(one.facts))
        if caller is None:
            caller = Caller(team=f"{team}-{number}", user="reader", kind="member")
            callers[id(one.facts)] = caller
            await store.remember_many(caller, [NewMemory(content=fact) for fact in one.facts])
        answer = await store.remember(caller, NewMemory(content=one.new))
        found = [similar.memory.content for similar in answer.similar]
        first += found[:1] == [one.facts[one.replaces]]
        among_three += one.facts[one.replaces] in found[:3]
        await store.forget(caller, [answer.id], "judged")
    return 100 * first / len(replacements), 100 * among_three / len(replacements), len(replacements)
