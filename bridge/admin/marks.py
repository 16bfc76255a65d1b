"""Ids of people on the pages: personal data too, since a SIS may know people by their addresses.

One rule for every page: an id that is no UUID is shown as a mark, unless personal data was asked for there. A mark is
the same for the same id wherever it stands, so that two people are told apart and one is found again; it cannot be
opened. A UUID tells nobody's name, and those of an LMS's people are made by the bridge.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.roster.model import DEMOGRAPHICS, ENROLLMENTS, USERS
from bridge.seals import Seals
from bridge.wiring import Wiring

_OF_PEOPLE = frozenset({USERS.name, ENROLLMENTS.name, DEMOGRAPHICS.name})
"""The classes whose sourcedIds are ids of people, or are often made of one."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids as one page shows them.

    :param shown: whether personal data is shown there.
    """

    _seals: Seals
    shown: bool

    def person(self, sourced_id: str) -> str:
        """What is shown of a person's id, or of one that may be made of it."""
        if self.shown or _UUID.fullmatch(sourced_id):
            return sourced_id
        return f"•••• {self._seals.mark(f'person {sourced_id}')[:_DIGITS]}"

    def record(self, collection: str, sourced_id: str) -> str:
        """What is shown of a record's sourcedId."""
        return self.person(sourced_id) if collection in _OF_PEOPLE else sourced_id

    def within(self, value: Any) -> Any:
        """A field that holds ids of people, or references to them, with these as they are shown."""
        match value:
            case str():
                return self.person(value)
            case list():
                return [self.within(each) for each in value]
            case Mapping():
                return {name: self.within(inner) if name == "sourcedId" else inner for name, inner in value.items()}
            case _:
                return value


def ids_on(wiring: Wiring, *, shown: bool) -> Ids:
    """Ids as a page shows them, on which personal data is shown or not."""
    return Ids(Seals(wiring.registry.secrets.get("pages")), shown)
