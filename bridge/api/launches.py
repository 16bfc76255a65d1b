"""``POST /api/launches``: a tool hands in a launch that a platform has sent it.

The context becomes known, and the person as somebody of whom a launch has told. Both are computed at once and written
by the reconciler: an answer need not wait. The interface is described in ``docs/feeders.md``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.api.depth import is_deeper
from bridge.api.problems import problem
from bridge.api.tools import Caller, ToolApi
from bridge.errors import Forbidden, InvalidRequest, RequestError
from bridge.lti.fed_launch import FedLaunch, read_claimed_launch, read_signed_launch
from bridge.lti.launch import names_of
from bridge.lti.roster_state import sync_payload
from bridge.registry.inbox import FED
from bridge.registry.launches import TakenLaunch
from bridge.registry.registry import Registry
from bridge.roster.fed import Word, write_word
from bridge.roster.identity import (
    ContextKey,
    PersonKey,
    class_sourced_id,
    user_sourced_id,
)
from bridge.roster.memberships import Context

PATH = "/api/launches"

_MAX_BODY = 400 * 1024
_DEEPEST = 32
"""Claims are a few deep. What is kept here is read again by whoever asks for the launch."""

_log = structlog.get_logger(__name__)


def launches_blueprint(api: ToolApi) -> Blueprint:
    """The route, and the shape of its errors."""
    blueprint = Blueprint("launches", __name__)
    blueprint.register_error_handler(RequestError, problem)

    @blueprint.post(PATH)
    def hand_in() -> Response:
        caller = api.authenticate(request.headers.get("Authorization"))
        body = _body()
        tool, registry, now = caller.tool.client_id, api.registry(), api.clock()
        if "idToken" in body:
            token = body["idToken"]
            if not isinstance(token, str):
                raise InvalidRequest("idToken", "must be the text of an id_token")
            fed = read_signed_launch(token, tool, registry, api.keys, api.rules, now, grace=api.grace)
        else:
            token = None
            fed = read_claimed_launch(body, tool, registry, now)
        return _taken(caller, fed, token)

    def _taken(caller: Caller, fed: FedLaunch, token: str | None) -> Response:
        registry, launch = api.registry(), fed.launch
        key, person = names_of(launch)
        tenant = launch.platform.tenant
        if key is not None and not caller.tool.visibility.sees_context(tenant, key):
            raise Forbidden("this tool may not see the class that the launch is of: see 'bridge tools set --help'")
        taken = TakenLaunch(
            tool=caller.tool.client_id, tenant=tenant, context=key, person=person, claims=dict(launch.said)
        )
        ltik, new = registry.launches.take(taken, nonce=fed.nonce, id_token=token, most_kept=api.most_kept)
        if key is not None:
            _make_known(caller, fed, key, person, registry)
        _log.info("launch_handed_in", tool=caller.tool.client_id, signed=fed.signed, again=not new)
        response = jsonify(
            ltik=ltik,
            serviceKey=api.service_key(caller, taken),
            classSourcedId=None if key is None else class_sourced_id(tenant, key),
            userSourcedId=None if person is None else user_sourced_id(tenant, person),
            namesAndRoles={"available": api.is_available(caller.tool, tenant, key)},
        )
        response.status_code = 201 if new else 200
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _body() -> Mapping[str, Any]:
    request.max_content_length = _MAX_BODY
    try:
        body = msgspec.json.decode(request.get_data())
    except RequestEntityTooLarge as error:
        raise InvalidRequest("body", f"is longer than {_MAX_BODY} bytes") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("body", "must be a JSON object: an idToken, or the claims of a launch") from error
    if not isinstance(body, dict):
        raise InvalidRequest("body", "must be a JSON object: an idToken, or the claims of a launch")
    if is_deeper(body, _DEEPEST):
        raise InvalidRequest("body", f"is nested more than {_DEEPEST} deep")
    return body


def _make_known(caller: Caller, fed: FedLaunch, key: ContextKey, person: PersonKey | None, registry: Registry) -> None:
    launch, feeder = fed.launch, caller.tool.client_id
    assert launch.context is not None, "it has a key"
    described = launch.context
    context = Context(context_id=described.context_id, label=described.label, title=described.title)
    registry.fed_contexts.note(
        launch.platform, key, context, deployment_id=launch.deployment_id, feeder=feeder, signed=fed.signed
    )
    if launch.memberships_url is not None:
        _have_read(fed, key, context, launch.memberships_url, registry)
    payload = {"tenant": launch.platform.tenant, "context": key}
    if person is not None and launch.person is not None:
        word = Word(feeder=feeder, signed=fed.signed, at=fed.said, member=launch.person)
        payload |= {"person": person, "word": write_word(word).decode()}
    registry.inbox.put(FED, payload)


def _have_read(fed: FedLaunch, key: ContextKey, context: Context, memberships_url: str, registry: Registry) -> None:
    """Have the context's roster read, as a launch of our own would, where the bridge is registered at the platform.

    Where memberships of a known context are stays as it is: the address in this launch is the feeder's.
    """
    platform = registry.platforms.by_id(fed.launch.platform.id)
    deployment_id = fed.launch.deployment_id
    if not registry.contexts.is_known(platform.tenant, key):
        ours = deployment_id in registry.deployments.of(platform)
        registry.contexts.upsert_from_launch(
            platform, key, context, deployment_id=deployment_id if ours else None, memberships_url=memberships_url
        )
    registry.inbox.put("launch", sync_payload(platform.tenant, key, fed.launch.sub))
