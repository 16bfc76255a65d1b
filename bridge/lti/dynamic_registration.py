"""A platform registers itself: it sends its administrator here with the address of its configuration.

The configuration is fetched, the bridge asks to be registered as a tool, and the answer says under which client id.
Everything that is fetched goes through :mod:`bridge.transport`, since whoever calls may name any address.

Clauses: LTI Dynamic Registration 1.0, OpenID Connect Discovery 1.0 section 3, OpenID Connect Dynamic Client
Registration 1.0 section 3. This module knows no framework.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bridge.errors import RegistrationRefused, SourceRefused, SourceUnavailable
from bridge.lti.platform import Platform
from bridge.lti.rules import JWKS_PATH, LAUNCH_PATH, LOGIN_PATH, LaunchRules
from bridge.lti.vendors import PROFILES
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.registry.registrations import NewPlatform
from bridge.registry.registry import Registry
from bridge.transport.http import Answer, Http, host_of

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"

CLAIMS = ("iss", "sub", "name", "given_name", "family_name", "middle_name", "email")
"""What launches are asked to hold; some platforms share the same in rosters, and only that."""

_MAX_BYTES = 256 * 1024
_LONGEST = 255

# Issuers that many schools share: their configuration lies on each school's own host, or on one for all.
_SHARED_ISSUERS: Mapping[str, tuple[str, ...]] = {
    "https://canvas.instructure.com": ("instructure.com", "canvaslms.com"),
    "https://canvas.beta.instructure.com": ("instructure.com", "canvaslms.com"),
    "https://canvas.test.instructure.com": ("instructure.com", "canvaslms.com"),
    "https://blackboard.com": ("blackboard.com",),
}

_VENDORS = {
    "canvas": "canvas",
    "moodle": "moodle",
    "blackboardlearn": "blackboard",
    "blackboard": "blackboard",
    "desire2learn": "brightspace",
    "brightspace": "brightspace",
    "sakai": "sakai",
    "openedx": "openedx",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registration that the platform has made.

    :param roster: whether the tool may ask for rosters.
    """

    platform: NewPlatform
    roster: bool


def register_at(configuration_url: str, token: str | None, http: Http, rules: LaunchRules) -> Registered:
    """Have the bridge registered as a tool.

    :param configuration_url: ``openid_configuration`` as the platform gave it.
    :param token: ``registration_token``, if it gave one; it is sent to the configuration, too, as Canvas wants it.
    :raises RegistrationRefused: checks ``configuration``, ``issuer`` and ``platform``.
    """
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        answer = http.get(configuration_url, headers=headers, max_bytes=_MAX_BYTES)
        configuration = _Configuration(_document(answer, "configuration"))
        _check_issuer(configuration.issuer, configuration_url)
        request = tool_registration(configuration, rules)
        url = configuration.url("registration_endpoint")
        # Whoever may register must not reach what else runs at the hosts that the operator has listed.
        rules.outgoing.check_url_of_peer(url, [configuration_url])
        given = _document(http.post_json(url, request, headers=headers, max_bytes=_MAX_BYTES), "platform")
    except (SourceUnavailable, SourceRefused) as error:
        raise RegistrationRefused("platform", f"the platform cannot be asked: {error}") from error
    asked = str(request["scope"])
    return Registered(
        platform=_new_platform(configuration, configuration_url, given, rules),
        roster=CONTEXT_MEMBERSHIP_SCOPE in str(given.get("scope", asked)).split(),
    )


def accept(registry: Registry, new: NewPlatform, tenant: str | None) -> Platform:
    """Make a platform of a registration.

    :param tenant: the tenant that it will belong to; ``None`` for a new one, named after the issuer's host.
    :raises InvalidRequest: if the issuer has this client id already.
    """
    platform = registry.platforms.add(
        issuer=new.issuer,
        client_id=new.client_id,
        auth_login_url=new.auth_login_url,
        token_url=new.token_url,
        token_audience=new.token_audience,
        jwks_url=new.jwks_url,
        vendor=new.vendor,
        tenant=tenant,
    )
    if new.deployment_id is not None:
        registry.deployments.add(platform, [new.deployment_id])
    return platform


