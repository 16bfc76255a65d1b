"""How the practice LMS behaves: its manners, and the faults that a test may ask of it.

One :class:`Manners` object is handed to the LMS and read at every request, so a test changes an attribute and the next
answer is different. The defaults are those of a strict and generous platform; :mod:`bridge.practice.vendor_manners`
has those of real ones.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.practice.links import LinkForm
from bridge.practice.members import Style


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer given in place of the real one."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


CANVAS_THROTTLE = Failure(403, body="403 Forbidden (Rate Limit Exceeded)")
"""How Canvas says "too fast": a refusal, but for its text."""

FORBIDDEN = Failure(403, {"Content-Type": "application/json"}, '{"status":403,"reason":"not for this tool"}')
TOO_FAST = Failure(429, {"Retry-After": "1"})
RESTING = Failure(503)
EXPIRED = Failure(401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


@dataclass(slots=True, kw_only=True)
class Manners:
    """The knobs. Pages are numbered from 1 in each walk.

    Pages:

    :param page_size: members on a page when the request does not say; ``None`` puts everybody on one.
    :param largest_page: the most members on a page, whatever ``limit`` asks for.
    :param position: how ``next`` says where to go on: by an opaque cursor into a lasting order, or by an offset or a
        page number, into an order by name that is made anew for each request.
    :param page_sizes: how many members certain pages hold instead; 0 is an empty page that is not the last. With
        cursors only.
    :param repeat_with: the last member of each page comes again, with these roles, as the first of the next. With
        cursors only.
    :param links_past_the_end: a full page always links on, and behind the last there is a 200 without a body.

    Links:

    :param link_form: how ``next`` is written.
    :param other_links: links to the present, first and last page stand around ``next``.
    :param next_leads: to the next page, to the very same one, or to another host.
    :param forgets_role: ``next`` loses the role that was asked for.

    Requests:

    :param query: the memberships URL's own query, which every request must bring along as it is.
    :param wrong_accept: the status for an ``Accept`` other than the one media type; ``None`` takes anything.
    :param lenient: unknown parameters, and limits that are no positive numbers, are passed over instead of refused.
    :param role_filter: the role is honoured as NRPS says it; only as a full URI; only the simple or full names of
        Instructor and Learner, everybody being listed for any other; or never.
    :param rlid: a resource link is honoured, passed over, or a parameter that is not allowed.

    Members:

    :param share_names: whether names, picture and SIS number leave the LMS, in memberships and launches.
    :param share_email: the same for e-mail addresses.
    :param short_roles: whether memberships name the core context roles by their short names, as Moodle does.
    :param hides_inactive: only active members are listed.
    :param known_users: only these are listed, whoever else is a member; ``None`` lists all.
    :param most_members: a larger course is refused for good.
    :param message: how the resource link's message is written when an rlid is given.

    The further ones of this kind are those of :class:`~bridge.practice.members.Style`.

    Answers:

    :param media_type: the content type of memberships.
    :param context: how much of the context is told; "other" is one with another id.
    :param byte_order_mark: the body begins with one.
    :param compressed: the body is gzipped.
    :param plain_errors: errors are words, and not JSON.

    Access:

    :param expired_status: what an unknown or expired token is answered.
    :param scope_status: what a token without the scope is answered.
    :param audience: the ``aud`` that assertions must have, if not the token URL or the issuer.
    :param scope_told: what the token answer says was granted: that, nothing at all, or some other service instead.
    :param expires_in: the lifetime as the token answer writes it; ``None`` leaves it out.
    :param oauth_media_type: the content type of the token answer.

    Differences:

    :param differences: the first page of a walk links to what will have changed since.
    :param differences_page: changes on a page.
    :param tells_deleted: those who left are listed, as Deleted; NRPS 2.0 does not ask for it.
    :param renews_differences: the first page of an answer about differences links to differences from then on.
    :param differences_gone: links about differences are answered 410.

    Faults:

    :param login_method: how the browser is sent to the tool's login URL: LTI 1.3 allows both.
    :param throttle: what a request too many is answered.
    :param throttle_every: every how many memberships requests is one too many; ``None`` never is.
    :param fail_next: answers to the next memberships requests, used up one by one.
    :param fail_on_page: an answer to the first request for a page, used up.
    :param expire_on_page: when this page is first asked for, every token has expired; used up.
    :param cut_connection_on_page: the page of a walk whose answer breaks off half-way, every time.
    """

    page_size: int | None = 100
    largest_page: int | None = 1000
    position: Literal["cursor", "from", "start", "page", "page of per_page"] = "cursor"
    page_sizes: Mapping[int, int] = field(default_factory=dict)
    repeat_with: tuple[str, ...] | None = None
    links_past_the_end: bool = False

    link_form: LinkForm = LinkForm.QUOTED
    other_links: bool = False
    next_leads: Literal["onward", "here", "elsewhere"] = "onward"
    forgets_role: bool = False

    query: str = ""
    wrong_accept: int | None = 406
    lenient: bool = False
    role_filter: Literal["honoured", "by URI", "two roles", "never"] = "honoured"
    rlid: Literal["honoured", "passed over", "not allowed"] = "honoured"

    share_names: bool = True
    share_email: bool = True
    short_roles: bool = False
    role_forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles_as_text: bool = False
    status: Literal["as it is", "always Active", "never"] = "as it is"
    escaped: bool = False
    blanks: Literal["left out", "empty", "null"] = "left out"
    numeric_ids: bool = False
    also: Mapping[str, Any] = field(default_factory=dict)
    hides_inactive: bool = False
    known_users: set[str] | None = None
    most_members: int | None = None
    message: Literal["list", "object", "empty list"] = "list"

    media_type: str = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
    context: Literal["whole", "id", "other", "absent"] = "whole"
    byte_order_mark: bool = False
    compressed: bool = False
    plain_errors: bool = False

    expired_status: int = 401
    scope_status: int = 403
    audience: str | None = None
    scope_told: Literal["granted", "absent", "other"] = "granted"
    expires_in: int | str | None = 3600
    oauth_media_type: str = "application/json"

    differences: bool = False
    differences_page: int = 100
    tells_deleted: bool = True
    renews_differences: bool = True
    differences_gone: bool = False

    login_method: Literal["GET", "POST"] = "POST"
    throttle: Failure = TOO_FAST
    throttle_every: int | None = None
    fail_next: deque[Failure] = field(default_factory=deque)
    fail_on_page: dict[int, Failure] = field(default_factory=dict)
    expire_on_page: int | None = None
    cut_connection_on_page: int | None = None

    def next_failure(self) -> Failure | None:
        """Use up the next of ``fail_next``, if there is one."""
        try:
            return self.fail_next.popleft()
        except IndexError:
            return None

    @property
    def style(self) -> Style:
        """How memberships are written."""
        return Style(
            names=self.share_names,
            email=self.share_email,
            short_roles=self.short_roles,
            role_forms=self.role_forms,
            roles_as_text=self.roles_as_text,
            status=self.status,
            escaped=self.escaped,
            blanks=self.blanks,
            numeric_ids=self.numeric_ids,
            also=self.also,
        )
