"""Values as SISs write them, read for what they mean: texts, words, dates, lists and references."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import unquote

from bridge.roster.model import VOCABULARIES

_EXTENSION = re.compile(r"ext:[A-Za-z0-9._-]+")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ].*)?", re.DOTALL)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")

# Words that mean one of a vocabulary's: of OneRoster 1.1, of the CSV binding, or seen in the field.
_SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "flag": {"1": "true", "yes": "true", "y": "true", "0": "false", "no": "false", "n": "false"},
    "status": {"inactive": "tobedeleted", "deleted": "tobedeleted"},
    # 1.1 says administrator, and not of what: the least of the three that 1.2 knows.
    "userRole": {"administrator": "siteAdministrator", "counsellor": "counselor"},
    "sex": {"m": "male", "f": "female", "x": "other", "u": "unspecified", "unknown": "unspecified"},
}


def read_text(value: Any) -> str | None:
    """A text; of a flag or a number its JSON text; ``None`` if there is nothing in it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() if value.strip():
            return value
        case _:
            return None


def is_blank(value: Any) -> bool:
    """Whether a value says nothing."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def read_word(vocabulary: str, text: str | None) -> str | None:
    """The word of a vocabulary that a text means; one of its own, where the vocabulary lets that be."""
    if text is None:
        return None
    known = VOCABULARIES[vocabulary]
    text = text.strip()
    if text in known.words or (known.extensible and _EXTENSION.fullmatch(text)):
        return text
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    words: dict[str, str] = {word.lower(): word for word in known.words}
    words.update(_SYNONYMS.get(vocabulary, {}))
    found = words.get(plain) or words.get(plain.removesuffix("s"))
    if found is None and known.extensible:
        token = re.sub(r"[^A-Za-z0-9._-]+", "-", text.removeprefix("ext:")).strip("-")
        return f"ext:{token}" if token else None
    return found


def read_date(text: str | None) -> str | None:
    """The day of a date or a date-time, as it is written."""
    match = _DATE.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    try:
        date.fromisoformat(match[1])
    except ValueError:
        return None
    return match[1]


def read_uri(text: str | None) -> str | None:
    """A text that is a URI."""
    return text if text and _URI.fullmatch(text) else None


def read_list(value: Any, *, split: bool = False) -> list[Any]:
    """A list, whatever stands where one should: one thing alone, or a text with commas."""
    if isinstance(value, list):
        return value
    if split and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [] if value is None or value == "" else [value]


def read_reference(value: Any) -> str | None:
    """The sourcedId in a reference: with or without an address, of an address alone, or as a bare text."""
    if not isinstance(value, Mapping):
        return read_text(value)
    href = value.get("href")
    found = read_text(value.get("sourcedId"))
    if found is None and isinstance(href, str):
        found = read_text(unquote(href.partition("?")[0].rpartition("/")[2]))
    return found
