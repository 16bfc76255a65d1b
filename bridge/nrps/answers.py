"""The membership container, written: members at a tool's privacy level, absent properties left out.

Spec: NRPS 2.0 sections "Membership container media type" and "Membership status".
"""

from collections.abc import Callable, Iterable

import msgspec

from bridge.roster.memberships import Context, Member, Membership, MemberStatus
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

    return _encoder.encode(
        _Container(url, _Context(context.context_id, context.label, context.title), [told(each) for each in members])
    )


class _Roles(dict[tuple[str, ...], msgspec.Raw]):
    """Lists of roles as JSON, each written once: a class has few distinct ones."""

    def __missing__(self, roles: tuple[str, ...]) -> msgspec.Raw:
        self[roles] = written = msgspec.Raw(_encoder.encode(roles))
        return written
