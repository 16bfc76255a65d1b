"""The bridge as an NRPS 2.0 platform: the memberships of every class that it holds, whatever its source.

One view: who asks, which class, which members, a page of them, links. Refusals are raised as
:class:`bridge.errors.RequestError` and worded by :mod:`bridge.api.problems`. No other system is called.

Where NRPS 2.0 is silent, the choices are in ``docs/decisions/0014-memberships-served.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from bridge import __version__
from bridge.api.problems import problem
from bridge.auth.at_once import AtOnce
from bridge.auth.bearer import ToolGrant, require
from bridge.auth.rate_limit import RateLimit
from bridge.clock import Clock, from_stamp, to_stamp
from bridge.errors import CursorExpired, InvalidRequest, RequestError
from bridge.mirror.memberships import Memberships
from bridge.mirror.pages import Pages
from bridge.nrps.answers import dump_container, dump_told
from bridge.nrps.cursors import Held, Walk, WalkTokens
from bridge.nrps.role_filter import RoleFilter
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER
from bridge.registry.tools import Tool
from bridge.roster.class_members import ClassMembers
from bridge.roster.identity import SourcedId
from bridge.roster.memberships import Member, RoleTest
from bridge.roster.sharing import UserIds
from bridge.seals import Seals

CONTEXTS_PATH = "/lti/contexts"
NEXT_LIVES = timedelta(days=1)
"""How long a ``next`` URL can be followed."""
_MOST_ROLES = 100
"""Roles that may be asked for at once: the members of a class are held against each."""


class NotAcceptable(RequestError):
    """The caller accepts nothing that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NrpsProviderSettings:
    """What an operator can set about the provider.

    :param public_url: the root that tools see, without a trailing slash.
    :param max_page: the largest page that is served.
    :param at_once: the most requests of one tool that are in hand at the same time.
    :param remembered: how long changes can be asked for: as long as the mirror keeps who has left.
    """

    public_url: str
    max_page: int
    at_once: int
    remembered: timedelta


