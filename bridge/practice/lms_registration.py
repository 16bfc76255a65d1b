"""The practice LMS's side of LTI Dynamic Registration 1.0: an administrator pastes a tool's address, and the tool does
the rest.

The LMS opens that address with its configuration's own and a token that is good once. It is strict: a registration that
lacks what the specification asks for is refused, and so is one that asks for another way of proving who the tool is.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, render_template_string, request

from bridge.practice.lms_tools import SCOPES, Tools

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"

_REGISTRATION_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Register a tool</title>
<script>
window.addEventListener("message", (event) => {
  if (event.data.subject !== "org.imsglobal.lti.close") return;
  document.getElementById("registration").remove();
  document.getElementById("outcome").textContent = "The tool has finished.";
});
</script></head>
<body><h1>Register a tool</h1><p id="outcome" role="status"></p>
<iframe id="registration" name="registration" title="Registration" src="{{ url }}" width="600" height="500"></iframe>
</body></html>
"""

_REQUIRED = {
    "application_type": "web",
    "response_types": ["id_token"],
    "grant_types": ["implicit", "client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
}
_ADDRESSES = ("initiate_login_uri", "jwks_uri")


class RegistrationRefused(Exception):
    """An OpenID Connect registration error: Dynamic Client Registration 1.0 section 3.3."""

    def __init__(self, status: int, error: str, description: str) -> None:
        self.status = status
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(slots=True, kw_only=True)
class RegistrationDesk:
    """Where tools register themselves; its manners may be changed while the LMS runs.

    :ivar tells_deployment: whether the answer names the deployment; otherwise the tool learns it from a launch.
    :ivar old_moodle: writes its configuration as Moodle did up to 3.10.
    :ivar guards_configuration: whether the configuration is shown to the bearer of a registration token only.
    :ivar grants: the scopes that tools are granted, of those that they ask for.
    :ivar family: its ``product_family_code``.
    :ivar changes: what its configuration says otherwise; ``None`` leaves an entry out.
    :ivar received: the registrations that tools have sent.
    """

    issuer: str
    tells_deployment: bool = True
    old_moodle: bool = False
    guards_configuration: bool = False
    grants: tuple[str, ...] = SCOPES
    family: str = "practice"
    changes: dict[str, Any] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    _tokens: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @property
    def configuration_url(self) -> str:
        """Where a tool finds the platform's configuration."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def initiate(self, registration_url: str) -> str:
        """The address that the LMS opens in the administrator's browser when she has pasted a tool's."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._tokens.add(token)
        separator = "&" if "?" in registration_url else "?"
        query = urlencode({"openid_configuration": self.configuration_url, "registration_token": token})
        return f"{registration_url}{separator}{query}"

    def spend(self, *, only_look: bool = False) -> None:
        """Take the token of the present request.

        :raises RegistrationRefused: unless it is one that is out.
        """
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            if token not in self._tokens:
                raise RegistrationRefused(401, "invalid_token", "the registration token is unknown, or was used")
            if not only_look:
                self._tokens.remove(token)

    def configuration(self, base: dict[str, Any]) -> dict[str, Any]:
        """The platform's configuration, with what its manners change in it."""
        platform = {**base[PLATFORM_CONFIGURATION], "product_family_code": self.family}
        document = {**base, "registration_endpoint": f"{self.issuer}/registration", PLATFORM_CONFIGURATION: platform}
        if self.old_moodle:
            del document[PLATFORM_CONFIGURATION]
            messages = [message["type"] for message in platform["messages_supported"]]
            document[f"{PLATFORM_CONFIGURATION} "] = {**platform, "messages_supported": messages}
        document |= self.changes
        return {name: value for name, value in document.items() if value is not None}


def add_registration(
    app: Flask, tools: Tools, desk: RegistrationDesk, base_configuration: Callable[[], dict[str, Any]]
) -> None:
    """Add the page on which an administrator pastes a tool's address (``/tools/register?url=…``), the configuration,
    and the endpoint at which tools register.
    """

    @app.errorhandler(RegistrationRefused)
    def refuse(refusal: RegistrationRefused) -> tuple[Response, int]:
        return jsonify(error=refusal.error, error_description=refusal.description), refusal.status

    @app.get("/tools/register")
    def register_tool() -> str:
        return render_template_string(_REGISTRATION_PAGE, url=desk.initiate(request.args["url"]))

    @app.get("/.well-known/openid-configuration")
    def openid_configuration() -> Response:
        if desk.guards_configuration:
            desk.spend(only_look=True)
        return jsonify(desk.configuration(base_configuration()))

    @app.post("/registration")
    def registration() -> tuple[Response, int]:
        desk.spend()
        document = request.get_json()
        desk.received.append(document)
        scopes = [scope for scope in _check(document) if scope in desk.grants]
        configuration = document[TOOL_CONFIGURATION]
        tool = tools.register(
            login_url=document["initiate_login_uri"],
            redirect_uris=document["redirect_uris"],
            jwks_url=document["jwks_uri"],
            target_link_uri=configuration["target_link_uri"],
            scopes=scopes,
        )
        if desk.tells_deployment:
            configuration = {**configuration, "deployment_id": tool.deployment_id}
        answer = {**document, "client_id": tool.client_id, "scope": " ".join(scopes), TOOL_CONFIGURATION: configuration}
        return jsonify(answer), 201


def _check(document: dict[str, Any]) -> list[str]:
    """The scopes that a registration asks for."""
    for name, wanted in _REQUIRED.items():
        given = document.get(name)
        if (sorted(given) if isinstance(given, list) else given) != (
            sorted(wanted) if isinstance(wanted, list) else wanted
        ):
            raise _bad(f"{name} must be {wanted}")
    for name in _ADDRESSES:
        if not isinstance(document.get(name), str) or not document[name].startswith("http"):
            raise _bad(f"{name} must be an address")
    if not document.get("client_name") or not document.get("redirect_uris"):
        raise _bad("client_name and redirect_uris must be given")
    configuration = document.get(TOOL_CONFIGURATION)
    if not isinstance(configuration, dict):
        raise _bad(f"{TOOL_CONFIGURATION} must be given")
    for name in ("domain", "target_link_uri", "claims", "messages"):
        if not configuration.get(name):
            raise _bad(f"{name} must be given in {TOOL_CONFIGURATION}")
    if not configuration["target_link_uri"].partition("://")[2].startswith(configuration["domain"]):
        raise _bad("target_link_uri must be in the tool's domain")
    return str(document.get("scope", "")).split()


def _bad(description: str) -> RegistrationRefused:
    return RegistrationRefused(400, "invalid_client_metadata", description)
