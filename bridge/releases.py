"""The schemas that each release of the bridge works with.

A newer database is taken back to one of these for an older version to work with it. Every release has an entry, of the
last numbers in ``bridge/mirror/migrations`` and ``bridge/registry/migrations``; a test holds the present one to them.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Schemas(NamedTuple):
    """The numbers of both files' schemas."""

    mirror: int
    registry: int


RELEASES: Mapping[str, Schemas] = {
    "0.1.0": Schemas(mirror=24, registry=23),
}
