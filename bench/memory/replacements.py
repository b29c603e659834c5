"""Generated sets of facts and of new facts that make one of them untrue, one set for each way of telling it.

Everything is drawn from short lists, so that many people share a value, have had the new value all along, and have
other facts beside the one that changes: whatever is right for one fact is a wrong candidate for hundreds of others.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.memory.notebooks import NOTEBOOKS

PEOPLE: str = """
Amara Bjorn Chidi Dalia Emeka Farah Goran Hana Imran Jolanta Kofi Leila Mateo Noor Oskar Priya Quinn Rosa Stefan Tamar
Ulrik Vera Wendell Xenia Yusuf Zofia Aiko Boris Celeste Dmitri Elif Fintan Greta Hector Ines Jonas Katya Lorenzo Mila Nils
"""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A new fact, and which of the facts it makes untrue."""

    facts: list[str]
    new: str
    replaces: int


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to know of a person: told first, then again in the topic's own words, in quite other words, with the
    person in another place of the sentence, and denied (of the old value)."""

    told: tuple[str, ...]
    restated: tuple[str, ...]
    paraphrased: tuple[str, ...]
    reordered: tuple[str, ...]
    denied: tuple[str, ...]
    values: tuple[str, ...]


TOPICS = [
    Topic(
        ("{p} lives in {v}.", "{p} lives in a flat in {v}."),
        ("{p} now lives in {v}.", "Since last month {p} lives in {v}."),
        ("{p} has moved to {v}.", "{p} relocated to {v}."),
        ("Since March, {v} is where {p} lives.", "In {v} there is a new home for {p}."),
        ("{p} does not live in {v} any more.", "{p} left {v} for good."),
        ("Lisbon", "Oslo", "Nairobi", "Quebec", "Hanoi", "Tbilisi"),
    ),
    Topic(
        ("{p} works at {v}.", "{p} works full time at {v}."),
        ("{p} works at {v} now.", "{p} changed jobs and works at {v}."),
        ("{p} has joined {v}.", "{p} left for a new post at {v}."),
        ("Last week {v} hired {p}.", "The new employer of {p} is {v}."),
        ("{p} has quit at {v}.", "{p} no longer works at {v}."),
        ("Northwind Bakery", "Halden Shipyard", "the city library", "Brightwater Labs", "Ostrava Steel"),
    ),
    Topic(
        ("{p}'s favourite drink is {v}.", "The drink {p} likes best is {v}."),
        ("{p}'s favourite drink is {v} these days.", "{p} has a new favourite drink, {v}."),
        ("{p} only orders {v} now.", "{p} went over to {v}."),
        ("These days {v} is the drink that {p} asks for.", "No drink is liked more by {p} than {v}."),
        ("{p} cannot stand {v} any more.", "{p} has stopped drinking {v}."),
        ("green tea", "espresso", "ginger ale", "oat milk", "mint lemonade"),
    ),
    Topic(
        ("{p}'s car is a {v}.", "{p} drives a {v}, an old car."),
        ("{p} sold the old car and bought a {v}.", "{p}'s new car is a {v}."),
        ("{p} goes about in a {v} nowadays.", "{p} got a {v}."),
        ("A {v} is what {p} drives since the old car broke.", "The garage sold a {v} to {p}."),
        ("{p} sold the {v}.", "{p} does not drive the {v} any more."),
        ("blue Volvo", "red Fiat", "grey Skoda", "white Toyota", "green Mini"),
    ),
    Topic(
        ("{p} is learning {v}.", "{p} is learning {v} in the evenings."),
        ("{p} is learning {v} instead.", "{p} stopped and is learning {v} now."),
        ("{p} switched evening classes to {v}.", "{p} took up {v}."),
        ("It is {v} that {p} is learning now.", "For lessons in {v}, {p} gave up the others."),
        ("{p} gave up learning {v}.", "{p} is not learning {v} any longer."),
        ("Portuguese", "pottery", "the cello", "welding", "calligraphy"),
    ),
    Topic(
        ("{p}'s manager is {v}.", "{p} reports to a manager named {v}."),
        ("{p} got a new manager, {v}.", "{p}'s manager is {v} since the reorganisation."),
        ("{p}'s boss is {v} now.", "{p} was put under {v}."),
        ("Since the reorganisation {v} is the manager of {p}.", "{v} leads the team of {p} now."),
        ("{v} is not {p}'s manager any more.", "{p} does not report to {v} any longer."),
        ("Mrs Albright", "Mr Castellan", "Dr Okafor", "Ms Lindqvist", "Mr Hassan"),
    ),
    Topic(
        ("{p}'s dentist appointment is on {v}.", "{p} sees the dentist on {v}."),
        ("The dentist moved {p}'s appointment to {v}.", "{p} sees the dentist on {v} now."),
        ("{p} has the teeth looked at on {v} instead.", "{p}'s check-up was put off to {v}."),
        ("On {v} instead, the dentist sees {p}.", "It will be {v} when the dentist sees {p}."),
        ("{p} cancelled the dentist on {v}.", "{p} does not see the dentist on {v}."),
        ("Monday morning", "Tuesday noon", "Wednesday at four", "Friday evening"),
    ),
    Topic(
        ("{p} has a {v} as a pet.", "{p}'s pet is a {v}."),
        ("{p}'s new pet is a {v}.", "{p} gave the old pet away and has a {v} now."),
        ("{p} adopted a {v} after giving the other animal away.", "At {p}'s home there is a {v} now."),
        ("A {v} is now the pet of {p}.", "From the shelter a {v} came to live with {p}."),
        ("{p} gave the {v} away.", "{p} has no {v} any more."),
        ("parrot", "tortoise", "grey cat", "greyhound", "rabbit"),
    ),
    Topic(
        ("{p} is on a {v} diet.", "{p} keeps to a {v} diet."),
        ("{p} changed to a {v} diet.", "{p}'s diet is {v} now."),
        ("{p} eats {v} from now on.", "{p} only cooks {v} any more."),
        ("A {v} diet is what the doctor ordered for {p}.", "Everything must be {v} now for {p}."),
        ("{p} has given up the {v} diet.", "{p} does not eat {v} any more."),
        ("vegan", "gluten-free", "kosher", "low-salt", "pescatarian"),
    ),
    Topic(
        ("{p} plays {v} at the weekend.", "{p} plays {v} in a club."),
        ("{p} plays {v} now.", "{p} gave it up and plays {v} instead."),
        ("{p}'s sport is {v} these days.", "{p} trains for {v}."),
        ("At the club they have {p} playing {v} now.", "Now {v} is what {p} plays."),
        ("{p} stopped playing {v}.", "{p} does not play {v} any more."),
        ("badminton", "rugby", "water polo", "table tennis", "handball"),
    ),
    Topic(
        ("{p}'s phone number ends in {v}.", "{p}'s phone has a number ending in {v}."),
        ("{p} has a new phone number, ending in {v}.", "{p}'s phone number ends in {v} now."),
        ("Call {p} on the line ending in {v} from now on.", "{p} can be reached at {v}."),
        ("The number ending in {v} is the new phone of {p}.", "With {v} ends the phone number of {p}."),
        ("The number ending in {v} is not {p}'s any more.", "{p} cannot be called at {v} any longer."),
        ("4471", "9025", "1388", "6610", "7254"),
    ),
    Topic(
        ("{p} will spend the holidays in {v}.", "{p} booked holidays in {v}."),
        ("{p} will spend the holidays in {v} instead.", "{p} changed the holidays to {v}."),
        ("{p} cancelled that and travels to {v}.", "{p} is flying to {v} in summer."),
        ("To {v} go the holidays of {p} now.", "This year {v} will be the holidays of {p}."),
        ("{p} is not going to {v} after all.", "{p} cancelled {v}."),
        ("Crete", "Patagonia", "the Dolomites", "Kyoto", "Zanzibar"),
    ),
]

PASSING = (
    "{p} had lunch with {q} on Thursday.", "{p} said that the meeting with {q} went well.", "{p} read a novel about {t}.",
    "{p} lent {q} an umbrella.", "{p} was late because of the {t}.", "{p} laughed at a film about {t}.",
    "{p} wrote the minutes of the talk on {t}.", "{p} asked {q} about the {t}.", "{p} took photos of the {t}.",
    "{p} gave a talk on {t} in May.", "{p} helped {q} to carry boxes.", "{p} won a prize for the {t} project.",
    "{p} was in hospital for two days in April.", "{p} painted the kitchen with {q}.", "{p} repaired the {t}.",
    "{p} heard a concert with {q} last winter.", "{p} went to a wedding in June.", "{p} baked bread for the {t} party.",
    "{p} and {q} went to the same school.", "{p} once met a minister because of the {t}.",
)  # fmt: skip
"""What happened once: true for ever, and about the very people whose facts change."""

THEMES = [
    "bridge",
    "garden",
    "harbour",
    "museum",
    "railway",
    "theatre",
    "orchard",
    "lighthouse",
    "market",
    "festival",
    "greenhouse",
    "observatory",
]

UNHEARD = 2
"""How many values of each topic are kept for the new facts, where nobody has had the new value."""

SYSTEMS = [
    "billing",
    "gateway",
    "checkout",
    "search",
    "ranking",
    "ledger",
    "mailer",
    "scheduler",
    "uploader",
    "notifier",
    "reporting",
    "archive",
    "inventory",
    "payroll",
    "onboarding",
    "telemetry",
    "cache",
    "router",
    "indexer",
    "exporter",
]


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that a system is set to: told, and changed in other words."""

    told: str
    changed: tuple[str, ...]
    numbers: tuple[int, ...]


