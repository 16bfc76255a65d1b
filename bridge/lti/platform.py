"""A registration: one LMS as the bridge, installed there as an LTI 1.3 tool, knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One registration of the bridge at one LMS.

    :param id: its number in the registry.
    :param tenant: the short name under which the people and contexts of this LMS are known. Several registrations may
        share one; a new client id under the old tenant changes no sourcedId.
    :param issuer: ``iss``, byte for byte. Several registrations may share one.
    :param client_id: the bridge's own client id there, and the audience of launches.
    :param auth_login_url: the platform's OIDC authorization endpoint.
    :param token_url: where access tokens are asked for.
    :param token_audience: the ``aud`` of the client assertion, where it is neither what the vendor profile says nor the
        token URL: see :func:`bridge.lti.vendors.audience_of`.
    :param jwks_url: the platform's key set.
    :param vendor: the name of its vendor profile.
    :param options: what the operator has set for this platform, over the vendor profile and the configuration.
    """

    id: int
    tenant: str
    issuer: str
    client_id: str
    auth_login_url: str
    token_url: str
    token_audience: str | None = None
    jwks_url: str
    vendor: str = "generic"
    options: Mapping[str, Any] = field(default_factory=dict)
