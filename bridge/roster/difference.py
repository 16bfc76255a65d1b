"""What differs between two versions of a record, field by field, and which of it is about a person.

Pure. The address in a reference follows from the bridge's own and from the sourcedId, so it is no difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.roster.model import COLLECTIONS, DEMOGRAPHICS, ENROLLMENTS, USERS

# What tells nobody who somebody is, or only by ids: all fields of the classes that are not about people, and these of
# those that are. Whatever else a record holds is personal.
_IMPERSONAL: Mapping[str, frozenset[str]] = {
    **{name: frozenset(collection.fields) - {"metadata"} for name, collection in COLLECTIONS.items()},
    USERS.name: frozenset({"sourcedId", "status", "enabledUser", "roles", "primaryOrg", "agents", "grades"}),
    ENROLLMENTS.name: frozenset(
        {"sourcedId", "status", "user", "class", "school", "role", "primary", "beginDate", "endDate"}
    ),
    DEMOGRAPHICS.name: frozenset({"sourcedId", "status"}),
}
_IDS: Mapping[str, frozenset[str]] = {
    USERS.name: frozenset({"sourcedId", "agents"}),
    ENROLLMENTS.name: frozenset({"sourcedId", "user"}),
    DEMOGRAPHICS.name: frozenset({"sourcedId"}),
}
_IMPERSONAL_IN_ROLES = frozenset({"roleType", "role", "org", "beginDate", "endDate"})
# Of whatever class: a SIS may write anything into the rest.
_IMPERSONAL_METADATA = frozenset(
    {
        "metadata.bridge.supplied",
        "metadata.bridge.source",
        "metadata.bridge.signed",
        "metadata.lti.roles",
        "metadata.lti.status",
        "metadata.lti.contextId",
        "metadata.lti.deploymentId",
        "metadata.lti.issuer",
        "metadata.lti.rolesMapVersion",
    }
)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not the same.

    :param field: its wire name; keys of the metadata as ``metadata.<key>``, and what tells of a person in her roles as
        ``roles.<key>``, with a value for each role.
    :param before: ``None`` where the record did not have it, or was not there.
    :param personal: whether the values say something of a person that tells who she is: a name, an address, an id.
    :param ids: whether the values are sourcedIds of people, are often made of them, or refer to people by them. A
        source may know people by their addresses.
    """

    field: str
    before: Any
    after: Any
    personal: bool
    ids: bool = False


def differences(collection: str, before: Document | None, after: Document | None) -> list[Difference]:
    """The fields in which two versions of a record differ, in the order in which the record has them.

    :param before: ``None`` if there was no record.
    :param after: ``None`` if there is none any more.
    """
    old, new = dict(_fields(before)), dict(_fields(after))
    return [
        Difference(name, old.get(name), new.get(name), _is_personal(collection, name), name in _IDS.get(collection, ()))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def _fields(document: Document | None) -> Iterator[tuple[str, Any]]:
    for name, value in (document or {}).items():
        if name == "metadata" and isinstance(value, Mapping):
            for key, inner in value.items():
                yield f"metadata.{key}", inner
        elif name == "roles" and isinstance(value, list) and all(isinstance(role, Mapping) for role in value):
            yield (
                name,
                [{key: _without_addresses(role[key]) for key in role if key in _IMPERSONAL_IN_ROLES} for role in value],
            )
            for key in sorted({key for role in value for key in role} - _IMPERSONAL_IN_ROLES):
                yield f"roles.{key}", [role.get(key) for role in value]
        else:
            yield name, _without_addresses(value)


def _without_addresses(value: Any) -> Any:
    match value:
        case {"href": _, "sourcedId": _}:
            return {key: inner for key, inner in value.items() if key != "href"}
        case dict():
            return {key: _without_addresses(inner) for key, inner in value.items()}
        case list():
            return [_without_addresses(each) for each in value]
        case _:
            return value


def _is_personal(collection: str, field: str) -> bool:
    return field not in _IMPERSONAL[collection] and field not in _IMPERSONAL_METADATA
