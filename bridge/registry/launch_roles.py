"""The roles of each person's latest launch of a context.

Kept where a platform says less of its members' roles in NRPS than in launches. They age: whoever has not launched for
a while may have another role by now.
"""

import json
from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.roster.identity import ContextKey, LtiUserId


class LaunchRoles:
    """The latest launches' roles, one list for each person and registered context."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def note(self, tenant: str, context: ContextKey, user_id: LtiUserId, roles: Sequence[str]) -> None:
        """Keep the roles of a launch that has just been verified, in place of the earlier one's.

        :param context: a registered context.
        """
        self._db.execute(
            "INSERT OR REPLACE INTO launch_roles (tenant, context, user_id, roles, launched) VALUES (?, ?, ?, ?, ?)",
            (tenant, context, user_id, json.dumps(list(roles), ensure_ascii=False), to_stamp(self._clock())),
        )

    def since(self, tenant: str, context: ContextKey, moment: datetime) -> list[tuple[LtiUserId, tuple[str, ...]]]:
        """Who has launched since a moment, and as what."""
        rows = self._db.execute(
            "SELECT user_id, roles FROM launch_roles WHERE tenant = ? AND context = ? AND launched > ?"
            " ORDER BY user_id",
            (tenant, context, to_stamp(moment)),
        )
        return [(LtiUserId(user_id), tuple(json.loads(roles))) for user_id, roles in rows.fetchall()]
