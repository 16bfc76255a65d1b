"""What LTI tools hand in of a person, one word after another, joined so that their order does not matter.

A feeder's word is one launch that it was given. For each field the latest word stands, and whatever the platform has
signed stands above what a feeder only claims: so a word that says less than an earlier one deletes nothing, and it does
not matter whether one arrives late, twice or out of order. Joining is commutative, associative and idempotent.

The joined words are one JSON text, ``{"user_id": …, "said": {field: {"signed", "at", "by", "value"}}}``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Membership

_FIELDS = (
    "roles",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "email",
    "picture",
    "person_sourced_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one launch, handed in by one feeder, says of a person.

    :param feeder: the name of the tool that handed it in.
    :param signed: whether the platform has signed it; else it is the feeder's own word.
    :param at: the stamp of what was said: of the signature, or of the hand-in.
    """

    feeder: str
    signed: bool
    at: str
    member: Membership


@dataclass(frozen=True, slots=True, kw_only=True)
class FedMember:
    """A person as the joined words have her.

    :param feeder: whose word her roles are.
    :param signed: whether the platform has signed these.
    """

    member: Membership
    feeder: str
    signed: bool


def write_word(word: Word) -> bytes:
    """A word as the text of a fact."""
    said = {"signed": word.signed, "at": word.at, "by": word.feeder}
    values = {name: getattr(word.member, name) for name in _FIELDS}
    values["roles"] = list(word.member.roles)
    return _text(
        {
            "user_id": word.member.user_id,
            "said": {name: {**said, "value": value} for name, value in values.items() if value is not None},
        }
    )


def join_words(one: bytes, other: bytes) -> bytes:
    """Both texts about the same person as one.

    :raises ValueError: if either is no such text, or they are about two people.
    """
    first, second = _load(one), _load(other)
    if first["user_id"] != second["user_id"]:
        raise ValueError("the words are about two people")
    said = dict(first["said"])
    for name, entry in second["said"].items():
        said[name] = max(said.get(name, entry), entry, key=_weight)
    return _text({"user_id": first["user_id"], "said": said})


def read_words(raw: bytes) -> FedMember:
    """Who the joined words say that somebody is.

    :raises ValueError: if it is no such text.
    """
    loaded = _load(raw)
    said = loaded["said"]
    values = {name: said[name]["value"] for name in _FIELDS if name in said}
    values["roles"] = tuple(values["roles"])
    return FedMember(
        member=Membership(user_id=LtiUserId(loaded["user_id"]), **values),
        feeder=said["roles"]["by"],
        signed=said["roles"]["signed"],
    )


def _weight(entry: Mapping[str, Any]) -> tuple[bool, str, str, bytes]:
    return entry["signed"], entry["at"], entry["by"], _text(entry["value"])


def _load(raw: bytes) -> Any:
    loaded = json.loads(raw)
    if not isinstance(loaded, dict) or "roles" not in loaded.get("said", {}):
        raise ValueError("is not what a feeder has said of a person")
    return loaded


def _text(value: object) -> bytes:
    # Half a surrogate pair, which a role may be cut to, is no text that could be stored.
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(errors="replace")
