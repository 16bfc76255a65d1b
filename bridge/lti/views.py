"""The bridge as an LTI 1.3 tool, over HTTP: login, launch, and its key set.

A good launch registers the course and asks the reconciler to read its roster; the answer is a page for the person who
clicked. Pages load nothing from anywhere, and may be shown inside a platform's frame.
"""

import secrets
from collections.abc import Callable

import structlog
from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from bridge.clock import Clock, utc_now
from bridge.errors import LaunchRefused
from bridge.lti.keyset import PlatformKeys, public_jwks
from bridge.lti.launch import Launch, finish_launch
from bridge.lti.login import LOGIN_LIFETIME, begin_login, cookie_name
from bridge.lti.rules import LAUNCH_PATH, LaunchRules
from bridge.lti.vendors import profile_of
from bridge.registry.registry import Registry
from bridge.roster.identity import ContextKey, class_sourced_id, context_key, user_sourced_id
from bridge.roster.memberships import Context

JWKS_PATH = "/.well-known/jwks.json"
LOGIN_PATH = "/lti/login"

_MAX_FORM = 400 * 1024
_JWKS_SECONDS = 3600

_log = structlog.get_logger(__name__)


def lti_blueprint(
    registry: Callable[[], Registry], *, keys: PlatformKeys, rules: LaunchRules, clock: Clock = utc_now
) -> Blueprint:
    """The routes of the tool.

    :param registry: gives this thread's registry.
    :param keys: the platforms' key sets, shared by all threads.
    """
    blueprint = Blueprint("lti", __name__, template_folder="templates")
    blueprint.register_error_handler(LaunchRefused, _refused)

    @blueprint.route(LOGIN_PATH, methods=["GET", "POST"])
    def login() -> BaseResponse:
        _limit_form()
        begun = begin_login(request.values.to_dict(), registry(), rules)
        response = redirect(begun.url)
        response.headers["Cache-Control"] = "no-store"
        _set_cookie(response, begun.cookie_name, begun.cookie_value, rules)
        return response

    @blueprint.post(LAUNCH_PATH)
    def launch() -> Response:
        _limit_form()
        params = request.form.to_dict()
        launched = finish_launch(params, request.cookies, registry(), keys, rules, clock)
        response = _launched(launched, _register(launched, registry()))
        _set_cookie(response, cookie_name(params["state"], rules), "", rules)
        return response

    @blueprint.get(JWKS_PATH)
    def jwks() -> Response:
        response = jsonify(public_jwks(registry().keys.published()))
        response.headers["Cache-Control"] = f"public, max-age={_JWKS_SECONDS}"
        return response

    return blueprint


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
        asked = {"tenant": launch.platform.tenant, "context": key}
        # Somebody who is not in the roster yet makes it be read even if it is fresh.
        registry.inbox.put("launch", asked if launch.sub is None else {**asked, "user": launch.sub})
    return key


def _launched(launch: Launch, key: ContextKey | None) -> Response:
    tenant = launch.platform.tenant
    return _page(
        "lti/launched.html",
        200,
        context=launch.context,
        class_sourced_id=None if key is None else class_sourced_id(tenant, key),
        user_sourced_id=None if launch.sub is None else user_sourced_id(tenant, launch.sub),
        roster=launch.memberships_url is not None,
        issuer=launch.platform.issuer,
    )


def _refused(refusal: LaunchRefused) -> Response:
    _log.warning("launch_refused", check=refusal.check, path=request.path)
    return _page("lti/refused.html", 400, check=refusal.check, reason=str(refusal))


def _page(template: str, status: int, **values: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    response = make_response(render_template(template, style_nonce=nonce, **values), status)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _limit_form() -> None:
    request.max_content_length = request.max_form_memory_size = _MAX_FORM
    try:
        _ = request.form
    except RequestEntityTooLarge as error:
        raise LaunchRefused("size", f"the message is longer than {_MAX_FORM} bytes") from error


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
