"""A walk through the members of a course: what a request asks for, and where the next one goes on.

Two kinds of walk are known. One carries an opaque cursor that remembers everything; the other shows its parameters, as
most LMSs do, and goes by an offset or a page number.
"""

import base64
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from flask import request

from bridge.practice.links import DECORATION, LinkForm
from bridge.practice.manners import Manners
from bridge.practice.members import Member
from bridge.practice.rosters import Course

_PRINCIPAL = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
_SUB_ROLES = "http://purl.imsglobal.org/vocab/lis/v2/membership/"
_POSITIONS = {"from": "from", "start": "start", "page": "page", "page of per_page": "page"}


class ServiceRefused(Exception):
    """A request that is not served."""

    def __init__(self, status: int, reason: str, challenge: str | None = None) -> None:
        self.status = status
        self.reason = reason
        self.challenge = challenge
        super().__init__(reason)


class Walk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place on the way through a course, and what is being looked for.

    :ivar after: the number of the last member, or change, before this page; without cursors, an offset.
    :ivar limit: members on a page; ``None`` is everybody.
    :ivar changes: whether what has changed is walked through, and not who is there.
    """

    context: str
    page: int
    after: int
    limit: int | None
    role: str | None
    rlid: str | None
    changes: bool = False

    def to_cursor(self) -> str:
        """Write it as a URL-safe text that means nothing to anybody else."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode()

    @classmethod
    def from_cursor(cls, cursor: str) -> "Walk":
        """Read it back.

        :raises ValueError: if this LMS never wrote it.
        """
        return msgspec.json.decode(base64.b64decode(cursor, altchars=b"-_", validate=True), type=cls)

    def to_url(self, base: str, manners: Manners) -> str:
        """The URL of this page, below the memberships URL that tools are given."""
        joint = "&" if "?" in base else "?"
        if self.changes or manners.position == "cursor":
            return f"{base}{joint}cursor={self.to_cursor()}"
        shown = {"role": self.role, "rlid": self.rlid, "limit": self.limit, _POSITIONS[manners.position]: self.after}
        if manners.position.startswith("page"):
            shown["page"] = self.page
        if manners.position == "page of per_page":
            shown["per_page"] = shown.pop("limit")
        return f"{base}{joint}{urlencode({name: value for name, value in shown.items() if value is not None})}"


def memberships_url(issuer: str, context_id: str, query: str = "") -> str:
    """The ``context_memberships_url`` of a course.

    :param query: what belongs to the URL itself.
    """
    return f"{issuer}/nrps/{quote(context_id, safe='')}/memberships{'?' if query else ''}{query}"


def requested_walk(course: Course, manners: Manners) -> Walk:
    """What the present request asks for.

    :raises ServiceRefused: if it asks for something that this LMS does not serve.
    """
    parameters = _parameters(manners)
    if "cursor" in parameters:
        return _continued(parameters, course)
    rlid = _rlid(parameters.get("rlid"), course, manners)
    limit = _limit(parameters.get("per_page", parameters.get("limit")), manners)
    position = _POSITIONS.get(manners.position, "")
    place = parameters.get(position, "")
    after, page = int(place) if place.isdecimal() else 0, 1
    if position == "page":
        page = max(after, 1)
        after = (page - 1) * (limit or 0)
    elif limit:
        page = after // limit + 1
    return Walk(course.context_id, page, after, limit, parameters.get("role"), rlid)


def role_filter(role: str | None, manners: Manners) -> Callable[[Member], bool]:
    """Whether a member has the role that was asked for, as this LMS understands it."""
    if role is None or manners.role_filter == "never":
        return lambda _: True
    if manners.role_filter == "by URI":
        return lambda member: role in (member.roles or ())
    if manners.role_filter == "two roles":
        name = role.removeprefix(_PRINCIPAL)
        if name not in ("Instructor", "Learner"):
            return lambda _: True
        style = manners.style
        return lambda member: any(
            written.removeprefix(_PRINCIPAL) == name for written in member.to_nrps(style).get("roles") or ()
        )
    # A principal, by its URI or short name, stands for its sub-roles too.
    uri = role if re.search("[:/#]", role) else _PRINCIPAL + role
    principal = uri.removeprefix(_PRINCIPAL)
    prefix = f"{_SUB_ROLES}{principal}#" if principal != uri else None
    return lambda member: any(
        one == uri or (prefix is not None and one.startswith(prefix)) for one in member.roles or ()
    )


def _parameters(manners: Manners) -> Mapping[str, str]:
    raw = request.query_string.decode("latin-1")
    if manners.query:
        if raw != manners.query and not raw.startswith(f"{manners.query}&"):
            raise ServiceRefused(400, "the memberships URL has a query of its own, which must stay as it is")
        raw = raw[len(manners.query) :].removeprefix("&")
    if manners.link_form is LinkForm.PUNCTUATED and "cursor=" in raw:
        if not raw.endswith(f"&{DECORATION}"):
            raise ServiceRefused(400, "a next link is followed as it is")
        raw = raw.removesuffix(f"&{DECORATION}")
    size = "per_page" if manners.position == "page of per_page" else "limit"
    known = ("role", "limit", "rlid", "cursor", size, _POSITIONS.get(manners.position))
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(raw, keep_blank_values=True):
        if not manners.lenient:
            if name not in known:
                raise ServiceRefused(400, f"unknown parameter {name}")
            if name in parameters:
                raise ServiceRefused(400, f"{name} must be given once")
        parameters.setdefault(name, value)
    return parameters


def _continued(parameters: Mapping[str, str], course: Course) -> Walk:
    if len(parameters) > 1:
        raise ServiceRefused(400, "a next link is followed as it is, without further parameters")
    try:
        walk = Walk.from_cursor(parameters["cursor"])
    except ValueError:
        raise ServiceRefused(400, "cursor was not written by this platform") from None
    if walk.context != course.context_id:
        raise ServiceRefused(400, "cursor belongs to another context")
    return walk


def _rlid(rlid: str | None, course: Course, manners: Manners) -> str | None:
    if rlid is None or manners.rlid == "passed over":
        return None
    if manners.rlid == "not allowed":
        raise ServiceRefused(400, '"query.rlid" is not allowed')
    if rlid != course.resource_link_id:
        raise ServiceRefused(404, "there is no such resource link of this tool in this context")
    return rlid


def _limit(value: str | None, manners: Manners) -> int | None:
    good = value is not None and re.fullmatch("[0-9]{1,9}", value) is not None and int(value) > 0
    if value is not None and not good and not manners.lenient:
        raise ServiceRefused(400, "limit must be a whole number from 1")
    limit = int(value) if value is not None and good else manners.page_size
    if limit is None or manners.largest_page is None:
        return limit
    return min(limit, manners.largest_page)
