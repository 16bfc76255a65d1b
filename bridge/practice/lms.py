"""The practice LMS: an LTI 1.3 platform with courses, launches and a Names and Role Provisioning Service.

:class:`Lms` is what it knows, :func:`create_lms` its web application; each endpoint has a module of its own. The LMS
is strict: it refuses what a tolerant platform would let pass. What it does differently on request is in
:class:`~bridge.practice.manners.Manners`.
"""

from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, render_template_string
from joserfc.jwk import KeySet, RSAKey

from bridge.clock import Clock
from bridge.practice.lms_frames import Storage, add_frames
from bridge.practice.lms_launches import Launches
from bridge.practice.lms_memberships import MembershipsEndpoint
from bridge.practice.lms_registration import RegistrationDesk, add_registration
from bridge.practice.lms_tokens import AccessTokens, TokenEndpoint
from bridge.practice.lms_tools import SCOPES, Tools
from bridge.practice.manners import Manners
from bridge.practice.rosters import Roster

_SHOWN_COURSES = 50
_SHOWN_PEOPLE = 5

_FRONT_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Practice LMS</title></head>
<body><h1>Practice LMS</h1>
<p>{{ issuer }}: {{ count }} courses. Choose whom to launch the tool as.</p>
{% for course, members in courses %}<h2>{{ course.label }} {{ course.title }}</h2>
<ul>{% for member in members %}
<li><a href="{{ url_for('launch', context_id=course.context_id, user=member.person.user_id) }}">
{{- member.person.name or member.person.user_id }}</a>
 (<a href="{{ url_for('course_page', context_id=course.context_id, user=member.person.user_id) }}">in a frame</a>)
{%- for role in member.roles or () %} {{ role.rpartition('#')[2] }}{% endfor %}</li>{% endfor %}
</ul>
{% endfor %}</body></html>
"""


@dataclass(slots=True, kw_only=True)
class Lms:
    """One LMS: its roster, its key, who is registered and which tokens are out.

    :param issuer: its own base URL, without a trailing slash, and the ``iss`` of its launches.
    """

    issuer: str
    roster: Roster
    manners: Manners
    clock: Clock
    key: RSAKey = field(repr=False)
    tools: Tools = field(default_factory=Tools)
    tokens: AccessTokens = field(init=False)
    storage: Storage = field(default_factory=Storage)
    desk: RegistrationDesk = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = AccessTokens(self.clock)
        self.desk = RegistrationDesk(issuer=self.issuer)

    @property
    def auth_login_url(self) -> str:
        """The OIDC authorization endpoint."""
        return f"{self.issuer}/auth"

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self.issuer}/token"

    @property
    def jwks_url(self) -> str:
        """The key set that id_tokens are verified with."""
        return f"{self.issuer}/jwks"


def create_lms(lms: Lms) -> Flask:
    """The LMS's web application."""
    app = Flask(__name__, static_folder=None)
    launches = Launches(
        issuer=lms.issuer,
        roster=lms.roster,
        tools=lms.tools,
        key=lms.key,
        manners=lms.manners,
        storage=lms.storage,
        clock=lms.clock,
    )
    token_endpoint = TokenEndpoint(lms.token_url, lms.issuer, lms.tools, lms.tokens, lms.manners, lms.clock)
    memberships = MembershipsEndpoint(lms.issuer, lms.roster, lms.tokens, lms.manners)

    app.add_url_rule("/token", "token", token_endpoint.answer, methods=["POST"])
    app.add_url_rule("/nrps/<context_id>/memberships", "memberships", memberships.answer)
    app.add_url_rule("/courses/<context_id>/launch", "launch", launches.initiate)
    app.add_url_rule("/auth", "auth", launches.authorize, methods=["GET", "POST"])

    @app.get("/")
    def front_page() -> str:
        courses = lms.roster.courses()
        shown = [(course, lms.roster.members(course.context_id)[:_SHOWN_PEOPLE]) for course in courses[:_SHOWN_COURSES]]
        return render_template_string(_FRONT_PAGE, issuer=lms.issuer, count=len(courses), courses=shown)

    @app.get("/jwks")
    def jwks() -> Response:
        keys = KeySet([lms.key]).as_dict(private=False, use="sig", alg="RS256")
        response = jsonify(keys)
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    add_frames(app, lms.roster, lms.storage)
    add_registration(app, lms.tools, lms.desk, lambda: _openid_configuration(lms))
    return app


def _openid_configuration(lms: Lms) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 section 3, and what LTI Dynamic Registration adds about the platform."""
    return {
        "issuer": lms.issuer,
        "authorization_endpoint": lms.auth_login_url,
        "token_endpoint": lms.token_url,
        "jwks_uri": lms.jwks_url,
        "scopes_supported": ["openid", *SCOPES],
        "response_types_supported": ["id_token"],
        "response_modes_supported": ["form_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "middle_name", "email", "picture"],
        "https://purl.imsglobal.org/spec/lti-platform-configuration": {
            "product_family_code": "practice",
            "version": "1.0",
            "messages_supported": [{"type": "LtiResourceLinkRequest"}],
            "variables": [],
        },
    }
