"""The OAuth 2 scopes of the OneRoster 1.2 Rostering service.

Source: OneRoster 1.2 Rostering service, OpenAPI document v1.0, security scheme ``OAuth2CC``.
"""

from collections.abc import Collection

from bridge.roster.model import COLLECTIONS, DEMOGRAPHICS

ROSTER_CORE = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
"""The 22 core operations."""

ROSTER = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly"
"""Every read but demographics."""

ROSTER_DEMOGRAPHICS = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-demographics.readonly"
"""Demographics, and nothing else."""

ONEROSTER_SCOPES = (ROSTER_CORE, ROSTER, ROSTER_DEMOGRAPHICS)

ROSTER_CORE_1P1 = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"
ROSTER_1P1 = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly"
ROSTER_DEMOGRAPHICS_1P1 = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-demographics.readonly"

_OF_ROSTERS = {"1.2": (ROSTER_CORE, ROSTER), "1.1": (ROSTER_CORE_1P1, ROSTER_1P1)}
_OF_DEMOGRAPHICS = {"1.2": ROSTER_DEMOGRAPHICS, "1.1": ROSTER_DEMOGRAPHICS_1P1}


def scopes_to_ask(version: str, *, demographics: bool) -> tuple[str, ...]:
    """The standard's scopes for reading rosters of a provider that has named none of its own.

    :param version: of OneRoster, 1.2 or 1.1.
    """
    return (*_OF_ROSTERS[version], *([_OF_DEMOGRAPHICS[version]] if demographics else []))


def readable_collections(scopes: Collection[str]) -> list[str]:
    """The names of the collections that these scopes let be read."""
    rostering = ROSTER_CORE in scopes or ROSTER in scopes
    demographics = ROSTER_DEMOGRAPHICS in scopes
    return [name for name in COLLECTIONS if (demographics if name == DEMOGRAPHICS.name else rostering)]
