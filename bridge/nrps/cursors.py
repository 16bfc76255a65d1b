"""The opaque tokens in ``next`` and ``differences`` URLs: where a walk goes on, and since when changes are asked for.

They hold everything that the request asked for, so that nothing else in the URL matters, and they can be read by nobody
but the bridge: places in the mirror would tell how much lies between those that a tool may see. They survive
lower-casing, which some clients do to URLs.
"""

from dataclasses import dataclass

import msgspec

from bridge.errors import InvalidRequest
from bridge.roster.identity import SourcedId
from bridge.roster.memberships import Moment
from bridge.seals import Seals

_STEP = 64
"""Bytes by which tokens grow: how many digits a place has, is nobody's business either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A walk through the members of one class, at one place.

    :param roles: who is asked for; nobody in particular if it is empty.
    :param after: the place behind which to go on.
    :param since: for differences: the moment since when.
    :param asked: when ``since`` was the present, as a stamp; empty if it is not there.
    """

    class_: SourcedId
    roles: tuple[str, ...]
    limit: int
    after: int = 0
    since: Moment | None = None
    asked: str = ""


class _Token(msgspec.Struct, frozen=True, array_like=True):
    epoch: str
    version: int
    made: str
    class_: str
    roles: tuple[str, ...]
    limit: int
    after: int
    since: tuple[int, str, str] | None
    asked: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a token holds.

    :param epoch: the mirror's, when it was made.
    :param version: the tool's, likewise.
    :param made: when that was, as a stamp.
    """

    walk: Walk
    epoch: str
    version: int
    made: str


class WalkTokens:
    """Writes and reads the tokens of one tool.

    :param seals: caseless.
    """

    def __init__(self, seals: Seals, client_id: str) -> None:
        self._seals = seals
        self._binding = f"memberships {client_id}"

    def write(self, held: Held) -> str:
        walk = held.walk
        since = None if walk.since is None else (walk.since.number, walk.since.day, walk.since.erased)
        plain = msgspec.json.encode(
            _Token(
                held.epoch,
                held.version,
                held.made,
                walk.class_,
                walk.roles,
                walk.limit,
                walk.after,
                since,
                walk.asked,
            )
        )
        return self._seals.seal(plain + b" " * (-len(plain) % _STEP), self._binding)

    def read(self, token: str) -> Held:
        """What was written.

        :raises InvalidRequest: if it was not, or for another tool.
        """
        try:
            found = msgspec.json.decode(self._seals.open(token, self._binding), type=_Token)
        except (ValueError, msgspec.DecodeError) as error:
            raise InvalidRequest(
                "cursor", "is not one of this tool's: follow the links as they were given, or start without it"
            ) from error
        since = None if found.since is None else Moment(*found.since)
        walk = Walk(
            class_=SourcedId(found.class_),
            roles=found.roles,
            limit=found.limit,
            after=found.after,
            since=since,
            asked=found.asked,
        )
        return Held(walk, found.epoch, found.version, found.made)