SETTINGS = [
    Setting("The {s} keeps backups for {n} days.", ("Backups of the {s} are now kept {n} days.", "{s}: backup retention went to {n} days."), (7, 14, 21, 30, 60)),
    Setting("The {s} allows {n} requests a minute.", ("The rate limit of the {s} is {n} a minute now.", "We raised what the {s} takes to {n} requests a minute."), (60, 120, 300, 600, 900)),
    Setting("The timeout of the {s} is {n} seconds.", ("The {s} times out after {n} seconds now.", "We set the {s} to give up after {n} seconds."), (5, 10, 30, 45, 90)),
    Setting("The {s} runs on {n} machines.", ("We scaled the {s} to {n} machines.", "There are {n} machines for the {s} now."), (2, 3, 4, 6, 8)),
    Setting("The {s} listens on port {n}.", ("The port of the {s} is now {n}.", "Connect to the {s} through {n} from today."), (5433, 6432, 8080, 9200, 9443)),
    Setting("The {s} costs {n} dollars a month.", ("The bill of the {s} is {n} dollars a month now.", "We pay {n} dollars a month for the {s}."), (120, 340, 510, 880, 990)),
    Setting("The {s} was last deployed as version {n}.0.", ("Version {n}.0 of the {s} is live.", "The {s} is on {n}.0 since this morning."), (2, 3, 4, 5, 6)),
]  # fmt: skip

