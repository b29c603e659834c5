"""What is wrong with the arguments of a call, in our own words: the field, what it must be, and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from rookery_core.errors import InvalidInput
from rookery_core.suggestions import suggest

Details = Mapping[str, Any]
"""One entry of `ValidationError.errors()`."""

_WORDS: dict[str, str | Callable[[Details], str]] = {
    "missing": "is missing",
    "missing_argument": "is missing",
    "missing_keyword_only_argument": "is missing",
    "unexpected_keyword_argument": "is not an argument of this tool",
    "extra_forbidden": "is not a field here",
    "string_type": "must be a text",
    "string_too_short": lambda about: f"must have at least {_count(about['min_length'], 'character')}",
    "string_too_long": lambda about: f"must have at most {_count(about['max_length'], 'character')}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "sequence_str": "must be a list",
    "is_instance_of": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "typed_dict_type": "must be an object",
    "dataclass_type": "must be an object",
    "literal_error": lambda about: f"must be {about['expected']}",
    "enum": lambda about: f"must be {about['expected']}",
    "greater_than_equal": lambda about: f"must be at least {about['ge']:g}",
    "greater_than": lambda about: f"must be greater than {about['gt']:g}",
    "less_than_equal": lambda about: f"must be at most {about['le']:g}",
    "less_than": lambda about: f"must be less than {about['lt']:g}",
    "too_short": lambda about: f"must have at least {_count(about['min_length'], 'item')}",
    "too_long": lambda about: f"must have at most {_count(about['max_length'], 'item')}",
    "value_error": lambda about: str(about["error"]),
}


def argument_error(error: ValidationError, accepted: Iterable[str] = ()) -> InvalidInput:
    """Arguments that do not fit the schema, by field and cause. The given values are not repeated.

    accepted: the names of the tool's arguments, to suggest one for a misspelt name.
    """
    names = list(accepted)
    problems: dict[str, str] = {}
    candidates: list[str] = []
    for details in error.errors(include_input=False, include_url=False):
        field = _field(details["loc"])
        problems.setdefault(field, _words(details))
        if details["type"] == "unexpected_keyword_argument":
            candidates += suggest(field, names)
    return InvalidInput(
        "; ".join(f"{field}{words}" for field, words in problems.items()) + ".",
        hint="Call again with arguments that fit the tool's input schema.",
        candidates=list(dict.fromkeys(candidates)),
    )


def _words(details: Details) -> str:
    words = _WORDS.get(details["type"])
    if words is None:
        return f" is not accepted ({details['msg']})"
    text = words if isinstance(words, str) else words(details.get("ctx", {}))
    return f": {text}" if details["type"] == "value_error" else f" {text}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _field(location: Iterable[int | str]) -> str:
    """`turns[0].speaker`; without the names of a union's branches, which are no fields."""
    first, *rest = location or ("arguments",)
    text = str(first)
    for part in rest:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() and part not in ("str", "int", "float", "bool", "list", "dict", "none"):
            text += f".{part}"
    return text
