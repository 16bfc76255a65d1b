"""The properties of NRPS 2.0: a container's context and its members, from JSON text to the domain's values.

Where platforms differ from the text, reading is lenient (numbers for ids, one role that is not in a list, ``null`` and
blanks for what is not known); a value that cannot be understood makes its member invalid, and no other.

Spec: NRPS 2.0 sections "Membership container media type" and "Membership status".
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from bridge.roster.identity import LtiUserId
from bridge.roster.memberships import Context, Membership, MemberStatus

MEMBERSHIP_CONTAINER = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
CONTEXT_MEMBERSHIP_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"

LONGEST_USER_ID = 255  # LTI Core 1.3: sub holds at most 255 ASCII characters
LONGEST_TEXT = 4096
LONGEST_MEMBER = 4 * 1024 * 1024
"""Bytes of JSON: a picture may be a ``data:`` URL."""
MOST_ROLES = 100
"""Of one member: vendors list a handful."""


class InvalidMember(ValueError):
    """A member that cannot be used; the text names the property and what is wrong with it, and no value."""


def load_member(raw: bytes) -> Membership:
    """Read one member.

    :raises InvalidMember: if it has no usable ``user_id``, or a property that cannot be understood.
    """
    return _load_plain(raw) or _load_any(raw)


def _load_plain(raw: bytes) -> Membership | None:
    """A member as the standard has her, at a tenth of the cost; ``None`` of any other."""
    if len(raw) > _LONGEST_PLAIN:  # so that no property of hers can be too long
        return None
    try:
        found = _plain.decode(raw)
    except (ValueError, RecursionError):
        return None
    texts = found.texts
    if found.status not in _STATUSES or not all(texts) or any(map(str.isspace, texts)):
        return None
    return Membership(
        user_id=LtiUserId(found.user_id),
        roles=found.roles,
        status=_STATUSES[found.status],
        name=found.name,
        given_name=found.given_name,
        family_name=found.family_name,
        middle_name=found.middle_name,
        email=found.email,
        picture=found.picture,
        person_sourced_id=found.lis_person_sourcedid,
    )


def _load_any(raw: bytes) -> Membership:
    try:
        member: Membership = _member.load(_object(raw))
    except ValidationError as error:
        raise InvalidMember("; ".join(f"{name} {says[0]}" for name, says in error.messages_dict.items())) from None
    return member


def load_context(raw: bytes) -> Context | None:
    """Read a container's ``context``; ``None`` if it has no usable ``id``."""
    try:
        context: Context = _context.load(_object(raw))
    except (InvalidMember, ValidationError):
        return None
    return context


def is_deleted(raw: bytes) -> bool:
    """Whether a member is listed as one who has left. What cannot be read is not that."""
    try:
        stated = _standing.decode(raw).status
    except (ValueError, RecursionError):
        return False
    return stated is not None and _status(stated) is MemberStatus.DELETED


def merge_members(earlier: bytes, later: bytes) -> bytes:
    """One member out of two about the same person in one pull, as happens when the pages shift while they are read.

    Roles are united, in order of appearance; if that makes too many, the two are not merged. Of the other properties
    the later one counts unless it is blank. Active beats Inactive: whoever has one current enrolment is a member.

    >>> merge_members(b'{"user_id":"7","roles":["Learner"]}', b'{"user_id":"7","roles":["Mentor"],"name":""}')
    b'{"user_id":"7","roles":["Learner","Mentor"]}'

    :raises InvalidMember: if either cannot be read, or the roles cannot be used.
    """
    first, second = _object(earlier), _object(later)
    merged = first | {name: value for name, value in second.items() if not _is_blank(value)}
    if "roles" in merged:
        merged["roles"] = _united(_listed(first.get("roles")), _listed(second.get("roles")))
    if "status" in merged and MemberStatus.ACTIVE in (_stated_status(first), _stated_status(second)):
        merged["status"] = MemberStatus.ACTIVE.value
    return msgspec.json.encode(merged)


