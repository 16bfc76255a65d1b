"""The signed assertion with which the bridge asks a platform for an access token.

Clauses: 1EdTech Security Framework 1.0 section 4.1.1, LTI Core 1.3 section 6.2, RFC 7523 section 3.
"""

import secrets
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from bridge.lti.platform import Platform
from bridge.lti.vendors import audience_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""What token requests with an assertion call it: RFC 7523 section 2.2."""

ALGORITHM = "RS256"
DEPLOYMENT_ID = "https://purl.imsglobal.org/spec/lti/claim/deployment_id"

_LIFETIME = 300
_BACKDATED = 5  # Moodle 4.5 refuses an iat that is ahead of its own clock, however little


def sign_assertion(platform: Platform, key: RSAKey, now: datetime, deployment_id: str | None = None) -> str:
    """A client assertion for the platform's token endpoint, good for five minutes and for one use.

    :param key: the bridge's current signing key; its ``kid`` is how the platform finds the public half.
    :param deployment_id: put in where it is known, as LTI Core 1.3 asks tools to.
    :raises ValueError: if the key has no ``kid``: no platform could verify the assertion.
    """
    if not key.kid:
        raise ValueError("the signing key has no kid")
    issued = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": platform.client_id,
        "sub": platform.client_id,
        "aud": audience_of(platform),
        "iat": issued - _BACKDATED,
        "exp": issued + _LIFETIME,
        "jti": secrets.token_urlsafe(24),
    }
    if deployment_id is not None:
        claims[DEPLOYMENT_ID] = deployment_id
    header = {"typ": "JWT", "alg": ALGORITHM, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[ALGORITHM])
