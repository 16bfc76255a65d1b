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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bridge.roster.identity import SourcedId
from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    BY_SINGULAR,
    CLASSES,
    COURSES,
    OBJECTS,
    ORGS,
    USERS,
    Collection,
    Field,
    Kind,
)
from bridge.roster.names import MISSING_PART
from bridge.roster.references import References
from bridge.roster.spellings import is_blank, read_date, read_list, read_reference, read_text, read_uri, read_word
from bridge.roster.supplied import SUPPLIED

_UNKNOWN = "ext:unknown"
_LISTS = frozenset({Kind.LIST, Kind.REFERENCES, Kind.OBJECTS})

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
                    problem = "is missing" if is_blank(said.get(field.name)) else "cannot be used"
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
                return read_word(field.of, read_text(value))
            case Kind.DATE:
                return read_date(read_text(value))
            case Kind.URI:
                return read_uri(read_text(value))
            case Kind.LIST:
                return [text for each in read_list(value, split=True) if (text := read_text(each))] or None
            case Kind.REFERENCE:
                return self._reference(field.of, value)
            case Kind.REFERENCES:
                return [
                    found for each in read_list(value, split=True) if (found := self._reference(field.of, each))
                ] or None
            case Kind.OBJECTS:
                return self._objects(field.of, value) or None
            case _:
                return read_text(value)

    def _reference(self, singular: str, value: Any) -> Mapping[str, str] | None:
        found = read_reference(value)
        if found is None:
            return None
        sourced_id = SourcedId(self.prefix + found)
        collection = BY_SINGULAR.get(singular)
        return self.references.to(collection, sourced_id) if collection else self.references.to_resource(sourced_id)

    def _objects(self, name: str, value: Any) -> list[dict[str, Any]]:
        """The entries of a list that have all they must; of roles at one org, one is the primary."""
        found: list[dict[str, Any]] = []
        for each in read_list(value):
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
    return read_text(raw.get("sourcedId"))


def is_ended(raw: Mapping[str, Any]) -> bool:
    """Whether a record says of itself that it is over."""
    return read_word("status", read_text(raw.get("status"))) == "tobedeleted"


def _with_roles(said: dict[str, Any]) -> dict[str, Any]:
    """A user as 1.2 has her: 1.1 gives one ``role``, and the ``orgs`` at which she has it."""
    if read_list(said.get("roles")):
        return _with_orgs(said)
    if is_blank(said.get("role")):
        return said
    orgs = [org for org in read_list(said.get("orgs"), split=True) if read_reference(org) is not None]
    org = orgs[0] if len(orgs) == 1 else None
    roles = [
        {"roleType": "primary", "role": said.get("role"), "org": each} for each in orgs or [said.get("primaryOrg")]
    ]
    return {"primaryOrg": org, **said, "roles": roles}


def _with_orgs(said: dict[str, Any]) -> dict[str, Any]:
    """Roles without an org are meant at the user's own."""
    home = said.get("primaryOrg") or next(iter(read_list(said.get("orgs"))), None)
    roles = [{"org": home, **each} if isinstance(each, Mapping) else each for each in read_list(said["roles"])]
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
        return next((text for name in names if (text := read_text(said.get(name)))), body["sourcedId"])

    return supply


def _preferred(name: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], str]:
    return lambda _, said: read_text(said.get(name)) or MISSING_PART


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
