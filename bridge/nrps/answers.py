"""The membership container, written: members at a tool's privacy level, absent properties left out.

Spec: NRPS 2.0 sections "Membership container media type" and "Membership status".
"""

from collections.abc import Callable, Iterable
from functools import cache
from html import unescape
from operator import attrgetter
from typing import Any, Literal

import msgspec

from bridge.roster.memberships import Context, Member, Membership, MemberStatus, StatedMembers
from bridge.roster.sharing import PrivacyLevel, Share


class _Member(msgspec.Struct, omit_defaults=True):
    user_id: str
    roles: msgspec.Raw
    status: MemberStatus | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    email: str | None = None
    picture: str | None = None
    lis_person_sourcedid: str | None = None


class _Context(msgspec.Struct, omit_defaults=True):
    id: str
    label: str | None = None
    title: str | None = None


class _Container(msgspec.Struct):
    id: str
    context: _Context
    members: list[Any]


_encoder = msgspec.json.Encoder()


def dump_container(
    url: str,
    context: Context,
    members: Iterable[Member],
    privacy: PrivacyLevel,
    user_id_of: Callable[[Member], str],
) -> bytes:
    """A container as it goes on the wire.

    :param url: its ``id``.
    :param user_id_of: by which id each member is told.
    """
    names, email, picture, sourced_id = (share in privacy.shares for share in Share)
    roles = _Roles()

    def told(member: Member) -> _Member:
        one: Membership = member.membership
        shown = _Member(user_id_of(member), roles[one.roles], one.status)
        if names:
            shown.name = one.name
            shown.given_name = one.given_name
            shown.family_name = one.family_name
            shown.middle_name = one.middle_name
        if email:
            shown.email = one.email
        if picture:
            shown.picture = one.picture
        if sourced_id:
            shown.lis_person_sourcedid = one.person_sourced_id
        return shown

    return _encoder.encode(_Container(url, _context(context), [told(each) for each in members]))


def dump_stated(url: str, context: Context, stated: StatedMembers, privacy: PrivacyLevel) -> bytes | None:
    """The container of members whose texts are all of the standard's shape, byte for byte as :func:`dump_container`
    writes it; ``None`` if one of them is not: she has to be read with more patience.

    No object of ours is built per member, and what is not told is not even read.
    """
    reader, told, texts_of = _reader(privacy.shares)
    try:
        members = reader.decode(f"[{stated.text}]")
    except (ValueError, RecursionError):
        return None
    if not all(map(_is_plain, {one.roles for one in members})):
        return None
    for one in members:
        for text in texts_of(one):
            if text is not None and (not text or text.isspace()):
                _forget_blanks(one, told)
                break
    if stated.names_escaped and Share.NAMES in privacy.shares:
        for one in members:
            _unescape_names(one)
    return _encoder.encode(_Container(url, _context(context), members))


@cache
def _reader(
    shares: frozenset[Share],
) -> tuple[msgspec.json.Decoder[list[Any]], tuple[str, ...], Callable[[Any], tuple[str | None, ...]]]:
    """What reads members, of all that there may be only what is told; the names of this, and what gives it."""
    told = tuple(name for share in Share if share in shares for name in _PROPERTIES[share])
    member = msgspec.defstruct(
        "Told",
        [
            ("user_id", str),
            ("roles", tuple[str, ...]),
            ("status", Literal["Active", "Inactive"] | None, None),
            *((name, str | None, None) for name in told),
        ],
        omit_defaults=True,
        gc=False,
    )
    # Of one name alone an attrgetter gives no tuple, of none it is not one.
    return msgspec.json.Decoder(list[member]), told, attrgetter("user_id", "user_id", *told)  # type: ignore[valid-type]


def _forget_blanks(member: Any, told: Iterable[str]) -> None:
    for name in told:
        if not (getattr(member, name) or "").strip():
            setattr(member, name, None)


def _unescape_names(member: Any) -> None:
    for name in _NAMES:
        text = getattr(member, name)
        if text is not None and "&" in text:
            setattr(member, name, unescape(text))


def _is_plain(roles: tuple[str, ...]) -> bool:
    return all(map(str.strip, roles))


_NAMES = ("name", "given_name", "family_name", "middle_name")
_PROPERTIES = {
    Share.NAMES: _NAMES,
    Share.EMAIL: ("email",),
    Share.PICTURE: ("picture",),
    Share.SOURCED_ID: ("lis_person_sourcedid",),
}


def _context(context: Context) -> _Context:
    return _Context(context.context_id, context.label, context.title)


class _Roles(dict[tuple[str, ...], msgspec.Raw]):
    """Lists of roles as JSON, each written once: a class has few distinct ones."""

    def __missing__(self, roles: tuple[str, ...]) -> msgspec.Raw:
        self[roles] = written = msgspec.Raw(_encoder.encode(roles))
        return written
