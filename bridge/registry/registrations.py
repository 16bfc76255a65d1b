"""LMSs that have registered themselves and wait until the operator accepts them."""

from dataclasses import asdict, dataclass

from sqlite_utils import Database

from bridge.clock import Clock, to_stamp
from bridge.errors import Busy, UnknownObject

MOST = 100
"""How many may wait: anybody can knock, and nobody shall fill the disk."""

_COLUMNS = (
    "issuer, client_id, deployment_id, auth_login_url, token_url, token_audience, jwks_url, vendor, product, created"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlatform:
    """What an LMS has said of itself in a registration.

    :param deployment_id: ``None`` where it is learned from the first launch.
    :param product: what the LMS calls itself: its ``product_family_code`` and version.
    """

    issuer: str
    client_id: str
    deployment_id: str | None
    auth_login_url: str
    token_url: str
    token_audience: str | None
    jwks_url: str
    vendor: str
    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registration that waits."""

    id: int
    platform: NewPlatform
    created: str


class Registrations:
    """The waiting registrations."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(self, platform: NewPlatform) -> int:
        """Let a registration wait; one of the same issuer and client id takes the place of the former.

        :returns: its number.
        :raises Busy: if too many wait already.
        """
        self.check_room()
        values = (*asdict(platform).values(), to_stamp(self._clock()))
        cursor = self._db.execute(
            f"INSERT OR REPLACE INTO registrations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            values,
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def check_room(self) -> None:
        """Let pass while there is room for one more.

        :raises Busy: if too many wait already.
        """
        (waiting,) = self._db.execute("SELECT count(*) FROM registrations").fetchone()
        if waiting >= MOST:
            raise Busy(f"{waiting} registrations wait for the operator of the bridge already", retry_after=3600)

    def get(self, registration_id: int) -> Registration:
        """One waiting registration.

        :raises UnknownObject: if there is none with this number.
        """
        if found := self._select("WHERE id = ?", registration_id):
            return found[0]
        raise UnknownObject(f"no registration {registration_id} waits: see 'bridge platforms pending'")

    def all(self) -> list[Registration]:
        """Every waiting registration, oldest first."""
        return self._select("ORDER BY id")

    def remove(self, registration_id: int) -> None:
        """Let a registration wait no more.

        :raises UnknownObject: if there is none with this number.
        """
        self.get(registration_id)
        self._db.execute("DELETE FROM registrations WHERE id = ?", (registration_id,))

    def _select(self, rest: str, *parameters: object) -> list[Registration]:
        rows = self._db.query(f"SELECT id, {_COLUMNS} FROM registrations {rest}", parameters)  # noqa: S608
        return [
            Registration(id=row.pop("id"), created=row.pop("created"), platform=NewPlatform(**row))
            for row in map(dict, list(rows))
        ]