MEANING = {
    "written": "written one by one, each among the 16 to 18 facts of its notebook",
    "written.together": "written one by one, all four notebooks in one",
    "restated": "told again with the topic's word",
    "reordered": "with the topic's word, the person in another place of the sentence",
    "denied": "the old value denied, no new one given",
    "numbers of systems": "a number changed, of things without a capital letter",
    "restated.many": "told again with the topic's word, among 40 facts about each person",
    "paraphrased": "only the name in common; others have had the new value",
    "paraphrased.many": "only the name in common, among 40 facts about each person; others have had the new value",
    "paraphrased.unheard": "only the name in common, with a value that nobody has had",
    "one person": "20 facts, all about one person, told again in any way with a value that is new",
}
"""What each kind of set is."""


def generated() -> dict[str, list[Replacement]]:
    """Every kind of set by its name. The same in every run."""
    return {
        "written": [one for notes in NOTEBOOKS for one in _noted(notes)],
        "written.together": _noted([note for notes in NOTEBOOKS for note in notes]),
        "restated": _about_people("restated"),
        "reordered": _about_people("reordered"),
        "denied": _about_people("denied"),
        "numbers of systems": _about_systems(),
        "restated.many": _about_people("restated", passing=28),
        "paraphrased": _about_people("paraphrased"),
        "paraphrased.many": _about_people("paraphrased", passing=28),
        "paraphrased.unheard": _about_people("paraphrased", unheard=True),
        "one person": _one_person(),
    }


