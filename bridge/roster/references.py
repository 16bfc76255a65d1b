"""References between records, and the addresses in them.

A reference is a OneRoster GUIDRef: ``href``, ``sourcedId``, ``type``, all three always. The address is on the general
path of the class (``/orgs/…`` also for a school), absolute on the bridge's public root, with the sourcedId as one
percent-encoded segment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from bridge.roster.identity import SourcedId
from bridge.roster.model import Collection

ROSTERING_PATH = "/ims/oneroster/rostering/v1p2"
"""Where the Rostering service lives under the public root: fixed by OneRoster 1.2, part of every endpoint."""


RESOURCES_PATH = "/ims/oneroster/resources/v1p2"
"""Where OneRoster's Resources service would be, which the bridge does not serve: references to it are kept."""


@dataclass(frozen=True, slots=True)
class References:
    """Makes references on one public root.

    :param public_url: the root without a trailing slash, as in ``https://bridge.example.org``.
    """

    public_url: str

    def to(self, collection: Collection, sourced_id: SourcedId) -> Mapping[str, str]:
        """The reference to one record.

        >>> References("https://b.example.org").to(ORGS, SourcedId("a/b"))["href"]
        'https://b.example.org/ims/oneroster/rostering/v1p2/orgs/a%2Fb'
        """
        return {
            "href": f"{self.public_url}{ROSTERING_PATH}/{collection.name}/{quote(sourced_id, safe='')}",
            "sourcedId": sourced_id,
            "type": collection.singular,
        }

    def to_resource(self, sourced_id: SourcedId) -> Mapping[str, str]:
        """The reference to a resource."""
        return {
            "href": f"{self.public_url}{RESOURCES_PATH}/resources/{quote(sourced_id, safe='')}",
            "sourcedId": sourced_id,
            "type": "resource",
        }
