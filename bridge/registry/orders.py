"""What a person orders through the web: put into the inbox with who it was, carried out by the scheduler.

The web writes neither the mirror nor what the scheduler goes by. An order is taken up within a second while a scheduler
runs, and until then it is among :meth:`Orders.open`. What came of it is in the decisions, the runs and the attempts.
An order that cannot be carried out any more, say because the context has been removed meanwhile, is logged and dropped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlite_utils import Database

from bridge.registry.inbox import Inbox
from bridge.registry.rosters import Roster
from bridge.roster.identity import ContextKey
from bridge.storage import write


class OrderKind(StrEnum):
    """What is ordered; the value is the kind of the inbox's item."""

    SYNC = "sync"
    """Read a context now, whatever the schedule says."""
    APPROVE = "approve"
    """Let a held plan be applied."""
    APPROVE_REST = "approve-rest"
    """Let a held plan's additions and changes be applied; its removals go on waiting."""
    REJECT = "reject"
    """Do not apply a held plan."""
    PAUSE = "pause"
    """Read a context, or a platform's contexts, no more by itself or on launches."""
    RESUME = "resume"
    """Read it, or them, again."""


APPROVALS = frozenset({OrderKind.APPROVE, OrderKind.APPROVE_REST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order.

    :param by: who gave it; empty where nobody said so, as on a launch page.
    :param tenant: with ``context`` what it is about; both ``None`` if it is about a platform.
    :param platform: the platform's id; ``None`` if it is about a context.
    :param run: the held run that is decided about.
    :param reason: why something is paused, in that person's words; may be empty.
    :param full: whether only the whole roster will do.
    """

    kind: OrderKind
    by: str
    tenant: str | None = None
    context: ContextKey | None = None
    platform: int | None = None
    run: int | None = None
    reason: str = ""
    full: bool = False


class Orders:
    """The orders in one inbox. What waits already does not wait twice."""

    def __init__(self, db: Database, inbox: Inbox) -> None:
        self._db = db
        self._inbox = inbox

    def sync(self, roster: Roster, by: str, *, full: bool = False) -> None:
        """Have a context, or a source, read now.

        :param full: read the whole roster, even if changes alone would be told.
        """
        self._put(OrderKind.SYNC, _about(roster.tenant, roster.key), by, **({"full": True} if full else {}))

    def sync_all(self, rosters: Iterable[Roster], by: str) -> None:
        """Have several contexts, or sources, read now, in one transaction."""
        with write(self._db):
            for roster in rosters:
                self.sync(roster, by)

    def approve(self, tenant: str, key: ContextKey, run: int, by: str, *, except_removals: bool = False) -> None:
        """Have a held plan applied: its roster is read again, and nobody goes who was not in the held set.

        :param tenant: with ``key`` the context of the run.
        """
        kind = OrderKind.APPROVE_REST if except_removals else OrderKind.APPROVE
        self._put(kind, _about(tenant, key), by, run=run)

    def reject(self, tenant: str, key: ContextKey, run: int, by: str) -> None:
        """Have it recorded that a held plan is not to be applied."""
        self._put(OrderKind.REJECT, _about(tenant, key), by, run=run)

    def pause_context(self, context: Roster, by: str, reason: str = "") -> None:
        """Have a context read no more by itself."""
        self._put(OrderKind.PAUSE, _about(context.tenant, context.key), by, reason=reason)

    def resume_context(self, context: Roster, by: str) -> None:
        """Have a paused context read again."""
        self._put(OrderKind.RESUME, _about(context.tenant, context.key), by)

    def pause_platform(self, platform_id: int, by: str, reason: str = "") -> None:
        """Have no context of a platform read by itself."""
        self._put(OrderKind.PAUSE, {"platform": platform_id}, by, reason=reason)

    def resume_platform(self, platform_id: int, by: str) -> None:
        """Have a paused platform's contexts read again."""
        self._put(OrderKind.RESUME, {"platform": platform_id}, by)

    def open(self) -> list[Order]:
        """What is ordered and not done yet, oldest first."""
        return [order for kind, payload in self._inbox.open() if (order := read_order(kind, payload)) is not None]

    def _put(self, kind: OrderKind, about: Mapping[str, Any], by: str, **more: object) -> None:
        self._inbox.put(kind, {**about, "by": by, **more})


def read_order(kind: str, payload: Mapping[str, Any]) -> Order | None:
    """The order that an item of the inbox is; ``None`` if it is another thing."""
    if kind not in list(OrderKind):
        return None
    key = payload.get("context")
    return Order(
        kind=OrderKind(kind),
        by=payload.get("by", ""),
        tenant=payload.get("tenant"),
        context=None if key is None else ContextKey(key),
        platform=payload.get("platform"),
        run=payload.get("run"),
        reason=payload.get("reason", ""),
        full=payload.get("full", False),
    )


def _about(tenant: str, key: ContextKey) -> dict[str, Any]:
    return {"tenant": tenant, "context": key}
