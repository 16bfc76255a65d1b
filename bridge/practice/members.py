"""One membership of a course, and the ways in which LMSs write it."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from bridge.practice.people import Person

_PRINCIPAL = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
_NAMES = ("name", "given_name", "family_name", "middle_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How members are written.

    :param names: whether names, picture and SIS number are shared.
    :param email: the same for e-mail addresses.
    :param short_roles: whether the core context roles go by their short names.
    :param role_forms: what is written for a role, by its URI: before ``short_roles``.
    :param roles_as_text: a single role is written as a text, and not as a list.
    :param status: as the roster has it, or always the same, or no key at all.
    :param escaped: names are HTML-escaped.
    :param blanks: what is not known, of names, e-mail and SIS number, is written as ``""`` or ``null``.
    :param numeric_ids: user ids of digits are written as numbers.
    :param also: further properties of every member.
    """

    names: bool = True
    email: bool = True
    short_roles: bool = False
    role_forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles_as_text: bool = False
    status: Literal["as it is", "always Active", "never"] = "as it is"
    escaped: bool = False
    blanks: Literal["left out", "empty", "null"] = "left out"
    numeric_ids: bool = False
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Member:
    """One membership. It is never changed: what changes is replaced, and with it the text kept here.

    :param number: its place in the order of enrolling.
    :param roles: full URIs; ``None`` is no ``roles`` key.
    :param status: ``None`` is no ``status`` key.
    """

    number: int
    person: Person
    roles: tuple[str, ...] | None
    status: str | None
    _text: tuple[Style, bytes] | None = field(default=None, init=False, repr=False)

    def to_nrps(self, style: Style) -> dict[str, Any]:
        """The member object of NRPS 2.0, in this style."""
        person = self.person
        shared: dict[str, Any] = {"email": person.email} if style.email else {}
        if style.names:
            for key in (*_NAMES, "picture", "lis_person_sourcedid"):
                shared[key] = getattr(person, key)
        if style.escaped:
            shared |= {key: html.escape(shared[key], quote=False) for key in _NAMES if shared.get(key)}
        if style.blanks != "left out":
            blank = "" if style.blanks == "empty" else None
            shared |= {key: blank for key in shared.keys() - {"picture", "middle_name"} if shared[key] is None}
        user_id = person.user_id
        member = {
            "status": self._status(style),
            "user_id": int(user_id) if style.numeric_ids and user_id.isdecimal() else user_id,
            "roles": self._roles(style),
        }
        kept = {key: value for key, value in shared.items() if value is not None or style.blanks == "null"}
        return {key: value for key, value in member.items() if value is not None} | kept | dict(style.also)

    def to_json(self, style: Style) -> bytes:
        """The same as JSON text, written once per style."""
        if self._text is None or self._text[0] != style:
            self._text = (style, msgspec.json.encode(self.to_nrps(style)))
        return self._text[1]

    def _status(self, style: Style) -> str | None:
        match style.status:
            case "always Active":
                return "Active"
            case "never":
                return None
            case _:
                return self.status

    def _roles(self, style: Style) -> str | tuple[str, ...] | None:
        if self.roles is None:
            return None
        written: list[str] = []
        for role in self.roles:
            forms = style.role_forms.get(role)
            if forms is None:
                written.append(role.removeprefix(_PRINCIPAL) if style.short_roles else role)
            else:  # one role may be written twice, as Sakai does
                written += [form for form in forms if form not in written]
        return written[0] if style.roles_as_text and len(written) == 1 else tuple(written)
