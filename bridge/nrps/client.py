"""Reading a roster from an LTI platform, page by page.

The rules are those that survive the platforms seen so far: the registered URL keeps its own query, links to further
pages are opaque and stay on the registered origin, and only a page without a ``next`` link is the end. A cap that is
hit, a page that repeats or an answer that cannot be read ends the reading with an error: never with a roster that looks
whole and is not.

Spec: NRPS 2.0 sections "Request for context memberships", "Limit query parameter" and "Membership differences";
RFC 8288 for ``Link``.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

from bridge.clock import Clock, utc_now
from bridge.errors import BridgeError, SourceGone, SourceRefused, SourceUnavailable
from bridge.lti.platform import Platform
from bridge.nrps.containers import parse_container, too_many_members
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER
from bridge.origins import origin_of
from bridge.transport.http import Answer, Http, without_query
from bridge.transport.links import find_link, parse_links
from bridge.transport.oauth2 import ServiceTokens
from bridge.transport.retry import Patience, asks_to_wait, retry_after

DEFAULT_MAX_MEMBERS = 100_000
_SCOPES = (CONTEXT_MEMBERSHIP_SCOPE,)
_LONGEST_LINKS = 8 * 1024
_MOST_EMPTY_PAGES = 100

_WHAT_TO_CHECK = {
    400: "it does not accept the request: check the membership URL, and any role, limit or resource link id asked for",
    401: "it refuses a fresh access token: check that Names and Role Provisioning (scope"
    f" {CONTEXT_MEMBERSHIP_SCOPE}) is switched on for the bridge there",
    403: "it does not let the bridge read this roster: check that Names and Role Provisioning (scope"
    f" {CONTEXT_MEMBERSHIP_SCOPE}) is switched on for the bridge there, and that the course is not too large for it",
    404: "it knows no such roster, or none that the bridge may read: the course may be gone, or the membership URL old",
    410: "the roster is gone: the course was deleted, or the membership URL is old",
}


_GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a roster.

    :param url: where it was read.
    :param context: the JSON text of the container's ``context``; ``None`` if the platform left it out.
    :param members: the JSON text of each member; a page may hold none and not be the last.
    :param user_ids: whom each of them is about; ``None`` where that cannot be read.
    :param differences: where changes since this page can be asked for. Of a whole reading the first page's counts: a
        later one would miss what changed in between.
    """

    url: str
    context: bytes | None
    members: tuple[bytes, ...]
    user_ids: tuple[str | None, ...]
    differences: str | None


