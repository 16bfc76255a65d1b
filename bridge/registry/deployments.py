"""The deployments of the bridge at each platform: LTI Core 1.3 section 3.1.3, ``deployment_id``."""

from collections.abc import Iterable

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.lti.platform import Platform
from bridge.storage import write


class Deployments:
    """The deployment ids known for each platform, compared byte for byte."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def of(self, platform: Platform) -> frozenset[str]:
        """The ids known for a platform."""
        rows = self._db.execute("SELECT deployment_id FROM deployments WHERE platform = ?", (platform.id,)).fetchall()
        return frozenset(deployment_id for (deployment_id,) in rows)

    def add(self, platform: Platform, deployment_ids: Iterable[str]) -> None:
        """Know these ids from now on, those that are known already included."""
        now = to_stamp(self._clock())
        for deployment_id in deployment_ids:
            self._db.execute(
                "INSERT OR IGNORE INTO deployments (platform, deployment_id, created) VALUES (?, ?, ?)",
                (platform.id, deployment_id, now),
            )

    def add_first(self, platform: Platform, deployment_id: str) -> bool:
        """Know this id if none is known yet; whether it is known now.

        Of several that come at the same time, one is the first.
        """
        with write(self._db):
            known = self.of(platform)
            if not known:
                self.add(platform, [deployment_id])
            return not known or deployment_id in known

    def remove(self, platform: Platform, deployment_id: str) -> bool:
        """Forget one id; whether it was known."""
        cursor = self._db.execute(
            "DELETE FROM deployments WHERE platform = ? AND deployment_id = ?", (platform.id, deployment_id)
        )
        return cursor.rowcount > 0
