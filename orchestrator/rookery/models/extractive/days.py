"""Days and periods that a question names, and whether something is of one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

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

_RELATIVE = re.compile(r"\b(?:yesterday|today|(?<!the )(?:last|this)\s+(?:week|month))\b", re.IGNORECASE)
_COUNTED = re.compile(
    r"\b(?:the\s+(?:last|past)|(?:last|past)\s+(?=\d))\s*(?P<count>\d{1,4})?\s*(?P<unit>day|week|month)s?\b",
    re.IGNORECASE,
)
_IN_MONTH = re.compile(rf"\b(?P<how>in|during|since)\s+{_MONTH}(?!\s+\d{{1,2}}\b){_YEAR}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month; of any year when the question does not say."""

    month: int
    day: int
    year: int | None = None

    def holds(self, stamp: str) -> bool:
        """Whether a date, YYYY-MM-DD or empty, is this day."""
        if not stamp:
            return False
        year, month, day = map(int, stamp.split("-"))
        return (month, day) == (self.month, self.day) and self.year in (None, year)

    def latest(self, today: date) -> date | None:
        """This day, where the question names no year the last one that was; None for a day that never is."""
        for year in range(today.year, today.year - 8, -1) if self.year is None else (self.year,):
            try:
                found = date(year, self.month, self.day)
            except ValueError:
                continue
            if self.year is not None or found <= today:
                return found
        return None


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both included."""

    first: date
    last: date

    def holds(self, stamp: str) -> bool:
        """Whether a date, YYYY-MM-DD or empty, lies in it."""
        return bool(stamp) and self.first.isoformat() <= stamp <= self.last.isoformat()


def days_in(question: str) -> list[Day]:
    """The days that stand in a question, such as “on 13 October”, “Oct 13th, 2026” or 2026-10-13."""
    written = [match for pattern in _WRITTEN for match in pattern.finditer(question)]
    days = [Day(_number(match["month"]), int(match["day"]), _year(match["year"])) for match in written]
    days += [Day(int(m["number"]), int(m["day"]), int(m["year"])) for m in _ISO.finditer(question)]
    return [day for day in days if 1 <= day.day <= 31 and 1 <= day.month <= 12]


def periods_in(question: str, today: date) -> list[Period]:
    """The days and the spans of days that a question names, as of today: “yesterday”, “last week”, “in October”."""
    named = [day.latest(today) for day in days_in(question)]
    periods = [Period(day, day) for day in named if day is not None]
    periods += [_relative(match, today) for match in _RELATIVE.finditer(question)]
    periods += [_counted(match, today) for match in _COUNTED.finditer(question)]
    periods += [_month(match, today) for match in _IN_MONTH.finditer(question)]
    return list(dict.fromkeys(periods))


def _relative(match: re.Match[str], today: date) -> Period:
    words = match[0].lower().split()
    if len(words) == 1:
        day = today - timedelta(days=words[0] == "yesterday")
        return Period(day, day)
    back = words[0] == "last"
    if words[1] == "week":
        monday = today - timedelta(days=today.weekday() + 7 * back)
        return Period(monday, monday + timedelta(days=6))
    first = today.replace(day=1)
    return _whole_month(first - timedelta(days=1) if back else first)


def _counted(match: re.Match[str], today: date) -> Period:
    days = int(match["count"] or 1) * {"day": 1, "week": 7, "month": 30}[match["unit"].lower()]
    return Period(today - timedelta(days=min(days, 3650)), today)


def _month(match: re.Match[str], today: date) -> Period:
    month, year = _number(match["month"]), _year(match["year"])
    if year is None:
        year = today.year - (month > today.month)
    whole = _whole_month(date(min(max(year, 1), 9998), month, 1))
    return Period(whole.first, max(today, whole.last)) if match["how"].lower() == "since" else whole


def _whole_month(day: date) -> Period:
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def _number(month: str) -> int:
    return _MONTHS.index(month[:3].lower()) + 1


def _year(text: str | None) -> int | None:
    return int(text) if text else None
