"""The practice LMS's Names and Role Provisioning Service, strict about everything that NRPS 2.0 says.

What NRPS leaves open, it answers so that a careless client notices: an unknown role selects nobody; a parameter that it
does not know, or cannot read, is an error; the ``next`` link is opaque, case-sensitive, carries the filters and bears
no other parameter beside it.
"""

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Response, jsonify, request

from bridge.practice.lms_tokens import AccessTokens
from bridge.practice.lms_tools import NRPS_SCOPE
from bridge.practice.manners import Manners
from bridge.practice.rosters import Course, Member, Roster

MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
MAX_LIMIT = 1000

_PRINCIPAL = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
_SUB_ROLES = "http://purl.imsglobal.org/vocab/lis/v2/membership/"


class Walk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place on the way through a course, and what is being looked for: what a ``next`` link remembers."""

    context: str
    page: int
    after: int
    limit: int
    role: str | None
    rlid: str | None

    def to_cursor(self) -> str:
        """Write it as a URL-safe text that means nothing to anybody else."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode()

    @classmethod
    def from_cursor(cls, cursor: str) -> "Walk":
        """Read it back.

        :raises ValueError: if this LMS never wrote it.
        """
        return msgspec.json.decode(base64.b64decode(cursor, altchars=b"-_", validate=True), type=cls)


def memberships_url(issuer: str, context_id: str) -> str:
    """The ``context_memberships_url`` of a course."""
    return f"{issuer}/nrps/{quote(context_id, safe='')}/memberships"


class ServiceRefused(Exception):
    """A request that is not served."""

    def __init__(self, status: int, reason: str, challenge: str | None = None) -> None:
        self.status = status
        self.reason = reason
        self.challenge = challenge
        super().__init__(reason)


class MembershipsEndpoint:
    """``GET /nrps/<context_id>/memberships``."""

    def __init__(self, issuer: str, roster: Roster, tokens: AccessTokens, manners: Manners) -> None:
        self._issuer = issuer
        self._roster = roster
        self._tokens = tokens
        self._manners = manners

    def answer(self, context_id: str) -> Response:
        """Answer the present request with a page of the membership container, or a JSON error."""
        failure = self._manners.next_failure()
        if failure is not None:
            return Response(failure.body, failure.status, failure.headers)
        try:
            self._authorise()
            return self._page(self._walk(context_id))
        except ServiceRefused as refusal:
            response = jsonify({"status": refusal.status, "reason": refusal.reason})
            response.status_code = refusal.status
            if refusal.challenge is not None:
                response.headers["WWW-Authenticate"] = refusal.challenge
            return response

    def _authorise(self) -> None:
        """RFC 6750 section 3.1. The scheme is compared exactly, which RFC 9110 does not ask for and Moodle 4.5 does."""
        authorization = request.headers.get("Authorization")
        if authorization is None:
            raise ServiceRefused(401, "an access token is needed", 'Bearer realm="practice"')
        scheme, _, token = authorization.partition(" ")
        grant = self._tokens.grant(token) if scheme == "Bearer" else None
        if grant is None:
            challenge = 'Bearer realm="practice", error="invalid_token"'
            raise ServiceRefused(401, "the access token is unknown or has expired", challenge)
        if NRPS_SCOPE not in grant.scopes:
            challenge = f'Bearer realm="practice", error="insufficient_scope", scope="{NRPS_SCOPE}"'
            raise ServiceRefused(403, "the access token is for other services", challenge)
        if request.headers.get("Accept") != MEDIA_TYPE:
            raise ServiceRefused(406, f"Accept must be {MEDIA_TYPE}")

    def _walk(self, context_id: str) -> Walk:
        try:
            course = self._roster.course(context_id)
        except KeyError:
            raise ServiceRefused(404, "there is no such context") from None
        parameters = _parameters()
        if "cursor" in parameters:
            if len(parameters) > 1:
                raise ServiceRefused(400, "a next link is followed as it is, without further parameters")
            try:
                walk = Walk.from_cursor(parameters["cursor"])
            except ValueError:
                raise ServiceRefused(400, "cursor was not written by this platform") from None
            if walk.context != context_id:
                raise ServiceRefused(400, "cursor belongs to another context")
            return walk
        rlid = parameters.get("rlid")
        if rlid is not None and rlid != course.resource_link_id:
            raise ServiceRefused(404, "there is no such resource link of this tool in this context")
        limit = _limit(parameters.get("limit"), self._manners.page_size)
        return Walk(context_id, page=1, after=0, limit=limit, role=parameters.get("role"), rlid=rlid)

    def _page(self, walk: Walk) -> Response:
        course = self._roster.course(walk.context)
        url = memberships_url(self._issuer, walk.context)
        wanted = None if walk.role is None else _RoleFilter(walk.role)
        members, more = self._roster.page(walk.context, after=walk.after, limit=walk.limit, wanted=wanted)
        body = b'{"id":%b,"context":%b,"members":[%b]}' % (
            msgspec.json.encode(url),
            msgspec.json.encode({"id": course.context_id, "label": course.label, "title": course.title}),
            b",".join(self._texts(members, walk, course)),
        )
        response = Response(body, content_type=MEDIA_TYPE)
        if more:
            onward = msgspec.structs.replace(walk, page=walk.page + 1, after=members[-1].number)
            response.headers["Link"] = f'<{url}?cursor={onward.to_cursor()}>; rel="next"'
        if self._manners.cut_connection_on_page == walk.page:
            response.content_length = len(body)
            response.response = [body[: len(body) // 2]]
        return response

    def _texts(self, members: list[Member], walk: Walk, course: Course) -> Iterator[bytes]:
        style = self._manners.style
        texts = (member.to_json(style) for member in members)
        if walk.rlid is None:
            return texts
        message = b',"message":' + msgspec.json.encode(_messages(course)) + b"}"
        return (text[:-1] + message for text in texts)


class _RoleFilter:
    """Whether a member has a role: a principal, by its URI or short name, stands for its sub-roles too."""

    def __init__(self, role: str) -> None:
        self._role = role if re.search("[:/#]", role) else _PRINCIPAL + role
        principal = self._role.removeprefix(_PRINCIPAL)
        self._prefix = f"{_SUB_ROLES}{principal}#" if principal != self._role else None

    def __call__(self, member: Member) -> bool:
        return any(
            role == self._role or (self._prefix is not None and role.startswith(self._prefix))
            for role in member.roles or ()
        )


def _messages(course: Course) -> list[dict[str, Any]]:
    """NRPS 2.0 section "Resource link membership service": what a launch would add to the member's own fields."""
    claim = "https://purl.imsglobal.org/spec/lti/claim/"
    return [
        {f"{claim}message_type": "LtiResourceLinkRequest", f"{claim}custom": {"resource_link": course.resource_link_id}}
    ]


def _parameters() -> dict[str, str]:
    parameters = {}
    for name, values in request.args.lists():
        if name not in ("role", "limit", "rlid", "cursor"):
            raise ServiceRefused(400, f"unknown parameter {name}")
        if len(values) != 1:
            raise ServiceRefused(400, f"{name} must be given once")
        parameters[name] = values[0]
    return parameters


def _limit(value: str | None, default: int) -> int:
    if value is None:
        return default
    if re.fullmatch("[0-9]{1,9}", value) is None or int(value) == 0:
        raise ServiceRefused(400, "limit must be a whole number from 1")
    return min(int(value), MAX_LIMIT)
