"""One context of an LTI platform as a source of the reconciler.

Says what the platform says and no more: of a member it looks at the ``user_id`` only, what the rest is worth is
decided where facts become documents.
"""

from collections.abc import Iterator
from functools import partial

import msgspec

from bridge.lti.platform import Platform
from bridge.nrps.client import DEFAULT_MAX_MEMBERS, NrpsClient, Page
from bridge.nrps.containers import member_user_id
from bridge.nrps.schemas import load_context, merge_members
from bridge.roster.identity import ContextKey
from bridge.roster.ports import FactKind, Rejected, Stated


class NrpsSnapshot:
    """What a platform says about one context: a :class:`bridge.roster.ports.Snapshot`.

    States the context first, then each member of each page; a person may be stated twice.

    :param url: the registered membership URL.
    :param source: the tenant.
    :param context: the key that the context has in the mirror.
    :param context_id: the context's id as registered, from a launch: stated where the platform leaves it out.
    :param complete: whether the platform lists everybody. A reading with ``role`` or ``rlid`` is never complete.
    """

    def __init__(
        self,
        client: NrpsClient,
        platform: Platform,
        url: str,
        *,
        source: str,
        context: ContextKey,
        context_id: str,
        complete: bool,
        deployment_id: str | None = None,
        role: str | None = None,
        rlid: str | None = None,
        limit: int | None = None,
        max_members: int = DEFAULT_MAX_MEMBERS,
    ) -> None:
        self.source = source
        self.context = context
        self.complete = complete and role is None and rlid is None
        self._context_id = context_id
        self._pages = partial(
            client.pages,
            platform,
            url,
            deployment_id=deployment_id,
            role=role,
            limit=limit,
            rlid=rlid,
            max_members=max_members,
        )

    def __iter__(self) -> Iterator[Stated | Rejected]:
        position = 0
        context_stated = False
        for page in self._pages():
            if not context_stated:
                yield self._stated_context(page)
                context_stated = True
            for raw in page.members:
                yield _stated_member(position, raw)
                position += 1
            del page  # lest two be held while the next one is read

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        """See :func:`bridge.nrps.schemas.merge_members`."""
        return merge_members(earlier, later)

    def _stated_context(self, page: Page) -> Stated:
        raw = page.context
        if raw is None or not _is_text(raw) or load_context(raw) is None:
            raw = msgspec.json.encode({"id": self._context_id})
        return Stated(FactKind.CONTEXT, "", raw)


def _stated_member(position: int, raw: bytes) -> Stated | Rejected:
    user_id = member_user_id(raw)
    if user_id is None:
        return Rejected(position, None, "user_id is missing or cannot be read")
    if not _is_text(raw):
        return Rejected(position, user_id, "is not UTF-8")
    return Stated(FactKind.MEMBER, user_id, raw)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
