"""The first half of a launch: a platform's login request, answered by sending the browser back to the platform.

``state`` binds the second half to this one. It is good for one answer, within ten minutes, and only from the browser
that was given a secret to keep: in a cookie, or, where browsers keep none inside other sites' frames, with the
platform's page.

Clauses: LTI Core 1.3 section 4.1, 1EdTech Security Framework 1.0 section 5.1.1, LTI Client Side postMessages and LTI
Platform Storage 0.1 for ``lti_storage_target``. This module knows no framework.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from bridge.errors import LaunchRefused
from bridge.lti.platform import Platform
from bridge.lti.rules import LOGIN_PATH, LaunchRules, origin_of
from bridge.registry.logins import Login
from bridge.registry.registry import Registry

LOGIN_LIFETIME = timedelta(minutes=10)
_LONGEST = {"target_link_uri": 2048, "lti_deployment_id": 255, "login_hint": 8192, "lti_message_hint": 8192}

_REQUEST = ("iss", "login_hint", "target_link_uri", "lti_message_hint", "lti_deployment_id", "client_id")
_FRAME_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRedirect:
    """Where to send the browser, and what to give it to keep.

    :param url: the platform's authorization endpoint, with the authentication request.
    :param origin: the origin of that endpoint: the only one that platform storage may answer from.
    :param storage_target: the frame that keeps data for us, where the platform named one.
    :param again: the same login request, for a window of its own.
    """

    url: str
    cookie_name: str
    cookie_value: str
    origin: str
    storage_target: str | None
    again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageQuestion:
    """What to ask platform storage before a launch can be believed.

    :param key: under which name the login's secret was put there.
    :param target: the frame to ask; ``None`` if it has to be found.
    :param origin: the only origin that may answer.
    :param platform_id: the registration that the login was for.
    """

    key: str
    target: str | None
    origin: str
    platform_id: int


def begin_login(params: Mapping[str, str], registry: Registry, rules: LaunchRules) -> LoginRedirect:
    """Answer a third-party initiated login request.

    :param params: as the platform sent them, by GET or POST.
    :raises LaunchRefused: checks ``login``, ``issuer``, ``client_id`` and ``target_link_uri``.
    """
    for name in ("iss", "login_hint", "target_link_uri"):
        if not params.get(name):
            raise LaunchRefused("login", f"the login request has no {name}: start from a link in your course")
    for name, longest in _LONGEST.items():  # anybody can send a login request, and what it says is kept for a while
        if len(params.get(name, "")) > longest:
            raise LaunchRefused("login", f"the login request's {name} is longer than {longest} characters")
    target_link_uri = params["target_link_uri"]
    if not _is_ours(target_link_uri, rules):
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
            storage_target=_frame_name(params.get("lti_storage_target")),
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
    same = {name: params[name] for name in _REQUEST if name in params}
    return LoginRedirect(
        url=f"{platform.auth_login_url}{separator}{urlencode(query)}",
        cookie_name=cookie_name(state, rules),
        cookie_value=cookie,
        origin=origin_of(platform.auth_login_url),
        storage_target=_frame_name(params.get("lti_storage_target")),
        again=f"{rules.public_url}{LOGIN_PATH}?{urlencode(same)}",
    )


def cookie_name(state: str, rules: LaunchRules) -> str:
    """The cookie that ties a state to a browser: one for each, so that two tabs may launch at once."""
    prefix = "__Host-" if rules.secure else ""  # RFC 6265bis section 4.1.3.2: no other host can set it
    return f"{prefix}lti-{_hash(state).hex()[:16]}"


def question_for_storage(
    params: Mapping[str, str], kept: Mapping[str, str], registry: Registry, rules: LaunchRules, *, framed: bool
) -> StorageQuestion | None:
    """What to ask platform storage before an answer is looked at; the login is not used up by asking.

    :param kept: what the browser brought back, by name.
    :param framed: whether the browser says that it shows the bridge inside another page.
    :returns: ``None`` if nothing can come of it, or nothing need.
    """
    state = params.get("state", "")
    key = cookie_name(state, rules)
    login = registry.logins.find(_hash(state))
    if login is None or key in kept or rules.state_only or not (framed or login.storage_target):
        return None
    platform = registry.platforms.by_id(login.platform_id)
    return StorageQuestion(
        key=key, target=login.storage_target, origin=origin_of(platform.auth_login_url), platform_id=platform.id
    )


def take_login(params: Mapping[str, str], kept: Mapping[str, str], registry: Registry, rules: LaunchRules) -> Login:
    """The login that an answer belongs to, used up.

    :param kept: what the browser brought back, by name: its cookies, or what platform storage gave to our own page.
    :raises LaunchRefused: checks ``state`` and ``cookie``.
    """
    state = params.get("state", "")
    login = registry.logins.consume(_hash(state))
    if login is None:
        raise LaunchRefused(
            "state", "this launch was used already, or its login is too old: start again from your course"
        )
    secret = kept.get(cookie_name(state, rules))
    if secret is None and rules.state_only:
        return login
    if not hmac.compare_digest(_hash(secret or ""), login.browser_hash):
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


def _is_ours(url: str, rules: LaunchRules) -> bool:
    try:
        return origin_of(url) == rules.origin
    except ValueError:
        return False


def _frame_name(target: str | None) -> str | None:
    """``lti_storage_target``, where it is a name that frames have."""
    return target if target and _FRAME_NAME.fullmatch(target) else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
