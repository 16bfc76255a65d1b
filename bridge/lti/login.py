"""The first half of a launch: a platform's login request, answered by sending the browser back to the platform.

``state`` binds the second half to this one. It is good for one answer, within ten minutes, and only in the browser
that was given the cookie.

Clauses: LTI Core 1.3 section 4.1, 1EdTech Security Framework 1.0 section 5.1.1. This module knows no framework.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from bridge.errors import LaunchRefused
from bridge.lti.platform import Platform
from bridge.lti.rules import LaunchRules
from bridge.registry.logins import Login
from bridge.registry.registry import Registry

LOGIN_LIFETIME = timedelta(minutes=10)

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class LoginRedirect:
    """Where to send the browser, and the cookie to give it."""

    url: str
    cookie_name: str
    cookie_value: str


def begin_login(params: Mapping[str, str], registry: Registry, rules: LaunchRules) -> LoginRedirect:
    """Answer a third-party initiated login request.

    :param params: as the platform sent them, by GET or POST.
    :raises LaunchRefused: checks ``login``, ``issuer``, ``client_id`` and ``target_link_uri``.
    """
    for name in ("iss", "login_hint", "target_link_uri"):
        if not params.get(name):
            raise LaunchRefused("login", f"the login request has no {name}: start from a link in your course")
    target_link_uri = params["target_link_uri"]
    if _origin(target_link_uri) != _origin(rules.public_url):
        raise LaunchRefused(
            "target_link_uri", f"the target is not under {rules.public_url}: mend the tool's URL at the platform"
        )
    platform = _find_platform(params, registry)
    state, nonce, cookie = (secrets.token_urlsafe(32) for _ in range(3))
    registry.logins.add(
        _hash(state),
        Login(
            platform_id=platform.id,
            nonce=nonce,
            browser_hash=_hash(cookie),
            target_link_uri=target_link_uri,
            deployment_id=params.get("lti_deployment_id") or None,
        ),
        LOGIN_LIFETIME,
    )
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": rules.redirect_uri,
        "login_hint": params["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    if "lti_message_hint" in params:
        query["lti_message_hint"] = params["lti_message_hint"]
    separator = "&" if "?" in platform.auth_login_url else "?"
    return LoginRedirect(f"{platform.auth_login_url}{separator}{urlencode(query)}", cookie_name(state, rules), cookie)


def cookie_name(state: str, rules: LaunchRules) -> str:
    """The cookie that ties a state to a browser: one for each, so that two tabs may launch at once."""
    prefix = "__Host-" if rules.secure else ""  # RFC 6265bis section 4.1.3.2: no other host can set it
    return f"{prefix}lti-{_hash(state).hex()[:16]}"


def take_login(params: Mapping[str, str], cookies: Mapping[str, str], registry: Registry, rules: LaunchRules) -> Login:
    """The login that an answer belongs to, used up.

    :raises LaunchRefused: checks ``state`` and ``cookie``.
    """
    state = params.get("state", "")
    login = registry.logins.consume(_hash(state))
    if login is None:
        raise LaunchRefused(
            "state", "this launch was used already, or its login is too old: start again from your course"
        )
    cookie = cookies.get(cookie_name(state, rules), "")
    if not hmac.compare_digest(_hash(cookie), login.browser_hash):
        raise LaunchRefused(
            "cookie",
            "the browser did not bring back the cookie of this login: open the tool in a new window,"
            " or allow its cookies inside the course page",
        )
    return login


def _find_platform(params: Mapping[str, str], registry: Registry) -> Platform:
    """The registration that a login request means: several may share one issuer."""
    found = registry.platforms.of_issuer(params["iss"])
    if not found:
        raise LaunchRefused(
            "issuer",
            "no platform with this issuer is registered: compare it, byte by byte, with 'bridge platforms list'",
        )
    if client_id := params.get("client_id"):
        found = [platform for platform in found if platform.client_id == client_id]
        if not found:
            raise LaunchRefused("client_id", "the issuer is registered here, but not with this client id")
    elif len(found) > 1 and (hinted := params.get("lti_deployment_id")):
        found = [platform for platform in found if hinted in registry.deployments.of(platform)]
    if len(found) != 1:
        raise LaunchRefused(
            "client_id", "several registrations share this issuer, and the login request says by no client_id which one"
        )
    return found[0]


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