class NrpsClient:
    """Reads memberships. Serves all threads.

    :param sleep: waits so many seconds between attempts.
    :param attempts: the most times that one page is asked for while the platform is busy or out of reach.
    :param max_wait: seconds of such waiting that one roster may cost in all.
    :param pace: waits until the platform may be asked once more.
    :param max_pages: more than that is refused, and so are a hundred in a row without members: a platform might link on
        and on.
    :param max_minutes: how long reading one roster may take: a platform might also be slow on purpose.
    :param ticks: counts seconds.
    """

    def __init__(
        self,
        http: Http,
        tokens: ServiceTokens,
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = 5,
        max_wait: float = 300,
        pace: Callable[[Platform], None] = lambda _: None,
        max_pages: int = 20_000,
        max_minutes: float = 30,
        ticks: Callable[[], float] = time.monotonic,
        clock: Clock = utc_now,
    ) -> None:
        self._http = http
        self._tokens = tokens
        self._pace = pace
        self._max_pages = max_pages
        self._max_minutes = max_minutes
        self._ticks = ticks
        self._clock = clock
        self._patience = partial(Patience, sleep=sleep, attempts=attempts, max_wait=max_wait)

    def pages(
        self,
        platform: Platform,
        url: str,
        *,
        deployment_id: str | None = None,
        role: str | None = None,
        limit: int | None = None,
        rlid: str | None = None,
        renew_on_403: bool = True,
        max_members: int = DEFAULT_MAX_MEMBERS,
    ) -> Iterator[Page]:
        """Read the roster at a membership URL, one page at a time, as each is asked for.

        The same person may come twice, because some platforms sort anew for every page.

        :param url: the registered ``context_memberships_url``.
        :param deployment_id: for the access token, where it is known.
        :param role: ask for members of this role only. Moodle 4.5 honours two roles, gives everybody for any other, and
            forgets it from the second page on: filter again, with :class:`bridge.nrps.role_filter.RoleFilter`.
        :param limit: ask for pages of this size; the platform may give more or fewer.
        :param rlid: ask for those who can reach this resource link.
        :param renew_on_403: take a 403 that is no throttle for an expired token, once: Sakai answers so.
        :param max_members: more than that is refused.
        :raises SourceUnavailable: if the platform is busy or out of reach for longer than patience lasts.
        :raises SourceGone: if it says that there is no such roster.
        :raises SourceRefused: if it says no otherwise, leads in circles or elsewhere or on without end, or lists more
            than ``max_members``.
        """
        get = partial(self._get, platform, deployment_id, renew_on_403)
        return self._walk(get, with_query(url, role=role, limit=limit, rlid=rlid), url, max_members)

    def changes(
        self,
        platform: Platform,
        url: str,
        differences: str,
        *,
        deployment_id: str | None = None,
        renew_on_403: bool = True,
        max_members: int = DEFAULT_MAX_MEMBERS,
    ) -> Iterator[Page]:
        """Read what has changed since a page was read that named ``differences``.

        The members are those who came or changed, as they are now; of those who left the platform may list some, as
        ``Deleted``, and need not list any.

        :param url: the registered ``context_memberships_url``, on whose origin the access token belongs.
        :param differences: the URL, opaque and complete.
        :raises: as :meth:`pages`; a platform that no longer knows the URL refuses it.
        """
        get = partial(self._get, platform, deployment_id, renew_on_403)
        return self._walk(get, differences, url, max_members)

    def look(
        self,
        platform: Platform,
        url: str,
        *,
        deployment_id: str | None = None,
        renew_on_403: bool = True,
        page: int = 1,
    ) -> tuple[Answer, int]:
        """One page of the roster at a membership URL as the platform returns it, for a person to look at.

        Nothing is parsed but the links that lead to the page, nothing is asked twice, and no status is judged.

        :param page: which one; the last, if there are fewer.
        :returns: the answer, and the number of its page.
        :raises SourceUnavailable: if there is no whole answer, or no access token for now.
        :raises SourceRefused: if there is no access token, or a link leads elsewhere or in circles.
        """
        following, seen, number = url, set[str](), 0
        while True:
            _check_next(following, url, seen)
            seen.add(following)
            answer = self._get(platform, deployment_id, renew_on_403, following)
            number += 1
            link = find_link(parse_links(answer.headers.getlist("Link"), following), "next")
            if link is None or number >= page or answer.status != 200:
                return answer, number
            following = link.target

    def _walk(self, get: Callable[[str], Answer], first: str, registered: str, max_members: int) -> Iterator[Page]:
        patience = self._patience()
        deadline = self._ticks() + self._max_minutes * 60

        def get_in_time(url: str) -> Answer:
            if self._ticks() > deadline:
                raise SourceRefused(
                    f"{without_query(registered)}: reading the roster takes more than {self._max_minutes:g} minutes:"
                    " if that is right, raise nrps.max_minutes"
                )
            return get(url)

        next_url: str | None = first
        seen: set[str] = set()
        members = empty = 0
        while next_url is not None:
            _check_next(next_url, registered, seen)
            where = without_query(registered)
            if len(seen) >= self._max_pages:
                raise SourceRefused(f"{where} has more than {self._max_pages} pages: ask for larger ones")
            seen.add(next_url)
            try:
                page, next_url = patience.insist(partial(self._read, get_in_time, next_url, max_members))
            except SourceGone as gone:
                if len(seen) == 1:
                    raise
                raise SourceUnavailable(f"a page in the middle of the roster is gone: {gone}") from gone
            members += len(page.members)
            empty = 0 if page.members else empty + 1
            if empty > _MOST_EMPTY_PAGES:
                raise SourceRefused(f"{where} links on and on to pages without members: its roster has no end")
            if members > max_members:
                raise too_many_members(where, max_members)
            yield page
            del page  # lest two be held while the next one is read

    def _read(self, get: Callable[[str], Answer], url: str, max_members: int) -> tuple[Page, str | None]:
        answer = get(url)
        if answer.status not in (200, 204):
            raise self._refusal(answer)
        lines = answer.headers.getlist("Link")
        if sum(map(len, lines)) > _LONGEST_LINKS:
            raise SourceRefused(f"{without_query(url)} sends Link headers of more than {_LONGEST_LINKS} bytes")
        links = parse_links(lines, url)
        if not links and any(line.strip() for line in lines):
            raise SourceRefused(
                f"{without_query(url)} sends a Link header that cannot be read: there may be a next page"
            )
        container = parse_container(answer.body, max_members, without_query(url))
        differences, following = find_link(links, "differences"), find_link(links, "next")
        since = differences.target if differences else None
        page = Page(url, container.context, container.members, container.user_ids, since)
        return page, following.target if following else None

    def _get(self, platform: Platform, deployment_id: str | None, renew_on_403: bool, url: str) -> Answer:
        """Ask with the token at hand and, if that is refused as an expired one would be, once more with a new one."""
        self._pace(platform)
        token = self._tokens.token(platform, _SCOPES, deployment_id)
        answer = self._get_with(token, url)
        if answer.status == 401 or (answer.status == 403 and renew_on_403 and not _is_throttle(answer)):
            self._tokens.forget(platform, _SCOPES, token, deployment_id)
            answer = self._get_with(self._tokens.token(platform, _SCOPES, deployment_id), url)
        return answer

    def _get_with(self, token: str, url: str) -> Answer:
        # Moodle 4.5 takes neither a list of media types nor a scheme written "bearer".
        return self._http.get(url, headers={"Accept": MEMBERSHIP_CONTAINER, "Authorization": f"Bearer {token}"})

    def _refusal(self, answer: Answer) -> BridgeError:
        where = f"{without_query(answer.url)} answers {answer.status}"
        if asks_to_wait(answer.status) or _is_throttle(answer):
            return SourceUnavailable(where, retry_after(answer, self._clock()))
        refused = SourceGone if answer.status in _GONE else SourceRefused
        return refused(f"{where}: {_WHAT_TO_CHECK.get(answer.status, 'check the membership URL')}")


