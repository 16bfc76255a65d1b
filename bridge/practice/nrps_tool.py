"""A practice LTI tool: reads the memberships of a class from a platform, as any tool that speaks NRPS 2.0 does.

1EdTech Security Framework 1.0 section 4.1 (a token for a signed assertion), NRPS 2.0 (pages by ``Link``).
"""

import secrets
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from bridge.clock import Clock, utc_now

SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

_TIMEOUT = (2, 10)  # seconds to connect, to read


class PracticeTool:
    """One tool with a key pair of its own.

    :param token_url: the platform's, which is the audience of assertions too.
    :ivar client_id: what the platform calls the tool; to be set when it has registered it.
    """

    def __init__(self, token_url: str, *, key: RSAKey | None = None, clock: Clock = utc_now) -> None:
        self.client_id = ""
        self.key = key or RSAKey.generate_key(2048, auto_kid=True)
        self._token_url = token_url
        self._clock = clock
        self._http = requests.Session()
        self._http.trust_env = False  # neither a proxy nor a .netrc of this machine has to do with practice

    @property
    def kid(self) -> str:
        """The name of its key."""
        assert self.key.kid is not None
        return self.key.kid

    @property
    def public_key_set(self) -> dict[str, Any]:
        """What is registered at the platform."""
        return {"keys": [self.key.as_dict(private=False)]}

    @property
    def private_pem(self) -> str:
        """The private key, PKCS #8 PEM."""
        return self.key.as_pem(private=True).decode()

    def fetch_token(self) -> str:
        """Ask for an access token.

        :raises requests.RequestException: if the platform does not answer, or gives none.
        """
        now = int(self._clock().timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self._token_url,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        }
        answer = self._http.post(
            self._token_url,
            {
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": jwt.encode({"alg": "RS256", "kid": self.kid}, claims, self.key),
                "scope": SCOPE,
            },
            timeout=_TIMEOUT,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def members(self, memberships_url: str, token: str) -> Iterator[dict[str, Any]]:
        """Every member, page by page.

        :raises requests.RequestException: if the platform does not answer, or gives none.
        """
        headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE}
        url: str | None = memberships_url
        while url is not None:
            answer = self._http.get(url, headers=headers, timeout=_TIMEOUT)
            answer.raise_for_status()
            yield from answer.json()["members"]
            url = answer.links.get("next", {}).get("url")

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
