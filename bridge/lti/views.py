"""The bridge as an LTI 1.3 tool, over HTTP: login, launch, and its key set.

A good launch registers the course and asks the reconciler to read its roster; the answer is a page for the person who
clicked. What that page can do afterwards is in :mod:`bridge.lti.roster_views`, and how platforms register themselves in
:mod:`bridge.lti.registration_views`.
"""

from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from bridge.errors import LaunchRefused
from bridge.lti.handing_on import hand_on, leads_to
from bridge.lti.keyset import public_jwks
from bridge.lti.launch import Launch, finish_launch
from bridge.lti.launch_roles import note_roles
from bridge.lti.login import (
    LOGIN_LIFETIME,
    LoginRedirect,
    StorageQuestion,
    begin_login,
    cookie_name,
    question_for_storage,
)
from bridge.lti.missing import what_is_missing
from bridge.lti.page_tokens import PageGrant
from bridge.lti.pages import page
from bridge.lti.registration_views import add_registration_routes
from bridge.lti.roster_state import roster_state, sync_payload
from bridge.lti.roster_views import add_roster_routes
from bridge.lti.rules import JWKS_PATH, LAUNCH_PATH, LOGIN_PATH, STATIC_PATH, LaunchRules
from bridge.lti.tool import LtiTool
from bridge.lti.vendors import profile_of
from bridge.registry.registry import Registry
from bridge.roster.identity import ContextKey, class_sourced_id, context_key
from bridge.roster.memberships import Context

JWKS_SECONDS = 3600
"""How long platforms may keep our key set."""

_MAX_LOGIN = 16 * 1024
_MAX_LAUNCH = 400 * 1024
_FRAMES = frozenset({"iframe", "frame", "fencedframe", "embed", "object"})
_ANSWER = ("state", "id_token", "error")

_log = structlog.get_logger(__name__)


def lti_blueprint(tool: LtiTool) -> Blueprint:
    """The routes of the tool."""
    registry, rules = tool.registry, tool.rules
    blueprint = Blueprint(
        "lti", __name__, template_folder="templates", static_folder="static", static_url_path=STATIC_PATH
    )

    @blueprint.errorhandler(LaunchRefused)
    def refuse(refusal: LaunchRefused) -> Response:
        _log.warning("launch_refused", check=refusal.check, path=request.path)
        return page(
            "lti/refused.html",
            rules,
            status=400,
            what="Launch",
            check=refusal.check,
            reason=str(refusal),
            advice="Go back to your course and open the tool again.",
        )

    @blueprint.route(LOGIN_PATH, methods=["GET", "POST"])
    def login() -> BaseResponse:
        _limit_form(_MAX_LOGIN)
        begun = begin_login(request.values.to_dict(), registry(), rules)
        response = _login_page(begun, rules) if _needs_a_page(begun) else redirect(begun.url)
        response.headers["Cache-Control"] = "no-store"
        _set_cookie(response, begun.cookie_name, begun.cookie_value, rules)
        return response

    @blueprint.post(LAUNCH_PATH)
    def launch() -> BaseResponse:
        _limit_form(_MAX_LAUNCH)
        params = request.form.to_dict()
        kept = _kept(params, rules)
        if "stored" not in params:
            question = question_for_storage(params, kept, registry(), rules, framed=_is_framed())
            if question is not None:
                return _storage_page(params, question, rules, registry())
        launched = finish_launch(params, kept, registry(), tool.keys, rules, tool.clock)
        key = _register(launched, registry())
        response = _handed_on(launched, registry()) or _launched(launched, key, tool)
        _set_cookie(response, cookie_name(params["state"], rules), "", rules)
        return response

    @blueprint.get(JWKS_PATH)
    def jwks() -> Response:
        response = jsonify(public_jwks(registry().keys.published()))
        response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
        return response

    add_roster_routes(blueprint, tool)
    add_registration_routes(blueprint, tool)
    return blueprint


def _needs_a_page(begun: LoginRedirect) -> bool:
    """Whether a script has to see to it that the login's secret is kept.

    In a window of its own a cookie always does, and so does one in a frame of the same site; browsers say which it is,
    except old ones, and then the platform's word that it has storage decides.
    """
    return _is_framed() or (begun.storage_target is not None and request.headers.get("Sec-Fetch-Dest") != "document")


def _is_framed() -> bool:
    """Whether the browser says that it shows us inside another page: Fetch Metadata, ``Sec-Fetch-Dest``."""
    return request.headers.get("Sec-Fetch-Dest") in _FRAMES


