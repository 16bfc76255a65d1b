"""The membership container, written: members at a tool's privacy level, absent properties left out.

Spec: NRPS 2.0 sections "Membership container media type" and "Membership status".
"""

from collections.abc import Callable, Iterable

import msgspec

from bridge.roster.memberships import Context, Member, Membership, MemberStatus
from bridge.roster.sharing import PrivacyLevel, Share
from bridge.roster.told import Told


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
    members: list[_Member]


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
    told = tuple(share in privacy.shares for share in Share)
    roles = _Roles()
    shown = [_shown(one.membership, user_id_of(one), roles[one.membership.roles], told) for one in members]
    return _encoder.encode(_Container(url, _context(context), shown))


def dump_told(url: str, context: Context, members: bytes) -> bytes:
    """The same of members who have been written already.

    :param members: the JSON of each, with commas between.
    """
    empty = _encoder.encode(_Container(url, _context(context), []))
    return b"".join((empty.removesuffix(b"]}"), members, b"]}"))


def tell(member: Membership) -> Told:
    """One member as :func:`dump_container` writes her, and where the parts of her text end."""
    user_id, roles = member.user_id, msgspec.Raw(_encoder.encode(member.roles))
    until_roles = _encoder.encode(_Member(user_id, roles))
    levels = [_encoder.encode(_shown(member, user_id, roles, told)) for told in _LEVELS]
    user_id_end = len(until_roles) - len(b',"roles":}') - len(bytes(roles))
    return Told(levels[-1], (user_id_end, *(len(text) - len(b"}") for text in (until_roles, *levels))))


_LEVELS = tuple(tuple(at < count for at in range(len(Share))) for count in range(len(Share) + 1))
"""Nothing, and then one thing more each time, in the order in which it is written."""


def _shown(one: Membership, user_id: str, roles: msgspec.Raw, told: tuple[bool, ...]) -> _Member:
    """What is told of a member.

    :param told: of each :class:`Share`, in their order, whether it is.
    """
    names, email, picture, sourced_id = told
    shown = _Member(user_id, roles, one.status)
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


def _context(context: Context) -> _Context:
    return _Context(context.context_id, context.label, context.title)


class _Roles(dict[tuple[str, ...], msgspec.Raw]):
    """Lists of roles as JSON, each written once: a class has few distinct ones."""

    def __missing__(self, roles: tuple[str, ...]) -> msgspec.Raw:
        self[roles] = written = msgspec.Raw(_encoder.encode(roles))
        return written
