"""Links by which one LMS may register itself, once: LTI Dynamic Registration 1.0.

The code in the link is a secret, and stored by its hash. Using an invitation and finding it is one statement, so of
two registrations with one link only one goes on; if that fails, the invitation is given back.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.registry.tenants import check_tenant


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was taken up.

    :param tenant: the tenant that the LMS will belong to; ``None`` for a new one.
    """

    code_hash: bytes
    tenant: str | None


class Invitations:
    """The invitations that are out."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, lifetime: timedelta, tenant: str | None = None) -> str:
        """Make an invitation, and forget those that are over; returns its code, which cannot be shown again.

        :raises InvalidRequest: if the tenant's name is impossible.
        """
        if tenant is not None:
            check_tenant(tenant)
        now = self._clock()
        code = secrets.token_urlsafe(24)
        self._db.execute("DELETE FROM invitations WHERE expires <= ?", (to_stamp(now),))
        self._db.execute(
            "INSERT INTO invitations (code_hash, tenant, created, expires) VALUES (?, ?, ?, ?)",
            (_hash(code), tenant, to_stamp(now), to_stamp(now + lifetime)),
        )
        return code

    def take(self, code: str) -> Invitation | None:
        """Use an invitation up, unless it is unknown, used or expired."""
        now = to_stamp(self._clock())
        rows = self._db.execute(
            "UPDATE invitations SET used = ? WHERE code_hash = ? AND used IS NULL AND expires > ?"
            " RETURNING code_hash, tenant",
            (now, _hash(code), now),
        ).fetchall()
        return Invitation(*rows[0]) if rows else None

    def give_back(self, invitation: Invitation) -> None:
        """Let an invitation be used after all: nothing came of it."""
        self._db.execute("UPDATE invitations SET used = NULL WHERE code_hash = ?", (invitation.code_hash,))


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="surrogatepass")).digest()
