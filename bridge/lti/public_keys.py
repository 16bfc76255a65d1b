"""The public keys of platforms and tools: what each has signed, and by which algorithm alone it can have done so.

A key serves one algorithm, which is said where the key is registered: by its ``alg``, else by its curve; an RSA key
that says nothing serves RS256, the default of LTI. A token that states another is not tried. So nobody can have an RSA
key taken for a shared secret, or choose a weaker algorithm than the key's owner.

Clauses: RFC 7515, RFC 7517 section 4, RFC 7518 section 3, RFC 8725 sections 3.1 and 3.2, 1EdTech Security Framework 1.0
sections 5.1.3 and 6.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

_DEFAULT = "RS256"
_OF_RSA = (_DEFAULT, "RS384", "RS512", "PS256", "PS384", "PS512")
_OF_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

ALGORITHMS = (*_OF_RSA, *_OF_CURVE.values())
"""Those that are verified: the asymmetric ones of RFC 7518."""

_MODULUS = range(342, 2732)
"""Base64 characters: of 2048 bits, the least that RFC 7518 section 3.3 allows, to 16,384, the most in OpenSSL."""


class NotSigned(Exception):
    """None of the keys has signed the token."""


class Malformed(Exception):
    """It is signed, and no JWT all the same."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Somebody's public key.

    :param algorithm: one of :data:`ALGORITHMS`: the only one that it verifies.
    """

    algorithm: str
    key: RSAKey | ECKey

    def as_jwk(self, kid: str) -> dict[str, Any]:
        """The key as a JWK that says what it is for."""
        return {**self.key.as_dict(private=False), "kid": kid, "use": "sig", "alg": self.algorithm}


def usable_keys(listed: Iterable[Any]) -> dict[str, tuple[PublicKey, ...]]:
    """The keys of a JWK set by ``kid``, as far as they are of use: named, and for one of :data:`ALGORITHMS`."""
    keys: dict[str, tuple[PublicKey, ...]] = {}
    for jwk in listed:
        if isinstance(jwk, dict) and isinstance(kid := jwk.get("kid"), str) and (key := _usable(jwk)):
            keys[kid] = (*keys.get(kid, ()), key)
    return keys


def signed_claims(token: str, keys: Iterable[PublicKey]) -> Mapping[str, Any]:
    """The claims of a token, by the first of the keys that has signed it with its algorithm.

    :param keys: those that serve the algorithm which the token's header states.
    :raises NotSigned: if none has.
    :raises Malformed: if there is more amiss than the signature.
    """
    for each in keys:
        try:
            return jwt.decode(token, each.key, registry=_TOKENS[each.algorithm]).claims
        except BadSignatureError:
            continue
        except (JoseError, ValueError, RecursionError) as error:
            raise Malformed from error
    raise NotSigned


class _Tokens(JWSRegistry):
    max_header_length = 16 * 1024  # some platforms put certificates there
    max_payload_length = 256 * 1024


_TOKENS = {algorithm: _Tokens(algorithms=[algorithm], strict_check_header=False) for algorithm in ALGORITHMS}


def _usable(jwk: Mapping[str, Any]) -> PublicKey | None:
    algorithm = _algorithm(jwk)
    if algorithm is None or jwk.get("use", "sig") != "sig":
        return None
    try:
        if jwk["kty"] == "EC":
            return PublicKey(algorithm, ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")}))
        if len(jwk["n"]) in _MODULUS:
            return PublicKey(algorithm, RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")}))
    except (JoseError, KeyError, TypeError, ValueError):
        return None  # of no use to anybody
    return None


def _algorithm(jwk: Mapping[str, Any]) -> str | None:
    """The algorithm that a key serves, if it is verified here."""
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            stated = jwk.get("alg", _DEFAULT)
            return stated if stated in _OF_RSA else None
        case "EC", str(curve):
            algorithm = _OF_CURVE.get(curve)
            return algorithm if jwk.get("alg", algorithm) == algorithm else None
        case _:
            return None
