"""The practice LMS's Names and Role Provisioning Service, strict about everything that NRPS 2.0 says.

What NRPS leaves open, it answers so that a careless client notices: an unknown role selects nobody; a parameter that it
does not know, or cannot read, is an error; the ``next`` link is opaque, case-sensitive, carries the filters and bears
no other parameter beside it. Its :class:`~bridge.practice.manners.Manners` may be others'.
"""

import gzip
from collections.abc import Sequence
from itertools import count
from typing import Any, NamedTuple

import msgspec
from flask import Response, jsonify, request

from bridge.practice.links import next_link
from bridge.practice.lms_tokens import AccessTokens
from bridge.practice.lms_tools import NRPS_SCOPE
from bridge.practice.lms_walks import ServiceRefused, Walk, memberships_url, requested_walk, role_filter
from bridge.practice.manners import Failure, Manners
from bridge.practice.members import Member
from bridge.practice.rosters import Course, Roster

MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


class _Page(NamedTuple):
    """Members as they are written, and where the walk goes on, if it does."""

    members: Sequence[bytes]
    onward: Walk | None


class MembershipsEndpoint:
    """``GET /nrps/<context_id>/memberships``."""

    def __init__(self, issuer: str, roster: Roster, tokens: AccessTokens, manners: Manners) -> None:
        self._issuer = issuer
        self._roster = roster
        self._tokens = tokens
        self._manners = manners
        self._requests = count(1)

    def answer(self, context_id: str) -> Response:
        """Answer the present request with a page of the membership container, or a JSON error."""
        manners = self._manners
        failure = manners.next_failure()
        if failure is None and manners.throttle_every and next(self._requests) % manners.throttle_every == 0:
            failure = manners.throttle
        if failure is not None:
            return _failed(failure)
        try:
            self._authorise()
            try:
                course = self._roster.course(context_id)
            except KeyError:
                raise ServiceRefused(404, "there is no such context") from None
            walk = requested_walk(course, manners)
            if walk.page == manners.expire_on_page:
                manners.expire_on_page = None
                self._tokens.expire_all()
                self._authorise()
            failure = manners.fail_on_page.pop(walk.page, None)
            return self._answer(course, walk) if failure is None else _failed(failure)
        except ServiceRefused as refusal:
            return self._refused(refusal)

    def _authorise(self) -> None:
        """RFC 6750 section 3.1. The scheme is compared exactly, which RFC 9110 does not ask for and Moodle 4.5 does."""
        manners = self._manners
        authorization = request.headers.get("Authorization")
        if authorization is None:
            raise ServiceRefused(401, "an access token is needed", 'Bearer realm="practice"')
        scheme, _, token = authorization.partition(" ")
        grant = self._tokens.grant(token) if scheme == "Bearer" else None
        if grant is None:
            challenge = 'Bearer realm="practice", error="invalid_token"'
            raise ServiceRefused(manners.expired_status, "the access token is unknown or has expired", challenge)
        if NRPS_SCOPE not in grant.scopes:
            challenge = f'Bearer realm="practice", error="insufficient_scope", scope="{NRPS_SCOPE}"'
            raise ServiceRefused(manners.scope_status, "the access token is for other services", challenge)
        if manners.wrong_accept is not None and request.headers.get("Accept") != MEDIA_TYPE:
            raise ServiceRefused(manners.wrong_accept, f"Accept must be {MEDIA_TYPE}")

    def _refused(self, refusal: ServiceRefused) -> Response:
        if self._manners.plain_errors:
            response = Response(refusal.reason, content_type="text/plain")
        else:
            response = jsonify({"status": refusal.status, "reason": refusal.reason})
        response.status_code = refusal.status
        if refusal.challenge is not None:
            response.headers["WWW-Authenticate"] = refusal.challenge
        return response

    def _answer(self, course: Course, walk: Walk) -> Response:
        manners = self._manners
        if walk.changes and manners.differences_gone:
            raise ServiceRefused(410, "these differences are no longer known")
        latest = self._latest_change(course)
        page = self._changed(course, walk) if walk.changes else self._listed(course, walk)
        if page is None:
            return Response(b"", content_type=manners.media_type)
        response = Response(self._body(course, page.members), content_type=manners.media_type)
        for line in self._links(course, walk, page.onward):
            response.headers.add("Link", line)
        if manners.differences and walk.page == 1 and (not walk.changes or manners.renews_differences):
            since = Walk(walk.context, 1, latest, manners.differences_page, walk.role, walk.rlid, changes=True)
            response.headers.add("Link", f'<{since.to_url(self._url(course), manners)}>; rel="differences"')
        if manners.compressed:
            response.data = gzip.compress(response.data)
            response.headers["Content-Encoding"] = "gzip"
        if manners.cut_connection_on_page == walk.page:
            body = response.data
            response.response = [body[: len(body) // 2]]
            response.content_length = len(body)
        return response

    def _listed(self, course: Course, walk: Walk) -> _Page | None:
        """A page of those who are in the course; ``None`` behind the end, where nothing at all is answered."""
        manners = self._manners
        everybody = self._roster.members(walk.context)
        if manners.most_members is not None and len(everybody) > manners.most_members:
            raise ServiceRefused(403, "above_response_limit")
        size = manners.page_sizes.get(walk.page, walk.limit)
        size = len(everybody) if size is None else size
        if manners.position == "cursor":
            wanted = role_filter(walk.role, manners)
            members, more = self._roster.page(
                walk.context, after=walk.after, limit=size, wanted=lambda one: self._shows(one) and wanted(one)
            )
            after = members[-1].number if members else walk.after
            if manners.repeat_with is not None:
                again = [member for member in everybody if member.number == walk.after]
                members[:0] = [Member(one.number, one.person, manners.repeat_with, one.status) for one in again]
        else:
            ordered = sorted(filter(self._shows, filter(role_filter(walk.role, manners), everybody)), key=_by_name)
            members, after = ordered[walk.after : walk.after + size], walk.after + size
            more = after < len(ordered)
            if manners.links_past_the_end:
                if walk.after and not members:
                    return None
                more = len(members) == size
        onward = None
        if more:
            role = None if manners.forgets_role else walk.role
            onward = msgspec.structs.replace(walk, page=walk.page + 1, after=after, role=role)
        return _Page([self._written(member, walk, course) for member in members], onward)

    def _changed(self, course: Course, walk: Walk) -> _Page:
        """A page of what has changed since, net: NRPS 2.0 section "Membership differences"."""
        wanted = role_filter(walk.role, self._manners)
        changes = [one for one in self._roster.changes(walk.context, after=walk.after) if wanted(one.member)]
        page = changes[: walk.limit]
        texts = []
        for change in page:
            left = change.left or not self._shows(change.member)
            if not left:
                texts.append(self._written(change.member, walk, course))
            elif self._manners.tells_deleted:
                gone = change.member.to_nrps(self._manners.style) | {"status": "Deleted"}
                texts.append(msgspec.json.encode(gone))
        onward = None
        if len(page) < len(changes):
            onward = msgspec.structs.replace(walk, page=walk.page + 1, after=page[-1].number)
        return _Page(texts, onward)

    def _shows(self, member: Member) -> bool:
        known = self._manners.known_users
        if known is not None and member.person.user_id not in known:
            return False
        return not self._manners.hides_inactive or member.status in (None, "Active")

    def _latest_change(self, course: Course) -> int:
        changes = self._roster.changes(course.context_id, after=0)
        return changes[-1].number if changes else 0

    def _url(self, course: Course) -> str:
        return memberships_url(self._issuer, course.context_id, self._manners.query)

    def _links(self, course: Course, walk: Walk, onward: Walk | None) -> list[str]:
        manners = self._manners
        here = request.url
        lines = []
        if onward is not None:
            url = here if manners.next_leads == "here" else onward.to_url(self._url(course), manners)
            if manners.next_leads == "elsewhere":
                url = url.replace("//127.0.0.1:", "//localhost:", 1)
            lines = next_link(manners.link_form, url)
        if manners.other_links:
            first = msgspec.structs.replace(walk, page=1, after=0).to_url(self._url(course), manners)
            lines = [", ".join([f'<{here}>; rel="current"', *lines, f'<{first}>; rel="first"'])]
        return lines

    def _written(self, member: Member, walk: Walk, course: Course) -> bytes:
        text = member.to_json(self._manners.style)
        if walk.rlid is None:
            return text
        return text[:-1] + b',"message":' + msgspec.json.encode(self._message(course)) + b"}"

    def _message(self, course: Course) -> Any:
        """NRPS 2.0 section "Resource link membership service": what a launch would add to the member's own fields."""
        message = {
            f"{_CLAIM}message_type": "LtiResourceLinkRequest",
            f"{_CLAIM}custom": {"resource_link": course.resource_link_id},
        }
        match self._manners.message:
            case "object":
                return message
            case "empty list":
                return []
            case "list":
                return [message]

    def _body(self, course: Course, members: Sequence[bytes]) -> bytes:
        manners = self._manners
        context: dict[str, str] = {"id": course.context_id}
        if manners.context == "whole":
            context |= {"label": course.label, "title": course.title}
        elif manners.context == "other":
            context = {"id": f"nrps-{course.context_id}", "title": course.title}
        told = b"" if manners.context == "absent" else b'"context":%b,' % msgspec.json.encode(context)
        return b'%b{"id":%b,%b"members":[%b]}' % (
            b"\xef\xbb\xbf" if manners.byte_order_mark else b"",
            msgspec.json.encode(memberships_url(self._issuer, course.context_id)),
            told,
            b",".join(members),
        )


def _by_name(member: Member) -> tuple[str, str, str]:
    person = member.person
    return person.family_name or "", person.given_name or "", person.user_id


def _failed(failure: Failure) -> Response:
    return Response(failure.body, failure.status, failure.headers)
