"""Days that a question names, and whether something is of one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?\b"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_WRITTEN = [
    re.compile(rf"\b{_DAY}(?:\s+of)?\s+{_MONTH}{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+{_DAY}{_YEAR}", re.IGNORECASE),
]
_ISO = re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})\b")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month; of any year when the question does not say."""

    month: int
    day: int
    year: int | None = None

    def is_of(self, date: str) -> bool:
        """Whether a date, YYYY-MM-DD or empty, is this day."""
        if not date:
            return False
        year, month, day = map(int, date.split("-"))
        return (month, day) == (self.month, self.day) and self.year in (None, year)


def days_in(question: str) -> list[Day]:
    """The days that stand in a question, such as “on 13 October”, “Oct 13th, 2026” or 2026-10-13."""
    written = [match for pattern in _WRITTEN for match in pattern.finditer(question)]
    days = [
        Day(_MONTHS.index(match["month"][:3].lower()) + 1, int(match["day"]), _year(match["year"]))
        for match in written
    ]
    days += [Day(int(m["number"]), int(m["day"]), int(m["year"])) for m in _ISO.finditer(question)]
    return [day for day in days if 1 <= day.day <= 31 and 1 <= day.month <= 12]


def _year(text: str | None) -> int | None:
    return int(text) if text else None
