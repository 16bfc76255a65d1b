"""The public keys of LTI tools: read at the URL that was registered for a tool, or pasted there.

Nothing in an assertion says where its key comes from: see :mod:`bridge.lti.keyset`.
"""

import json
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from bridge.errors import InvalidRequest, LaunchRefused
from bridge.lti.keyset import PlatformKeys
from bridge.lti.public_keys import PublicKey, usable_keys
from bridge.registry.tools import Tool


def parse_public_keys(text: str) -> str:
    """Read what an operator pastes: a JWK set, one JWK, or one public key as PEM.

    :returns: a JWK set with the usable keys, each with its algorithm, as JSON text. A key of PEM has its RFC 7638
        thumbprint as ``kid``, and is for RS256 if it is an RSA key.
    :raises InvalidRequest: if no key in it can be used, or one is a private key.
    """
    keys = [_from_pem(text)] if "-----BEGIN" in text else _from_json(text)
    if any("d" in key for key in keys):
        raise _private()
    usable = usable_keys(keys)
    if not usable:
        raise InvalidRequest(
            "jwks",
            "holds no public key with a kid that can be used: RSA of 2048 bits or more, or EC on P-256, P-384 or P-521",
        )
    return json.dumps({"keys": [key.as_jwk(kid) for kid, same in usable.items() for key in same]})


def keys_of(tool: Tool, kid: str, key_sets: PlatformKeys) -> tuple[PublicKey, ...]:
    """The tool's keys with this ``kid``.

    :param key_sets: reads and caches key sets.
    :raises LaunchRefused: if there is none, or it cannot be had.
    """
    if tool.jwks_url is not None:
        return key_sets.find(tool.jwks_url, kid)
    assert tool.key_set is not None
    found = usable_keys(json.loads(tool.key_set)["keys"]).get(kid)
    if found is None:
        raise LaunchRefused("key", "no pasted key of the tool has this kid")
    return found


def kids_in(key_set: str) -> list[str]:
    """The names of the keys of a pasted set."""
    return list(usable_keys(json.loads(key_set)["keys"]))


def _from_pem(text: str) -> dict[str, Any]:
    if "PRIVATE" in text:
        raise _private()
    for kind in (RSAKey, ECKey):
        try:
            key = kind.import_key(text)
        except (JoseError, ValueError):
            continue
        return {**key.as_dict(private=False), "kid": key.thumbprint()}
    raise InvalidRequest("jwks", "is not a public RSA or EC key in PEM")


def _from_json(text: str) -> list[Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("jwks", "is neither JSON nor PEM") from error
    listed = document.get("keys", [document]) if isinstance(document, dict) else document
    return [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []


def _private() -> InvalidRequest:
    return InvalidRequest(
        "jwks", "holds a private key: register the public one, and make a new pair, since this one has been given away"
    )
