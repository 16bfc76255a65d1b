"""The practice LMS's side of an LTI 1.3 launch: from a course page to a signed id_token in the browser's hands.

LTI Core 1.3 sections 4 and 5, 1EdTech Security Framework 1.0 section 5.1. Two steps, with the tool between them: the
login initiation, and the authorization endpoint to which the tool sends the browser. Whoever the page names counts as
signed in: this LMS has no passwords.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, redirect, render_template_string, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from bridge.clock import Clock
from bridge.practice.lms_frames import Storage
from bridge.practice.lms_tools import NRPS_SCOPE, Tool, Tools
from bridge.practice.lms_walks import memberships_url
from bridge.practice.manners import Manners
from bridge.practice.members import Member
from bridge.practice.rosters import Course, Roster

ID_TOKEN_SECONDS = 300

_CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
_NRPS_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
_PERSONAL_CLAIMS = ("name", "given_name", "family_name", "middle_name", "email", "picture")
_COURSE_SECTION = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"

_FORM_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>One moment</title></head>
<body onload="document.forms[0].submit()"><form method="post" action="{{ action }}">
{% for name, value in fields.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}<noscript><button>Continue</button></noscript></form></body></html>
"""


class AuthorizationRefused(Exception):
    """An OpenID Connect authentication error, told to the tool through the browser."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launches:
    """The two steps, as Flask views.

    :param key: signs id_tokens.
    """

    issuer: str
    roster: Roster
    tools: Tools
    key: RSAKey
    manners: Manners
    storage: Storage
    clock: Clock

    def initiate(self, context_id: str) -> AnyResponse:
        """``GET /courses/<context_id>/launch?user=<user_id>``: send the browser to the tool's login URL.

        ``tool=<client_id>`` chooses among several tools; otherwise the first one is launched. ``framed`` says that it
        is launched inside a course page, which may keep data for it. The hints are awkward
        on purpose: a tool that does not give them back as they are gets no further.
        """
        try:
            member = self.roster.member(context_id, request.args.get("user", ""))
        except KeyError:
            abort(404, "There is no such course, or no such person in it.")
        tools = self.tools.all()
        if "tool" in request.args:
            tools = tuple(tool for tool in tools if tool.client_id == request.args["tool"])
        if not tools:
            abort(404, "There is no such tool: register one first.")
        tool = tools[0]
        fields = {
            "iss": self.issuer,
            "target_link_uri": tool.target_link_uri,
            "login_hint": member.person.user_id,
            "lti_message_hint": json.dumps({"context_id": context_id, "launch": f"{secrets.token_hex(4)} & <50%+>"}),
            "client_id": tool.client_id,
            "lti_deployment_id": tool.deployment_id,
        }
        if "framed" in request.args:
            fields |= self.storage.login_fields()
        if self.manners.login_method == "GET":
            return redirect(f"{tool.login_url}{'&' if '?' in tool.login_url else '?'}{urlencode(fields)}")
        return _form_post(tool.login_url, fields)

    def authorize(self) -> AnyResponse:
        """``GET`` or ``POST /auth``: answer an authentication request with an id_token or an error, by form_post.

        Nothing is sent to a redirect URI that is not registered: the person sees an error page instead.
        """
        parameters = request.form if request.method == "POST" else request.args
        tool = self.tools.get(parameters.get("client_id", ""))
        if tool is None:
            abort(400, "client_id is not that of a registered tool.")
        redirect_uri = parameters.get("redirect_uri", "")
        if redirect_uri not in tool.redirect_uris:
            abort(400, "redirect_uri is not among those registered for this tool, character for character.")
        try:
            fields = {"id_token": self._id_token(tool, parameters)}
        except AuthorizationRefused as refusal:
            fields = {"error": refusal.error, "error_description": refusal.description}
        if "state" in parameters:
            fields["state"] = parameters["state"]
        return _form_post(redirect_uri, fields)

    def _id_token(self, tool: Tool, parameters: MultiDict[str, str]) -> str:
        _check_request(parameters)
        context_id = _hinted_context(parameters["lti_message_hint"])
        try:
            course = self.roster.course(context_id)
            member = self.roster.member(context_id, parameters["login_hint"])
        except KeyError:
            raise AuthorizationRefused("login_required", "login_hint is not the person who is signed in") from None
        claims = self._claims(tool, course, member, parameters["nonce"])
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, "typ": "JWT"}, claims, self.key, algorithms=["RS256"])

    def _claims(self, tool: Tool, course: Course, member: Member, nonce: str) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        shared = member.to_nrps(self.manners.style)
        claims: dict[str, Any] = {name: shared[name] for name in _PERSONAL_CLAIMS if name in shared}
        lis = {"course_section_sourcedid": f"SECTION-{course.context_id}"}
        if "lis_person_sourcedid" in shared:
            lis["person_sourcedid"] = shared["lis_person_sourcedid"]
        if NRPS_SCOPE in tool.scopes:
            claims[_NRPS_CLAIM] = {
                "context_memberships_url": memberships_url(self.issuer, course.context_id, self.manners.query),
                "service_versions": ["2.0"],
            }
        return claims | {
            "iss": self.issuer,
            "aud": tool.client_id,
            "azp": tool.client_id,
            "sub": member.person.user_id,
            "iat": now,
            "exp": now + ID_TOKEN_SECONDS,
            "nonce": nonce,
            f"{_CLAIM}message_type": "LtiResourceLinkRequest",
            f"{_CLAIM}version": "1.3.0",
            f"{_CLAIM}deployment_id": tool.deployment_id,
            f"{_CLAIM}target_link_uri": tool.target_link_uri,
            f"{_CLAIM}resource_link": {"id": course.resource_link_id, "title": "The tool"},
            f"{_CLAIM}roles": list(member.roles or ()),
            f"{_CLAIM}context": {
                "id": course.context_id,
                "label": course.label,
                "title": course.title,
                "type": [_COURSE_SECTION],
            },
            f"{_CLAIM}tool_platform": {
                "guid": self.issuer,
                "name": "Practice LMS",
                "product_family_code": "practice",
                "version": "1.0",
            },
            f"{_CLAIM}launch_presentation": {
                "document_target": "window",
                "locale": "en-GB",
                "return_url": f"{self.issuer}/",
            },
            f"{_CLAIM}custom": {"resource_link": course.resource_link_id},
            f"{_CLAIM}lis": lis,
        }


def _check_request(parameters: MultiDict[str, str]) -> None:
    """Security Framework 1.0 section 5.1.1.2: what an authentication request must say."""
    if any(len(values) > 1 for values in parameters.listvalues()):
        raise AuthorizationRefused("invalid_request", "a parameter is given twice")
    for name in ("state", "nonce", "login_hint", "lti_message_hint"):
        if not parameters.get(name):
            raise AuthorizationRefused("invalid_request", f"{name} is missing")
    if parameters.get("response_type") != "id_token":
        raise AuthorizationRefused("unsupported_response_type", "response_type must be id_token")
    if parameters.get("scope") != "openid":
        raise AuthorizationRefused("invalid_scope", "scope must be openid")
    for name, value in (("response_mode", "form_post"), ("prompt", "none")):
        if parameters.get(name) != value:
            raise AuthorizationRefused("invalid_request", f"{name} must be {value}")


def _hinted_context(hint: str) -> str:
    try:
        return str(json.loads(hint)["context_id"])
    except (ValueError, KeyError, TypeError):
        raise AuthorizationRefused("invalid_request", "lti_message_hint must be given back as it was") from None


def _form_post(action: str, fields: Mapping[str, str]) -> Response:
    response = Response(render_template_string(_FORM_PAGE, action=action, fields=fields), mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    return response
