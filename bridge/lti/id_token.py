"""The id_token of a launch as OpenID Connect sees it: who signed it, for whom, when, and in answer to what.

Clauses: 1EdTech Security Framework 1.0 section 5.1.3, RFC 7515, RFC 7519. What the token says about courses and
roles is :mod:`bridge.lti.claims`'.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.errors import LaunchRefused
from bridge.lti.keyset import PlatformKeys
from bridge.lti.platform import Platform
from bridge.lti.public_keys import ALGORITHMS, Malformed, NotSigned, signed_claims

OLDEST = timedelta(minutes=15)
"""The oldest ``iat`` accepted: a login is answered within ten minutes, or it has expired."""


_LATEST = 253_402_300_799  # the end of the year 9999


def verify_id_token(token: str, platform: Platform, keys: PlatformKeys) -> Mapping[str, Any]:
    """The claims of a token that the platform has signed, with a key of its registered key set and as that key does.

    :raises LaunchRefused: checks ``id_token``, ``alg``, ``crit``, ``kid``, ``key`` and ``signature``.
    """
    header = _header(token)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise LaunchRefused("alg", f"the id_token must be signed with one of {', '.join(ALGORITHMS)}")
    if "crit" in header:
        raise LaunchRefused("crit", "the id_token names critical header parameters, and none is understood")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise LaunchRefused("kid", "the id_token's header has no kid, so its key cannot be looked up")
    found = keys.find(platform.jwks_url, kid)
    serving = [key for key in found if key.algorithm == algorithm]
    if not serving:
        raise LaunchRefused(
            "alg", f"the id_token says {algorithm}, and its key is for {found[0].algorithm} by the platform's key set"
        )
    try:
        return signed_claims(token, serving)
    except NotSigned as error:
        raise LaunchRefused("signature", "the id_token's signature is not by the key that it names") from error
    except Malformed as error:
        raise LaunchRefused("id_token", "the id_token is not a well-formed JWT") from error


def unverified_claims(token: str) -> Mapping[str, Any]:
    """What a token says, whoever has written it: good for finding out who should have signed it, and for nothing else.

    :raises LaunchRefused: check ``id_token``.
    """
    _, _, rest = token.partition(".")
    return _segment(rest.partition(".")[0])


def check_issuer(claims: Mapping[str, Any], platform: Platform) -> None:
    """``iss`` is the registered issuer, byte for byte.

    :raises LaunchRefused: check ``iss``.
    """
    if claims.get("iss") != platform.issuer:
        raise LaunchRefused("iss", f"the id_token is not by the registered issuer, {platform.issuer}")


def check_audience(claims: Mapping[str, Any], platform: Platform, trusted: Collection[str]) -> None:
    """``aud`` holds our client id and no stranger, and with several audiences ``azp`` says that we are meant.

    :param trusted: our client ids at this issuer.
    :raises LaunchRefused: checks ``aud`` and ``azp``.
    """
    aud = claims.get("aud")
    audiences = aud if isinstance(aud, list) else [aud]
    if platform.client_id not in audiences:
        raise LaunchRefused("aud", f"the id_token is not for the registered client id, {platform.client_id}")
    if not all(isinstance(audience, str) and audience in trusted for audience in audiences):
        raise LaunchRefused("aud", "the id_token is also for an audience that is not a client id of this bridge")
    azp = claims.get("azp")
    if azp is None and len(audiences) > 1:
        raise LaunchRefused("azp", "the id_token has several audiences, and no azp says which is meant")
    if azp is not None and azp != platform.client_id:
        raise LaunchRefused("azp", "the id_token was issued to another client: azp is not the registered client id")


def check_times(
    claims: Mapping[str, Any], now: datetime, leeway: timedelta, *, grace: timedelta = timedelta(0)
) -> None:
    """``exp`` is to come and ``iat`` has been, lately.

    :param leeway: by how much the platform's clock may differ from ours.
    :param grace: how much later than that a token may come that shows who has said something, and not who is there.
    :raises LaunchRefused: checks ``exp`` and ``iat``.
    """
    present, slack = now.timestamp(), leeway.total_seconds()
    late = slack + grace.total_seconds()
    if _seconds(claims, "exp") <= present - late:
        raise LaunchRefused("exp", "the id_token has expired: launch again, and compare the clocks if it stays so")
    iat = _seconds(claims, "iat")
    if iat > present + slack:
        raise LaunchRefused("iat", "the id_token is from the future: compare the platform's clock with the bridge's")
    if iat < present - late - OLDEST.total_seconds():
        raise LaunchRefused("iat", "the id_token was issued too long ago: launch again")


def check_nonce(claims: Mapping[str, Any], nonce: str) -> None:
    """``nonce`` is the one that this login was given.

    :raises LaunchRefused: check ``nonce``.
    """
    if claims.get("nonce") != nonce:
        raise LaunchRefused("nonce", "the id_token answers another login: its nonce is not this login's")


def _header(token: str) -> dict[str, Any]:
    return _segment(token.partition(".")[0])


def _segment(segment: str) -> dict[str, Any]:
    try:
        read = json.loads(base64.b64decode(segment + "=" * (-len(segment) % 4), altchars="-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise LaunchRefused("id_token", "the id_token is not a JWT") from error
    if not isinstance(read, dict):
        raise LaunchRefused("id_token", "the id_token is not a JWT")
    return read


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LaunchRefused(name, f"the id_token must hold {name} as a number of seconds")
    if not 0 <= value <= _LATEST:  # JSON as Python reads it knows NaN, and integers that are no float
        raise LaunchRefused(name, f"the id_token's {name} is no date")
    return value
