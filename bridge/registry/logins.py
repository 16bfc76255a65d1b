"""OIDC logins that were begun and not finished: what ``state`` stands for until the platform answers.

Each is good for one answer: :meth:`Logins.consume` takes it out in the same statement that finds it, so of two
answers with one ``state`` only one finds anything.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login that awaits its launch.

    :param browser_hash: the hash of the cookie that was given to the browser.
    :param deployment_id: ``lti_deployment_id``, where the login request held it.
    """

    platform_id: int
    nonce: str
    browser_hash: bytes
    target_link_uri: str
    deployment_id: str | None


class Logins:
    """The unfinished logins."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, state_hash: bytes, login: Login, lifetime: timedelta) -> None:
        """Remember a login for its lifetime, and forget those that have expired."""
        now = self._clock()
        self._db.execute("DELETE FROM logins WHERE expires <= ?", (to_stamp(now),))
        self._db.execute(
            "INSERT INTO logins (state_hash, platform, nonce, browser_hash, target_link_uri, deployment_id, expires)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                state_hash,
                login.platform_id,
                login.nonce,
                login.browser_hash,
                login.target_link_uri,
                login.deployment_id,
                to_stamp(now + lifetime),
            ),
        )

    def consume(self, state_hash: bytes) -> Login | None:
        """Take out the login with this state, unless it is unknown, used or expired."""
        rows = self._db.execute(
            "DELETE FROM logins WHERE state_hash = ? AND expires > ?"
            " RETURNING platform, nonce, browser_hash, target_link_uri, deployment_id",
            (state_hash, to_stamp(self._clock())),
        ).fetchall()
        if not rows:
            return None
        platform_id, nonce, browser_hash, target_link_uri, deployment_id = rows[0]
        return Login(
            platform_id=platform_id,
            nonce=nonce,
            browser_hash=browser_hash,
            target_link_uri=target_link_uri,
            deployment_id=deployment_id,
        )