class _Text(fields.Field[str | None]):
    """Text, or a number in its place (Classera sends numbers); blank text is no text."""

    default_error_messages = {"required": "is missing", "null": "is missing"}  # noqa: RUF012 - marshmallow's own shape

    def __init__(self, longest: int | None = LONGEST_TEXT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._longest = longest

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValidationError("is not text")
        text = str(value)
        if self._longest is not None and len(text) > self._longest:
            raise ValidationError(f"is longer than {self._longest} characters")
        if text.strip():
            return text
        if self.required:
            raise ValidationError("is blank")
        return None


class _Roles(fields.Field[tuple[str, ...]]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        roles = [role for role in _listed(value) if role is not None]
        if len(roles) > MOST_ROLES:
            raise ValidationError(f"are more than {MOST_ROLES}")
        if not all(isinstance(role, str) for role in roles):
            raise ValidationError("is not a list of texts")
        if any(len(role) > LONGEST_TEXT for role in roles):
            raise ValidationError(f"holds a role longer than {LONGEST_TEXT} characters")
        return tuple(role for role in roles if role.strip())


class _Status(fields.Field[MemberStatus | None]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> MemberStatus | None:
        if isinstance(value, str):
            if not value.strip():
                return None
            status = _status(value)
            if status is not None:
                return status
        raise ValidationError("is none of Active, Inactive and Deleted")


def _optional() -> dict[str, Any]:
    return {"allow_none": True, "load_default": None}


class _MemberSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    user_id = _Text(LONGEST_USER_ID, required=True)
    roles = _Roles(allow_none=True, load_default=())
    status = _Status(**_optional())
    name = _Text(**_optional())
    given_name = _Text(**_optional())
    family_name = _Text(**_optional())
    middle_name = _Text(**_optional())
    email = _Text(**_optional())
    picture = _Text(None, **_optional())  # may be a data: URL
    person_sourced_id = _Text(data_key="lis_person_sourcedid", **_optional())

    @post_load
    def _membership(self, values: dict[str, Any], **_kwargs: Any) -> Membership:
        return Membership(**values | {"roles": values["roles"] or ()})


class _ContextSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    context_id = _Text(data_key="id", required=True)
    label = _Text(**_optional())
    title = _Text(**_optional())

    @post_load
    def _as_context(self, values: dict[str, Any], **_kwargs: Any) -> Context:
        return Context(**values)


class _Plain(msgspec.Struct):
    """A member whose properties are all of the standard's types."""

    user_id: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_USER_ID)]
    roles: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_ROLES)]
    status: str | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    email: str | None = None
    picture: str | None = None
    lis_person_sourcedid: str | None = None

    @property
    def texts(self) -> list[str]:
        """Every text that there is."""
        found = (
            self.name,
            self.given_name,
            self.family_name,
            self.middle_name,
            self.email,
            self.picture,
            self.lis_person_sourcedid,
        )
        return [self.user_id, *self.roles, *(text for text in found if text is not None)]


class _Standing(msgspec.Struct):
    status: str | None = None


_member = _MemberSchema()
_context = _ContextSchema()
_plain = msgspec.json.Decoder(_Plain)
_LONGEST_PLAIN = LONGEST_TEXT
_STATUSES: Mapping[str | None, MemberStatus | None] = {None: None, **{status.value: status for status in MemberStatus}}
_standing = msgspec.json.Decoder(_Standing)


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > LONGEST_MEMBER:
        raise InvalidMember(f"is longer than {LONGEST_MEMBER} bytes")
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        raise InvalidMember("is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidMember("is not a JSON object")
    return found


_BY_WORD = {status.value.lower(): status for status in MemberStatus}


def _status(text: str) -> MemberStatus | None:
    """``Active``, in any case, also as ``liss:Active`` or ``http://purl.imsglobal.org/vocab/lis/v2/status#Active``."""
    word = text.strip().rpartition(":")[2].rpartition("#")[2].rpartition("/")[2]
    return _BY_WORD.get(word.lower())


def _stated_status(member: dict[str, Any]) -> MemberStatus | None:
    """The status of a member as JSON: active if it has none."""
    stated = member.get("status")
    if _is_blank(stated):
        return MemberStatus.ACTIVE
    return _status(stated) if isinstance(stated, str) else None


def _listed(roles: Any) -> list[Any]:
    if roles is None:
        return []
    return roles if isinstance(roles, list) else [roles]


def _united(first: list[Any], second: list[Any]) -> list[str]:
    roles = [role for role in (*first, *second) if role is not None]
    if not all(isinstance(role, str) for role in roles):
        raise InvalidMember("roles is not a list of texts")
    united = list(dict.fromkeys(roles))
    if len(united) > MOST_ROLES:
        raise InvalidMember(f"roles are more than {MOST_ROLES}")
    return united


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
