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

    :param browser_hash: the hash of the secret that was given to the browser to keep.
    :param deployment_id: ``lti_deployment_id``, where the login request held it.
    :param storage_target: ``lti_storage_target``, likewise.
    """

    platform_id: int
    nonce: str
    browser_hash: bytes
    target_link_uri: str
    deployment_id: str | None
    storage_target: str | None = None


_COLUMNS = "platform, nonce, browser_hash, target_link_uri, deployment_id, storage_target"


MOST_OF_ONE_PLATFORM = 5000
"""Unfinished logins that are kept: anybody can begin one."""


class Logins:
    """The unfinished logins."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, state_hash: bytes, login: Login, lifetime: timedelta) -> None:
        """Remember a login for its lifetime; forget the expired, and the oldest where a platform has too many."""
        now = self._clock()
        self._db.execute("DELETE FROM logins WHERE expires <= ?", (to_stamp(now),))
        self._db.execute(
            f"INSERT INTO logins (state_hash, {_COLUMNS}, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                state_hash,
                login.platform_id,
                login.nonce,
                login.browser_hash,
                login.target_link_uri,
                login.deployment_id,
                login.storage_target,
                to_stamp(now + lifetime),
            ),
        )
        self._db.execute(
            "DELETE FROM logins WHERE state_hash IN"
            " (SELECT state_hash FROM logins WHERE platform = ? ORDER BY expires DESC LIMIT -1 OFFSET ?)",
            (login.platform_id, MOST_OF_ONE_PLATFORM),
        )

    def find(self, state_hash: bytes) -> Login | None:
        """The login with this state, left where it is, unless it is unknown, used or expired."""
        return self._one(f"SELECT {_COLUMNS} FROM logins WHERE state_hash = ? AND expires > ?", state_hash)  # noqa: S608

    def consume(self, state_hash: bytes) -> Login | None:
        """Take out the login with this state, unless it is unknown, used or expired."""
        return self._one(
            f"DELETE FROM logins WHERE state_hash = ? AND expires > ? RETURNING {_COLUMNS}",  # noqa: S608
            state_hash,
        )

    def _one(self, statement: str, state_hash: bytes) -> Login | None:
        rows = self._db.execute(statement, (state_hash, to_stamp(self._clock()))).fetchall()
        if not rows:
            return None
        platform_id, nonce, browser_hash, target_link_uri, deployment_id, storage_target = rows[0]
        return Login(
            platform_id=platform_id,
            nonce=nonce,
            browser_hash=browser_hash,
            target_link_uri=target_link_uri,
            deployment_id=deployment_id,
            storage_target=storage_target,
        )
