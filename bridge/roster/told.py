"""A member as tools are told of her, written once for every privacy level: what the mirror keeps, so that a page of a
class is texts joined.

The text is what :func:`bridge.nrps.answers.tell` writes. It holds everything that there is to tell, one part behind the
other, and says where each ends; whoever is to be told less is given fewer of the parts, as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.roster.memberships import Membership
from bridge.roster.sharing import Share

VERSION = "1"
"""Raised whenever the same facts, or records, would give another text: it makes every member be told anew."""

PARTS = ("user_id", "roles", "status", *Share)
"""The parts of a text, in their order: the last ones are what may be told or not."""


@dataclass(frozen=True, slots=True)
class Told:
    """A member as she is told to whoever is told everything, by her LMS's own id.

    :param text: a JSON object.
    :param ends: of each of :data:`PARTS` where it ends, in bytes: where the one before it does, if she has none of it.
    """

    text: bytes
    ends: tuple[int, ...]


Tell = Callable[[Membership], Told]
"""Writes a member."""
