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


def readable_collections(scopes: Collection[str]) -> list[str]:
    """The names of the collections that these scopes let be read."""
    rostering = ROSTER_CORE in scopes or ROSTER in scopes
    demographics = ROSTER_DEMOGRAPHICS in scopes
    return [name for name in COLLECTIONS if (demographics if name == DEMOGRAPHICS.name else rostering)]