def _login_page(begun: LoginRedirect, rules: LaunchRules) -> Response:
    return page(
        "lti/login.html",
        rules,
        "storage.js",
        "login.js",
        begun=begun,
        cookie_attributes="Secure; SameSite=None; Partitioned" if rules.secure else "SameSite=Lax",
        state_only=rules.state_only,
    )


def _storage_page(
    params: dict[str, str], question: StorageQuestion, rules: LaunchRules, registry: Registry
) -> Response:
    fields = {name: params[name] for name in _ANSWER if name in params}
    return page(
        "lti/ask_storage.html",
        rules,
        "storage.js",
        "launch.js",
        forms_lead_to=leads_to(question.platform_id, registry),
        question=question,
        fields=fields,
    )


def _kept(params: dict[str, str], rules: LaunchRules) -> dict[str, str]:
    """What the browser has kept, by name.

    What platform storage has given back is believed only in a post by our own page: there it came from the platform's
    frame in this browser, while anybody's page could post a value that it knows from a login of its own.
    """
    kept = dict(request.cookies)
    if params.get("stored") and request.headers.get("Origin") == rules.origin:
        kept.setdefault(cookie_name(params.get("state", ""), rules), params["stored"])
    return kept


def _register(launch: Launch, registry: Registry) -> ContextKey | None:
    """Register the launch's context and ask for its roster, where there are such; the context's key."""
    if launch.context is None:
        return None
    by_deployment = profile_of(launch.platform).contexts_by_deployment
    key = context_key(launch.context.context_id, launch.deployment_id if by_deployment else None)
    _log.info(
        "launched",
        platform=launch.platform.id,
        class_=class_sourced_id(launch.platform.tenant, key),
        roster=launch.memberships_url is not None,
    )
    if launch.memberships_url is not None:
        context = Context(context_id=launch.context.context_id, label=launch.context.label, title=launch.context.title)
        registry.contexts.upsert_from_launch(
            launch.platform,
            key,
            context,
            deployment_id=launch.deployment_id,
            memberships_url=launch.memberships_url,
        )
        note_roles(launch, key, registry)
        registry.inbox.put("launch", sync_payload(launch.platform.tenant, key, launch.sub))
    return key


def _handed_on(launch: Launch, registry: Registry) -> BaseResponse | None:
    """The way to the application that the platform's launches are handed on to, if they are."""
    url = hand_on(launch, registry)
    if url is None:
        return None
    response = redirect(url, 303)  # what was posted here is not posted there
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _launched(launch: Launch, key: ContextKey | None, tool: LtiTool) -> Response:
    missing = what_is_missing(launch)
    if launch.context is None or key is None:
        return page("lti/launched.html", tool.rules, missing=missing)
    tenant, context = launch.platform.tenant, launch.context
    shown: dict[str, Any] = {
        "missing": missing,
        "title": context.title or context.label or context.context_id,
        "roster": launch.memberships_url is not None,
        "class_sourced_id": class_sourced_id(tenant, key),
        "issuer": launch.platform.issuer,
    }
    if not tool.registry().contexts.is_known(tenant, key):
        return page("lti/launched.html", tool.rules, **shown)
    may_sync = tool.teaches(launch.platform, launch.roles)
    grant = PageGrant(tenant=tenant, context=key, may_sync=may_sync)
    state = roster_state(tool.registry(), tool.mirror(), tool.clock, tenant, key, scheduler_runs=tool.scheduler_runs())
    return page(
        "lti/launched.html",
        tool.rules,
        "roster.js",
        **shown,
        token=tool.page_tokens().write(grant),
        may_sync=may_sync,
        state=state,
    )


def _limit_form(longest: int) -> None:
    request.max_content_length = request.max_form_memory_size = longest
    try:
        _ = request.form
    except RequestEntityTooLarge as error:
        raise LaunchRefused("size", f"the message is longer than {longest} bytes") from error


def _set_cookie(response: BaseResponse, name: str, value: str, rules: LaunchRules) -> None:
    """Give the browser a login's cookie, or, with an empty value, take it back.

    The platform's page, another site's, posts the launch, often from inside a frame: only a ``SameSite=None`` cookie
    comes back then, and browsers accept one over https only. Over plain http, which is for one's own machine,
    platform and bridge are the same site, and ``Lax`` will do.
    """
    response.set_cookie(
        name,
        value,
        max_age=LOGIN_LIFETIME if value else 0,
        path="/",
        secure=rules.secure,
        httponly=True,
        samesite="None" if rules.secure else "Lax",
        partitioned=rules.secure,
    )