def _noted(notes: Sequence[tuple[str, str | None]]) -> list[Replacement]:
    facts = [old for old, _ in notes]
    return [Replacement(facts, new, at) for at, (_, new) in enumerate(notes) if new]


def _about_people(kind: str, *, passing: int = 0, unheard: bool = False, seed: int = 7) -> list[Replacement]:
    """One replacement for each thing about each person, all among the same facts.

    passing: how many facts more each person has. unheard: new values are none that others have.
    """
    chance = random.Random(seed)
    people: list[str] = list(PEOPLE.split())
    facts: list[str] = []
    news: list[tuple[str, int]] = []
    for name in people:
        for topic in TOPICS:
            old = topic.values[:-UNHEARD] if unheard else topic.values
            before = chance.choice(old)
            after = chance.choice(
                [one for one in topic.values if one != before and not (unheard and one in old)]
            )
            news.append(
                (
                    _told_anew(topic, kind, chance).format(p=name, v=before if kind == "denied" else after),
                    len(facts),
                )
            )
            facts.append(chance.choice(topic.told).format(p=name, v=before))
        facts += _passing(name, people, passing, chance)
    return [Replacement(facts, new, at) for new, at in news]


def _told_anew(topic: Topic, kind: str, chance: random.Random) -> str:
    return chance.choice(getattr(topic, kind))


def _passing(name: str, people: list[str], count: int, chance: random.Random) -> list[str]:
    made: dict[str, None] = {}
    while len(made) < count:
        other = chance.choice([one for one in people if one != name])
        made[chance.choice(PASSING).format(p=name, q=other, t=chance.choice(THEMES))] = None
    return list(made)


def _one_person(seed: int = 11) -> list[Replacement]:
    """Few facts, all about one person: the name tells nothing, and the new fact may be in any words."""
    chance = random.Random(seed)
    people: list[str] = list(PEOPLE.split())
    made: list[Replacement] = []
    for name in people:
        values = [chance.sample(topic.values, 2) for topic in TOPICS]
        facts = [
            chance.choice(topic.told).format(p=name, v=value[0])
            for topic, value in zip(TOPICS, values, strict=True)
        ]
        facts += _passing(name, people, 8, chance)
        for at, (topic, value) in enumerate(zip(TOPICS, values, strict=True)):
            kind = chance.choice(("restated", "paraphrased", "reordered"))
            made.append(Replacement(facts, _told_anew(topic, kind, chance).format(p=name, v=value[1]), at))
    return made


def _about_systems(seed: int = 13) -> list[Replacement]:
    """Numbers of things without a capital letter, where others have the same numbers."""
    chance = random.Random(seed)
    facts: list[str] = []
    news: list[tuple[str, int]] = []
    for system in SYSTEMS:
        for setting in SETTINGS:
            before, after = chance.sample(setting.numbers, 2)
            news.append((chance.choice(setting.changed).format(s=system, n=after), len(facts)))
            facts.append(setting.told.format(s=system, n=before))
    return [Replacement(facts, new, at) for new, at in news]
