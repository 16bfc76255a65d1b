"""One context of an LTI platform as a source of the reconciler: its whole roster, or what has changed in it.

Says what the platform says and no more: of a member it looks at the ``user_id``, and at whether she is listed as
deleted; what the rest is worth is decided where facts become documents.

Spec: NRPS 2.0 sections "Membership container media type", "Membership status" and "Membership differences".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from bridge.lti.platform import Platform
from bridge.nrps.client import DEFAULT_MAX_MEMBERS, NrpsClient, Page
from bridge.nrps.role_filter import RoleFilter
from bridge.nrps.schemas import LONGEST_MEMBER, is_deleted, load_context, merge_members
from bridge.roster.identity import ContextKey, LtiUserId, person_key
from bridge.roster.ports import FactKind, Gone, Listed, PageRead, Rejected, Said, Stated


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterAddress:
    """Where and how the roster of one context is read.

    :param url: the registered membership URL.
    :param source: the tenant.
    :param context: the key that the context has in the mirror.
    :param context_id: the context's id as registered, from a launch: stated where the platform leaves it out.
    :param deployment_id: for the access token, where it is known.
    :param person_scope: the deployment that is part of what names a member, where one is: see
        :func:`bridge.roster.identity.person_key`.
    :param renew_on_403: see :meth:`bridge.nrps.client.NrpsClient.pages`.
    :param max_members: likewise.
    """

    platform: Platform
    url: str
    source: str
    context: ContextKey
    context_id: str
    deployment_id: str | None = None
    person_scope: str | None = None
    renew_on_403: bool = True
    max_members: int = DEFAULT_MAX_MEMBERS

    def listed(self, page: Page, position: int) -> Listed:
        """What a page says of each of its members.

        :param position: how many came on earlier pages.
        """
        subjects: Sequence[str | None] = page.user_ids
        if self.person_scope is not None:
            subjects = [None if user_id is None else self._person(user_id) for user_id in page.user_ids]

        def read(index: int) -> Stated | Rejected | Gone:
            return _stated(position + index, subjects[index], page.members[index])

        return Listed(FactKind.MEMBER, subjects, page.members, read)

    def _person(self, user_id: str) -> str:
        return person_key(LtiUserId(user_id), self.person_scope)


def _stated(position: int, person: str | None, raw: bytes) -> Stated | Rejected | Gone:
    if person is None:
        return Rejected(position, None, "user_id is missing or cannot be read")
    if len(raw) > LONGEST_MEMBER:
        return Rejected(position, person, f"is longer than {LONGEST_MEMBER} bytes")
    if not _is_text(raw):
        return Rejected(position, person, "is not UTF-8")
    return Gone(person) if is_deleted(raw) else Stated(FactKind.MEMBER, person, raw)


class _Bookmark(msgspec.Struct, frozen=True, array_like=True):
    """A differences URL, and what it was given for: another URL or registration may see other members."""

    client_id: str
    url: str
    differences: str


class NrpsSnapshot:
    """What a platform says about one context: a :class:`bridge.roster.ports.Snapshot`.

    States the context first, then each member of each page; a person may be stated twice.

    :param complete: whether the platform lists everybody. A reading with ``role`` or ``rlid`` is never complete.
    :param role: read members with this role only, whatever the platform makes of it.
    :param rlid: read those who can reach this resource link.
    :param limit: the page size to ask for.
    :param differences: whether to remember where changes can be asked for, if the platform says so.
    """

    def __init__(
        self,
        client: NrpsClient,
        address: RosterAddress,
        *,
        complete: bool,
        role: str | None = None,
        rlid: str | None = None,
        limit: int | None = None,
        differences: bool = True,
    ) -> None:
        whole = role is None and rlid is None
        self.source = address.source
        self.context = address.context
        self.complete = complete and whole
        self.bookmark: str | None = None
        self._client = client
        self._address = address
        self._role = role
        self._rlid = rlid
        self._limit = limit
        self._wanted = RoleFilter(role) if role is not None else None
        self._differences = differences and whole

    def __iter__(self) -> Iterator[Said]:
        address = self._address
        position = 0
        first = True
        for page in self._client.pages(
            address.platform,
            address.url,
            deployment_id=address.deployment_id,
            renew_on_403=address.renew_on_403,
            max_members=address.max_members,
            role=self._role,
            rlid=self._rlid,
            limit=self._limit,
        ):
            if first:
                first = False
                # A later page's link would miss what changed while the pages were read.
                self.bookmark = _bookmark(address, page) if self._differences else None
                yield _stated_context(page) or _registered_context(address)
            else:
                yield PageRead()
            listed = address.listed(page, position)
            position += len(page.members)
            if self._wanted is None:
                yield listed
            else:
                yield from (item for item in listed if not isinstance(item, Stated) or self._wanted(item.raw))
            del page, listed  # lest two be held while the next one is read

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """See :func:`bridge.nrps.schemas.merge_members`."""
        return merge_members(earlier, later)

    def since(self, bookmark: str) -> "NrpsChanges | None":
        """What has changed since an earlier reading; ``None`` if that was of another URL or by another registration.

        :param bookmark: the earlier reading's.
        """
        try:
            mark = msgspec.json.decode(bookmark, type=_Bookmark)
        except msgspec.DecodeError:
            return None  # another version's
        address = self._address
        if not self._differences or (mark.client_id, mark.url) != (address.platform.client_id, address.url):
            return None
        return NrpsChanges(self._client, address, mark)


class NrpsChanges:
    """What has changed in one context: a :class:`bridge.roster.ports.Snapshot` that is never complete.

    Asks at the ``differences`` URL. NRPS 2.0 lets a platform keep silent about those who left, so this is no
    substitute for reading the whole roster now and then.

    :ivar bookmark: the answer's own ``differences`` URL if it has one, else the one that was asked: changes are net, so
        it may be asked again.
    """

    complete = False

    def __init__(self, client: NrpsClient, address: RosterAddress, mark: _Bookmark) -> None:
        self.source = address.source
        self.context = address.context
        self.bookmark: str | None = _encoded(mark)
        self._client = client
        self._address = address
        self._mark = mark

    def __iter__(self) -> Iterator[Said]:
        address = self._address
        position = 0
        first = True
        for page in self._client.changes(
            address.platform,
            address.url,
            self._mark.differences,
            deployment_id=address.deployment_id,
            renew_on_403=address.renew_on_403,
            max_members=address.max_members,
        ):
            if first:
                first = False
                self.bookmark = _bookmark(address, page) or self.bookmark
                if (context := _stated_context(page)) is not None:
                    yield context
            else:
                yield PageRead()
            yield address.listed(page, position)
            position += len(page.members)
            del page  # lest two be held while the next one is read

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """See :func:`bridge.nrps.schemas.merge_members`."""
        return merge_members(earlier, later)


def _bookmark(address: RosterAddress, page: Page) -> str | None:
    if page.differences is None:
        return None
    return _encoded(_Bookmark(address.platform.client_id, address.url, page.differences))


def _encoded(mark: _Bookmark) -> str:
    return msgspec.json.encode(mark).decode()


def _stated_context(page: Page) -> Stated | None:
    raw = page.context
    if raw is None or not _is_text(raw) or load_context(raw) is None:
        return None
    return Stated(FactKind.CONTEXT, "", raw)


def _registered_context(address: RosterAddress) -> Stated:
    return Stated(FactKind.CONTEXT, "", msgspec.json.encode({"id": address.context_id}))


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