class NrpsProvider:
    """Serves memberships.

    :param authenticate: turns the ``Authorization`` header into a grant, or raises.
    :param pages: gives this thread's reader of the mirror, whose transaction is used.
    :param memberships: gives the reader of memberships on the same connection.
    :param seals: gives what seals tokens, caseless.
    """

    def __init__(
        self,
        settings: NrpsProviderSettings,
        *,
        authenticate: Callable[[str | None], ToolGrant],
        rate_limit: RateLimit,
        pages: Callable[[], Pages],
        memberships: Callable[[], Memberships],
        seals: Callable[[], Seals],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._authenticate = authenticate
        self._rate_limit = rate_limit
        self._at_once = AtOnce(settings.at_once)
        self._pages = pages
        self._memberships = memberships
        self._seals = seals
        self._clock = clock

    def blueprint(self) -> Blueprint:
        """The route, and the shape of its errors."""
        blueprint = Blueprint("memberships", __name__, url_prefix=CONTEXTS_PATH)
        blueprint.add_url_rule(
            "/<path:class_sourced_id>/memberships",
            "memberships",
            self.serve,
            methods=["GET"],
            provide_automatic_options=False,
        )
        blueprint.register_error_handler(RequestError, _refusal)
        return blueprint

    def serve(self, class_sourced_id: str) -> Response:
        """Answer one GET or HEAD."""
        grant = self._authenticate(request.headers.get("Authorization"))
        self._rate_limit.take(grant.tool.client_id)
        require(grant, any_of=[CONTEXT_MEMBERSHIP_SCOPE])
        _check_accepted()
        pages = self._pages()
        with self._at_once.one_more(grant.tool.client_id), pages.reading():
            return self._serve(SourcedId(class_sourced_id), grant.tool, pages.epoch)

    def _serve(self, asked_class: SourcedId, tool: Tool, epoch: str) -> Response:
        tokens = WalkTokens(self._seals(), tool.client_id)
        walk = self._walk(asked_class, tool, tokens, epoch)
        roster = self._memberships().of_class(walk.class_, tool.visibility)
        tag = self._tag(tool, walk, roster, epoch)
        if request.if_none_match.contains_weak(tag):
            return _described(Response(status=304), tag)
        url = f"{self._settings.public_url}{CONTEXTS_PATH}/{quote(walk.class_, safe='')}/memberships"
        page = _told_page(url, walk, tool, roster) or _page(url, walk, tool, roster)

        def link(to: Walk) -> str:
            return f"{url}?cursor={tokens.write(Held(to, epoch, tool.version, now))}"

        now = to_stamp(self._clock())
        links = []
        if page.more:
            links.append(f'<{link(replace(walk, after=page.last))}>; rel="next"')
        if walk.after == 0:  # a later page's would miss what changes while the pages are read
            links.append(f'<{link(replace(walk, since=roster.now, asked=now))}>; rel="differences"')
        response = _described(Response(page.body, content_type=MEMBERSHIP_CONTAINER), tag)
        if links:
            response.headers["Link"] = ", ".join(links)
        return response

    def _walk(self, asked_class: SourcedId, tool: Tool, tokens: WalkTokens, epoch: str) -> Walk:
        """What is asked for: by a token of ours, and then by nothing else, or by the parameters."""
        if "rlid" in request.args:
            # No link of a tool's is in any class here, so none that it names is its own.
            raise InvalidRequest("rlid", "is no resource link of this tool in this context; ask without it")
        match request.args.getlist("cursor"):
            case []:
                roles = tuple(dict.fromkeys(role for role in request.args.getlist("role") if role.strip()))
                if len(roles) > _MOST_ROLES:
                    raise InvalidRequest("role", f"is given more than {_MOST_ROLES} times")
                return Walk(class_=asked_class, roles=roles, limit=self._limit(request.args.get("limit", "")))
            case [token]:
                held = tokens.read(token)
                self._check_age(held, tool, epoch)
                if held.walk.class_.casefold() != asked_class.casefold():
                    raise InvalidRequest("cursor", "is not one of this context's: follow the links as they were given")
                return held.walk
            case _:
                raise InvalidRequest("cursor", "is repeated")

    def _limit(self, text: str) -> int:
        """A hint: what cannot be honoured is passed over, and what is too much is cut."""
        asked = int(text[:9]) if text.isascii() and text.isdigit() else 0
        return min(asked, self._settings.max_page) or self._settings.max_page

    def _check_age(self, held: Held, tool: Tool, epoch: str) -> None:
        now = self._clock()
        if held.epoch != epoch:
            raise CursorExpired("the bridge was restored from a backup since: read the whole roster")
        if held.version != tool.version:
            raise CursorExpired("what this tool may see has changed since: read the whole roster")
        if held.walk.after and from_stamp(held.made) < now - NEXT_LIVES:
            raise CursorExpired("this link has expired: begin again with the first page")
        if held.walk.asked and from_stamp(held.walk.asked) <= now - self._settings.remembered:
            raise CursorExpired("who has left since is not remembered for so long: read the whole roster")

    def _tag(self, tool: Tool, walk: Walk, roster: ClassMembers, epoch: str) -> str:
        """What stays the same while the answer does."""
        depends_on = (__version__, epoch, tool.client_id, tool.version, walk, roster.mark, self._settings.public_url)
        return self._seals().mark(repr(depends_on))


class _Page(NamedTuple):
    """One answer's body.

    :ivar last: the place of its last member.
    :ivar more: whether others follow.
    """

    body: bytes
    last: int
    more: bool


def _page(url: str, walk: Walk, tool: Tool, roster: ClassMembers) -> _Page:
    read = roster.read(limit=walk.limit, after=walk.after, has_role=_has_role(walk.roles), since=walk.since)

    def user_id_of(member: Member) -> str:
        return roster.sourced_id_of(member) if tool.user_ids is UserIds.SOURCED_ID else member.membership.user_id

    body = dump_container(url, roster.context, read.members, tool.privacy, user_id_of)
    return _Page(body, read.members[-1].place if read.members else 0, read.more)


def _told_page(url: str, walk: Walk, tool: Tool, roster: ClassMembers) -> _Page | None:
    """The same of members who have been written already, which costs hardly more than to send it."""
    if walk.since is not None:
        return None
    told = roster.told(
        limit=walk.limit,
        after=walk.after,
        has_role=_has_role(walk.roles),
        privacy=tool.privacy,
        user_ids=tool.user_ids,
    )
    return None if told is None else _Page(dump_told(url, roster.context, told.text), told.last, told.more)


def _has_role(roles: tuple[str, ...]) -> RoleTest | None:
    """Of several roles, one is enough."""
    if not roles:
        return None
    filters = [RoleFilter(role) for role in roles]

    @cache
    def has_role(of_member: tuple[str, ...]) -> bool:
        return any(each.matches(of_member) for each in filters)

    return lambda of_member: has_role(tuple(of_member))


def _check_accepted() -> None:
    """Let pass whoever accepts the media type, or JSON of any kind, or does not say."""
    if not _is_acceptable(request.headers.get("Accept", "")):
        raise NotAcceptable(f"memberships are served as {MEMBERSHIP_CONTAINER} only: say so in Accept, or leave it out")


@lru_cache(maxsize=64)
def _is_acceptable(header: str) -> bool:
    accepted = parse_accept_header(header, MIMEAccept)
    return not header.strip() or any(accepted.quality(each) > 0 for each in (MEMBERSHIP_CONTAINER, "application/json"))


def _described(response: Response, tag: str) -> Response:
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    return response


def _refusal(refusal: RequestError) -> Response:
    response = problem(refusal)
    if isinstance(refusal, NotAcceptable):
        response.status_code = 406
    return response