def with_query(url: str, **params: str | int | None) -> str:
    """A URL with parameters added behind its own, which stay as they are: order, blanks, repetitions, escapes.

    :param params: those that are ``None`` are left out.

    >>> with_query("https://lms.example.org/m?placement_id=_1_1&flag=&a=1&a=2", limit=50)
    'https://lms.example.org/m?placement_id=_1_1&flag=&a=1&a=2&limit=50'
    """
    added = urlencode({name: value for name, value in params.items() if value is not None}, quote_via=quote, safe="")
    if not added:
        return url
    base, hash_mark, fragment = url.partition("#")
    joint = "&" if "?" in base else "?"
    if base.endswith(("?", "&")):
        joint = ""
    return f"{base}{joint}{added}{hash_mark}{fragment}"


def _check_next(next_url: str, registered: str, seen: set[str]) -> None:
    """Keep the reading on the registered origin, where the access token belongs, and out of circles."""
    same_origin = _origin(next_url) == _origin(registered)
    where = without_query(registered)
    if not same_origin:
        raise SourceRefused(
            f"{where} links to a page at another scheme, host or port, where the access token does not belong:"
            " check the platform's own idea of its public address"
        )
    if next_url in seen:
        raise SourceRefused(f"{where} links back to a page that was read already: its roster has no end")


def _origin(url: str) -> tuple[str, str, int]:
    try:
        return origin_of(url)
    except ValueError:
        raise SourceRefused(
            "a membership URL, or a link to a next page, is not a URL: check the registration"
        ) from None


def _is_throttle(answer: Answer) -> bool:
    """Whether a 403 means "too fast": Canvas says so in the body, others by asking to come back."""
    return answer.status == 403 and ("rate limit" in answer.text[:4096].lower() or "Retry-After" in answer.headers)