class _Configuration:
    """A platform's OpenID configuration, as far as it is needed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    @property
    def issuer(self) -> str:
        return self.text("issuer")

    def text(self, name: str) -> str:
        value = self._document.get(name)
        if not isinstance(value, str) or not value or not value.isprintable() or len(value) > 2000:
            raise RegistrationRefused("configuration", f"the platform's configuration has no usable {name}")
        return value

    def url(self, name: str) -> str:
        url = self.text(name)
        if urlsplit(url).scheme not in {"http", "https"}:
            raise RegistrationRefused("configuration", f"the platform's configuration has no usable {name}")
        return url

    def offers(self, scope: str) -> bool:
        """Whether a scope may be asked for: a platform that lists none might have it."""
        listed = self._document.get("scopes_supported")
        return scope in listed if isinstance(listed, list) else True

    @property
    def token_audience(self) -> str | None:
        """``authorization_server``, where it is a URL: Canvas writes a bare host there, and does not want it."""
        value = self._document.get("authorization_server")
        return value if isinstance(value, str) and value.startswith("https://") and value.isprintable() else None

    @property
    def _platform(self) -> Mapping[str, Any]:
        # Moodle up to 3.10 ends the name of this claim in a blank.
        found = next((value for name, value in self._document.items() if name.strip() == PLATFORM_CONFIGURATION), None)
        return found if isinstance(found, dict) else {}

    @property
    def family(self) -> str:
        return _shown(self._platform.get("product_family_code"))

    @property
    def product(self) -> str:
        return f"{self.family} {_shown(self._platform.get('version'))}".strip() or "unknown"

    @property
    def placements(self) -> list[str]:
        """The places for a link to the tool that suit a roster, where the platform tells places apart."""
        listed = self._platform.get("messages_supported")
        # Moodle up to 3.10 lists plain texts here.
        messages = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        names = [name for each in messages for name in each.get("placements") or () if isinstance(name, str)]
        return sorted({name for name in names if name.rpartition("/")[2] == "course_navigation"})


def tool_registration(configuration: _Configuration, rules: LaunchRules) -> dict[str, Any]:
    """What the bridge says of itself: OpenID Connect Dynamic Client Registration, and LTI's part of it."""
    launch_url = rules.public_url + LAUNCH_PATH
    message: dict[str, Any] = {
        "type": "LtiResourceLinkRequest",
        "target_link_uri": launch_url,
        "label": rules.tool_name,
    }
    if placements := configuration.placements:
        message["placements"] = placements
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": rules.public_url + LOGIN_PATH,
        "redirect_uris": [launch_url],
        "client_name": rules.tool_name,
        "jwks_uri": rules.public_url + JWKS_PATH,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": CONTEXT_MEMBERSHIP_SCOPE if configuration.offers(CONTEXT_MEMBERSHIP_SCOPE) else "",
        TOOL_CONFIGURATION: {
            "domain": host_of(rules.public_url),
            "description": "Mirrors the rosters of courses.",
            "target_link_uri": launch_url,
            "claims": list(CLAIMS),
            "messages": [message],
            # Canvas shares no personal data otherwise; others pass over what they do not know.
            "https://canvas.instructure.com/lti/privacy_level": "public",
        },
    }


def _check_issuer(issuer: str, configuration_url: str) -> None:
    """Nobody speaks for another's issuer: it is named by a configuration on its own host."""
    host = urlsplit(configuration_url).hostname or ""
    if host == (urlsplit(issuer).hostname if "//" in issuer else issuer):
        return
    if any(host == domain or host.endswith(f".{domain}") for domain in _SHARED_ISSUERS.get(issuer, ())):
        return
    raise RegistrationRefused(
        "issuer", f"the configuration at {host} names an issuer on another host: the platform has to be mended"
    )


def _new_platform(
    configuration: _Configuration, configuration_url: str, given: Mapping[str, Any], rules: LaunchRules
) -> NewPlatform:
    client_id = _id(given.get("client_id"))
    if client_id is None:
        raise RegistrationRefused("platform", "the platform's answer to the registration holds no client_id")
    urls = {name: configuration.url(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    for name, url in urls.items():
        try:
            rules.outgoing.check_url_of_peer(url, [configuration_url])
        except SourceRefused as error:
            raise RegistrationRefused("configuration", f"{name} cannot be used: {error}") from error
    tool = given.get(TOOL_CONFIGURATION)
    vendor = _VENDORS.get(configuration.family.lower().replace(" ", ""), "generic")
    return NewPlatform(
        issuer=configuration.issuer,
        client_id=client_id,
        deployment_id=_id(tool.get("deployment_id")) if isinstance(tool, dict) else None,
        auth_login_url=urls["authorization_endpoint"],
        token_url=urls["token_endpoint"],
        token_audience=configuration.token_audience,
        jwks_url=urls["jwks_uri"],
        vendor=vendor if vendor in PROFILES else "generic",
        product=configuration.product,
    )


def _document(answer: Answer, check: str) -> Mapping[str, Any]:
    host = host_of(answer.url)
    if answer.status in {401, 403}:
        raise RegistrationRefused(
            check,
            f"{host} refuses ({answer.status}): its registration token is used up or too old, begin again at the"
            " platform",
        )
    if answer.status not in {200, 201}:
        raise RegistrationRefused(check, f"{host} answers {answer.status}: begin again at the platform")
    try:
        document = answer.json()
    except ValueError as error:
        raise RegistrationRefused(check, f"what {host} answers is not JSON") from error
    if not isinstance(document, dict):
        raise RegistrationRefused(check, f"what {host} answers is not a JSON object")
    return document


def _id(value: object) -> str | None:
    """An identifier, which some platforms write as a number."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if 1 <= len(text) <= _LONGEST and text.isprintable() and text.isascii() else None


def _shown(value: object) -> str:
    """A platform's word that the operator will read: no control characters, and no novel."""
    return "".join(each for each in value if each.isprintable())[:40] if isinstance(value, str) else ""
