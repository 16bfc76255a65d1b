"""A document as a caller may see it: without hidden fields, and without references to records that she may not see.

An entry of a user's ``roles`` at an org that may not be seen is left out as a whole: it would tell what somebody is
elsewhere. References to resources are kept, since no service here holds any.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bridge.roster.model import BY_SINGULAR, OBJECTS, Collection, Field, Kind

Sees = Callable[[str, str], bool]
"""Whether the record of this collection, by its name, with this sourcedId may be seen."""


def redacted(body: Mapping[str, Any], shown: Collection, sees: Sees | None) -> dict[str, Any]:
    """What of a document may be seen.

    :param shown: its class with the fields that may be seen.
    :param sees: ``None`` if every record may be seen.
    """
    profiles = any(path.name == "roles.userProfile" for path in shown.paths)
    kept = {}
    for member in shown.members:
        if member.name in body:
            value = body[member.name]
            if sees is not None:
                value = _seen(member, value, sees)
            if value is not None:
                kept[member.name] = value
    if not profiles and isinstance(kept.get("roles"), list):
        kept["roles"] = [{key: role[key] for key in role if key != "userProfile"} for role in kept["roles"]]
    return kept


def _seen(member: Field, value: Any, sees: Sees) -> Any:
    """A field's value as far as it may be seen; ``None`` if nothing of it may."""
    match member.kind:
        case Kind.REFERENCE:
            return value if _leads_to_seen(member, value, sees) else None
        case Kind.REFERENCES:
            return [each for each in value if _leads_to_seen(member, each, sees)] or None
        case Kind.OBJECTS:
            references = [inner for inner in OBJECTS[member.of] if inner.kind is Kind.REFERENCE]
            return [
                each
                for each in value
                if all(_leads_to_seen(inner, each[inner.name], sees) for inner in references if inner.name in each)
            ]
        case _:
            return value


def _leads_to_seen(member: Field, reference: Any, sees: Sees) -> bool:
    collection = BY_SINGULAR.get(member.of)
    return collection is None or sees(collection.name, reference["sourcedId"])
