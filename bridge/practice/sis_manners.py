"""How the practice SIS behaves: its manners, and the faults that a test may ask of it.

One :class:`SisManners` object is handed to the SIS and read at every request, so a test changes an attribute and the
next answer is different. The defaults are those of a strict and complete provider;
:mod:`bridge.practice.sis_vendor_manners` has those of real ones.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.practice.links import LinkForm
from bridge.practice.manners import TOO_FAST, Failure


@dataclass(slots=True, kw_only=True)
class SisManners:
    """The knobs. A page is named by the offset at which it begins.

    Pages:

    :param default_limit: rows on a page when the request does not say.
    :param largest_limit: the most rows on a page.
    :param over_limit: a larger ``limit`` is clamped, and ``Link`` says so; is clamped, and ``Link`` repeats what was
        asked for; or is refused.
    :param over_limit_status: how it is refused.
    :param short_pages: how many rows the pages at certain offsets hold at most.
    :param withheld: sourcedIds that are left out after pages have been cut and counted: such a page is short, or even
        empty, and ``next`` steps over the whole of it.
    :param repeats: how many rows of the end of each page come again at the beginning of the next. The total counts
        them twice.
    :param total: ``X-Total-Count`` is right, absent, the number of rows on this page, or no number.
    :param links: all four links, ``next`` alone, or none.
    :param link_form: how ``next`` is written where it is alone.
    :param next_leads: to the next page, to the very same one, or to another host.
    :param counters_in_body: ``totalCount``, ``limit`` and ``offset`` stand beside the rows.

    Requests:

    :param versions: which are served at all.
    :param unserved: paths behind the base, such as ``demographics``, that are answered 404.
    :param lenient: unknown and repeated parameters, and values that cannot be read, are passed over, not refused.
    :param filters: filters are honoured; honoured, but an instant must be a bare date; passed over; or refused.
    :param sorts: ``sort`` is honoured or passed over.

    Records:

    :param hrefs: references have an absolute ``href``, one without a host, or none; or they are bare sourcedIds.
    :param json_booleans: ``true`` and ``false`` are no strings.
    :param school_year_as_number: ``schoolYear`` of a session is no string.
    :param nulls: what is missing is ``null``.
    :param stamps: how ``dateLastModified`` is written.
    :param tombstones: removed records are told as ``tobedeleted``, as ``inactive``, or not at all.
    :param fields_1p1: records are written as OneRoster 1.1 has them, in 1.2 too.
    :param also: further fields of every record.

    Answers:

    :param media_type: the content type of answers.
    :param envelope: collections stand under their key, or are bare lists.
    :param byte_order_mark: the body begins with one.
    :param errors: as the standard says; with a code minor that is a word; without one; within ``imsx_StatusInfo``; or
        an HTML page.

    Access:

    :param client_authentication: how the token endpoint takes the credentials.
    :param scope_required: a token request without ``scope`` is refused; otherwise it is granted everything.
    :param all_scopes_or_none: a request for a scope that the client does not have is refused, even beside others.
    :param scope_told: the token answer says what was granted, or nothing.
    :param expires_in: the lifetime as the token answer writes it; ``None`` leaves it out.
    :param token_type: as the token answer writes it.
    :param oauth1: OneRoster 1.1 takes requests that are signed in these ways; none at all if empty.
    :param oauth2_for_1p1: OneRoster 1.1 takes bearer tokens.
    :param expired_status: what an unknown or expired token is answered.

    Faults:

    :param throttle: what a request too many is answered.
    :param throttle_every: every how many requests is one too many; ``None`` never is.
    :param fail_next: answers to the next requests, used up one by one.
    :param fail_at: an answer to the first request for a page, by path and offset; used up.
    :param fails_above: a ``limit`` above this is answered 500, as by a server that runs out of time.
    :param expire_at: when a page at this offset or behind is first asked for, every token has expired; used up.
    :param cut_connection_at: the page, by path and offset, whose answer breaks off half-way; used up.
    :param delay_seconds: how long each answer takes.
    """

    default_limit: int = 100
    largest_limit: int | None = 10_000
    over_limit: Literal["clamped", "clamped silently", "refused"] = "clamped"
    over_limit_status: int = 400
    short_pages: Mapping[int, int] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    repeats: int = 0
    total: Literal["right", "absent", "of the page", "no number"] = "right"
    links: Literal["all", "next", "absent"] = "all"
    link_form: LinkForm = LinkForm.QUOTED
    next_leads: Literal["onward", "here", "elsewhere"] = "onward"
    counters_in_body: bool = False

    versions: frozenset[str] = frozenset({"1.1", "1.2"})
    unserved: frozenset[str] = frozenset()
    lenient: bool = False
    filters: Literal["honoured", "bare dates", "passed over", "refused"] = "honoured"
    sorts: Literal["honoured", "passed over"] = "honoured"

    hrefs: Literal["absolute", "relative", "absent", "bare ids"] = "absolute"
    json_booleans: bool = False
    school_year_as_number: bool = False
    nulls: bool = False
    stamps: Literal["milliseconds", "seconds", "offset", "blank", "absent"] = "milliseconds"
    tombstones: Literal["told", "inactive", "untold"] = "told"
    fields_1p1: bool = False
    also: Mapping[str, Any] = field(default_factory=dict)

    media_type: str = "application/json"
    envelope: Literal["key", "bare list"] = "key"
    byte_order_mark: bool = False
    errors: Literal["standard", "word", "no code minor", "wrapped", "html"] = "standard"

    client_authentication: Literal["basic or form", "basic", "form"] = "basic or form"
    scope_required: bool = True
    all_scopes_or_none: bool = False
    scope_told: Literal["granted", "absent"] = "granted"
    expires_in: int | str | None = 3600
    token_type: str = "Bearer"  # noqa: S105  # a type, not a token
    oauth1: frozenset[str] = frozenset({"HMAC-SHA1", "HMAC-SHA256"})
    oauth2_for_1p1: bool = True
    expired_status: int = 401

    throttle: Failure = TOO_FAST
    throttle_every: int | None = None
    fail_next: deque[Failure] = field(default_factory=deque)
    fail_at: dict[tuple[str, int], Failure] = field(default_factory=dict)
    fails_above: int | None = None
    expire_at: int | None = None
    cut_connection_at: tuple[str, int] | None = None
    delay_seconds: float = 0.0

    def next_failure(self) -> Failure | None:
        """Use up the next of ``fail_next``, if there is one."""
        try:
            return self.fail_next.popleft()
        except IndexError:
            return None
