"""The tools that are registered at the practice LMS, and the keys by which they prove who they are."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

NRPS_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
AGS_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"
SCOPES = (NRPS_SCOPE, AGS_SCOPE)
"""What a tool can be granted; the second opens nothing here, and shows what a token without the first is worth."""

_FETCH_TIMEOUT = (2, 5)  # seconds to connect, to read


class UnknownKey(Exception):
    """The tool has no usable key under that kid; the message says why."""


@dataclass(slots=True, kw_only=True)
class Tool:
    """One registration.

    :param jwks: the tool's public key set as it was pasted, where there is no ``jwks_url``.
    """

    client_id: str
    deployment_id: str
    login_url: str
    redirect_uris: tuple[str, ...]
    target_link_uri: str
    scopes: tuple[str, ...]
    jwks_url: str | None = None
    jwks: Mapping[str, Any] | None = None
    _fetched: KeySet | None = field(default=None, init=False, repr=False)

    def key(self, kid: str) -> RSAKey:
        """The tool's RSA key with this ``kid``; its key set is fetched anew when the kid is not in the one we have.

        :raises UnknownKey: if there is none.
        """
        if self.jwks_url is None:
            return _find(_parsed(self.jwks), kid)
        if self._fetched is not None:
            try:
                return _find(self._fetched, kid)
            except UnknownKey:
                pass  # rotated, perhaps
        self._fetched = _parsed(_fetch(self.jwks_url))
        return _find(self._fetched, kid)


class Tools:
    """Every registration of this LMS."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._deployments = count(1)
        self._tools: dict[str, Tool] = {}

    def register(
        self,
        *,
        login_url: str,
        redirect_uris: Sequence[str],
        jwks_url: str | None = None,
        jwks: Mapping[str, Any] | None = None,
        target_link_uri: str | None = None,
        scopes: Sequence[str] = (NRPS_SCOPE,),
    ) -> Tool:
        """Add a tool under a new client id and deployment id.

        :param target_link_uri: what its links point to: the first redirect URI if not said.
        :raises ValueError: unless there is exactly one of ``jwks_url`` and ``jwks``, and at least one redirect URI.
        """
        if (jwks_url is None) == (jwks is None):
            raise ValueError("a tool is registered with either jwks_url or jwks")
        if not redirect_uris:
            raise ValueError("a tool is registered with at least one redirect URI")
        with self._lock:
            tool = Tool(
                client_id=f"Practice-{secrets.token_hex(6)}",
                deployment_id=str(next(self._deployments)),
                login_url=login_url,
                redirect_uris=tuple(redirect_uris),
                target_link_uri=target_link_uri or redirect_uris[0],
                scopes=tuple(scopes),
                jwks_url=jwks_url,
                jwks=jwks,
            )
            self._tools[tool.client_id] = tool
        return tool

    def get(self, client_id: str) -> Tool | None:
        """The tool with this client id, if there is one."""
        with self._lock:
            return self._tools.get(client_id)

    def all(self) -> tuple[Tool, ...]:
        """Every tool, oldest first."""
        with self._lock:
            return tuple(self._tools.values())


def _find(keys: KeySet, kid: str) -> RSAKey:
    for key in keys:
        if key.kid == kid:
            if isinstance(key, RSAKey):
                return key
            raise UnknownKey("the key with this kid is not an RSA key")
    raise UnknownKey("the tool's key set holds no key with this kid")


def _parsed(value: Any) -> KeySet:
    try:
        return KeySet.import_key_set(value)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise UnknownKey("the tool's key set cannot be read") from error


def _fetch(url: str) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        try:
            response = session.get(url, timeout=_FETCH_TIMEOUT, allow_redirects=False)
            if response.status_code != 200:
                raise UnknownKey(f"the tool's key set URL answered {response.status_code}")
            return response.json()
        except requests.RequestException as error:
            raise UnknownKey("the tool's key set URL does not answer with JSON") from error
