"""Records as SISs write them, made into the records that OneRoster 1.2 describes.

Strict in what leaves, lenient in what comes: JSON booleans where the standard wants ``"true"``, numbers for texts,
``null`` and blanks for what is not there, references without addresses or as bare texts, words in another case,
date-times for dates, and the fields of OneRoster 1.1, ``role`` and ``orgs`` of a user above all. What no rule makes
valid is left out where the standard lets it be, supplied and marked as supplied where something neutral can be said,
and refused otherwise. Fields that the class does not have are left out; ``metadata`` stays as it came. Passwords are
never kept.

Pure, and driven by the table of fields in :mod:`bridge.roster.model`. The rules are in
``docs/decisions/0015-records-of-a-sis.md``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

from bridge.roster.identity import SourcedId
from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    CLASSES,
    COLLECTIONS,
    COURSES,
    OBJECTS,
    ORGS,
    USERS,
    VOCABULARIES,
    Collection,
    Field,
    Kind,
)
from bridge.roster.names import MISSING_PART
from bridge.roster.references import References
from bridge.roster.supplied import SUPPLIED

_BY_SINGULAR = {collection.singular: collection for collection in COLLECTIONS.values()}
_EXTENSION = re.compile(r"ext:[A-Za-z0-9._-]+")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ].*)?", re.DOTALL)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
_UNKNOWN = "ext:unknown"
_LISTS = frozenset({Kind.LIST, Kind.REFERENCES, Kind.OBJECTS})

# Words that mean one of a vocabulary's: of OneRoster 1.1, of the CSV binding, or seen in the field.
_SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "flag": {"1": "true", "yes": "true", "y": "true", "0": "false", "no": "false", "n": "false"},
    "status": {"inactive": "tobedeleted", "deleted": "tobedeleted"},
    # 1.1 says administrator, and not of what: the least of the three that 1.2 knows.
    "userRole": {"administrator": "siteAdministrator", "counsellor": "counselor"},
    "sex": {"m": "male", "f": "female", "x": "other", "u": "unspecified", "unknown": "unspecified"},
}
_FORMER_NAMES = {
    "birthdate": "birthDate",  # 1.1
    "preferredGivenName": "preferredFirstName",  # the CSV binding's words
    "preferredFamilyName": "preferredLastName",
}


class Unusable(ValueError):
    """A record that cannot be served, and that nothing makes valid. The message holds no personal data."""


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Makes records valid.

    :param references: gives every reference the bridge's own address.
    :param prefix: goes before the sourcedId of every reference.
    """

    references: References
    prefix: str = ""

    def record(self, collection: Collection, sourced_id: SourcedId, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The OneRoster 1.2 record that this one means, without ``dateLastModified``.

        :param sourced_id: its own, with the prefix.
        :raises Unusable: if a required field can neither be read nor supplied.
        """
        said = {_FORMER_NAMES.get(name, name): value for name, value in raw.items()}
        if collection is USERS:
            said = _with_roles(said)
        body: dict[str, Any] = {"sourcedId": sourced_id}
        supplied: list[str] = []
        for field in collection.members[1:]:
            value = self._value(field, said.get(field.name))
            if field.name == "status":
                value = value or "active"
            elif said.get(field.name) == [] and field.kind in _LISTS and not field.required:
                value = []
            elif value is None and field.required and field.kind is not Kind.INSTANT:
                value = _supplied(collection, field.name, body, said)
                if value is None:
                    problem = "is missing" if _is_blank(said.get(field.name)) else "cannot be used"
                    raise Unusable(f"{field.name} {problem}")
                supplied.append(field.name)
            if value is not None:
                body[field.name] = value
        if supplied:
            metadata = body.pop("metadata", {})
            before = [metadata[SUPPLIED]] if isinstance(metadata.get(SUPPLIED), str) and metadata[SUPPLIED] else []
            body["metadata"] = {**metadata, SUPPLIED: ",".join([*before, *supplied])}
        return body

    def _value(self, field: Field, value: Any) -> Any:
        match field.kind:
            case Kind.SECRET | Kind.SECRETS | Kind.INSTANT:
                return None
            case Kind.OPEN:
                return value if isinstance(value, Mapping) and value else None
            case Kind.WORD:
                return _word(field.of, _text(value))
            case Kind.DATE:
                return _date(_text(value))
            case Kind.URI:
                text = _text(value)
                return text if text and _URI.fullmatch(text) else None
            case Kind.LIST:
                return [text for each in _listed(value, split=True) if (text := _text(each))] or None
            case Kind.REFERENCE:
                return self._reference(field.of, value)
            case Kind.REFERENCES:
                return [
                    found for each in _listed(value, split=True) if (found := self._reference(field.of, each))
                ] or None
            case Kind.OBJECTS:
                return self._objects(field.of, value) or None
            case _:
                return _text(value)

    def _reference(self, singular: str, value: Any) -> Mapping[str, str] | None:
        found = _referred(value)
        if found is None:
            return None
        sourced_id = SourcedId(self.prefix + found)
        collection = _BY_SINGULAR.get(singular)
        return self.references.to(collection, sourced_id) if collection else self.references.to_resource(sourced_id)

    def _objects(self, name: str, value: Any) -> list[dict[str, Any]]:
        """The entries of a list that have all they must; of roles at one org, one is the primary."""
        found: list[dict[str, Any]] = []
        for each in _listed(value):
            if not isinstance(each, Mapping):
                continue
            read = {field.name: self._value(field, each.get(field.name)) for field in OBJECTS[name]}
            if name == "role" and read["roleType"] is None:
                read["roleType"] = "secondary" if any(one["org"] == read["org"] for one in found) else "primary"
            if all(read[field.name] is not None for field in OBJECTS[name] if field.required):
                found.append({key: part for key, part in read.items() if part is not None})
        return found


def sourced_id_of(raw: Mapping[str, Any]) -> str | None:
    """A record's own sourcedId; ``None`` if it has none."""
    return _text(raw.get("sourcedId"))


def is_ended(raw: Mapping[str, Any]) -> bool:
    """Whether a record says of itself that it is over."""
    return _word("status", _text(raw.get("status"))) == "tobedeleted"


def _with_roles(said: dict[str, Any]) -> dict[str, Any]:
    """A user as 1.2 has her: 1.1 gives one ``role``, and the ``orgs`` at which she has it."""
    if _listed(said.get("roles")):
        return _with_orgs(said)
    if _is_blank(said.get("role")):
        return said
    orgs = [org for org in _listed(said.get("orgs"), split=True) if _referred(org) is not None]
    org = orgs[0] if len(orgs) == 1 else None
    roles = [
        {"roleType": "primary", "role": said.get("role"), "org": each} for each in orgs or [said.get("primaryOrg")]
    ]
    return {"primaryOrg": org, **said, "roles": roles}


def _with_orgs(said: dict[str, Any]) -> dict[str, Any]:
    """Roles without an org are meant at the user's own."""
    home = said.get("primaryOrg") or next(iter(_listed(said.get("orgs"))), None)
    roles = [{"org": home, **each} if isinstance(each, Mapping) else each for each in _listed(said["roles"])]
    return {**said, "roles": roles}


def _supplied(collection: Collection, name: str, body: Mapping[str, Any], said: Mapping[str, Any]) -> Any:
    """Something neutral for a required field of which nothing usable was said; ``None`` if there is nothing such."""
    supply = _NEUTRAL.get((collection.name, name))
    return supply(body, said) if supply else None


def _school_year(body: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    # The year in which it ends; endDate is the day after.
    return str((date.fromisoformat(body["endDate"]) - timedelta(days=1)).year)


def _or_id(*names: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str]:
    def supply(body: Mapping[str, Any], said: Mapping[str, Any]) -> str:
        return next((text for name in names if (text := _text(said.get(name)))), body["sourcedId"])

    return supply


def _preferred(name: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str]:
    return lambda _, said: _text(said.get(name)) or MISSING_PART


_NEUTRAL: Mapping[tuple[str, str], Callable[[Mapping[str, Any], Mapping[str, Any]], Any]] = {
    (ORGS.name, "name"): _or_id("identifier"),
    (ORGS.name, "type"): lambda *_: _UNKNOWN,
    (ORGS.name, "identifier"): _or_id(),
    (ACADEMIC_SESSIONS.name, "title"): _or_id(),
    (ACADEMIC_SESSIONS.name, "type"): lambda *_: _UNKNOWN,
    (ACADEMIC_SESSIONS.name, "schoolYear"): _school_year,
    (COURSES.name, "title"): _or_id("courseCode"),
    (COURSES.name, "courseCode"): _or_id(),
    (CLASSES.name, "title"): _or_id("classCode"),
    (USERS.name, "enabledUser"): lambda *_: "true",
    (USERS.name, "givenName"): _preferred("preferredFirstName"),
    (USERS.name, "familyName"): _preferred("preferredLastName"),
}


def _text(value: Any) -> str | None:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() if value.strip():
            return value
        case _:
            return None


def _is_blank(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


def _word(vocabulary: str, text: str | None) -> str | None:
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


def _date(text: str | None) -> str | None:
    match = _DATE.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    try:
        date.fromisoformat(match[1])
    except ValueError:
        return None
    return match[1]


def _listed(value: Any, *, split: bool = False) -> list[Any]:
    """A list, whatever stands where one should: one thing alone, or a text with commas."""
    if isinstance(value, list):
        return value
    if split and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [] if value is None or value == "" else [value]


def _referred(value: Any) -> str | None:
    """The sourcedId in a reference: with or without an address, of an address alone, or as a bare text."""
    if not isinstance(value, Mapping):
        return _text(value)
    href = value.get("href")
    found = _text(value.get("sourcedId"))
    if found is None and isinstance(href, str):
        found = _text(unquote(href.partition("?")[0].rpartition("/")[2]))
    return found
