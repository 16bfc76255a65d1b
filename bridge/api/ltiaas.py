"""``GET /api/memberships`` and ``GET /api/idtoken`` in LTIAAS's shape, and asking for a sync.

A tool that was written for LTIAAS needs another base URL and nothing else. What is confirmed of that shape, by what,
and what is ours, is in ``docs/decisions/0019-ltiaas-shape.md``; what a vendor reads is ``docs/feeders.md``.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from flask import Blueprint, Response, jsonify, request

from bridge.api.idtoken import idtoken, raw_idtoken
from bridge.api.problems import problem
from bridge.api.tools import LaunchCaller, ToolApi
from bridge.clock import to_stamp
from bridge.errors import Busy, Forbidden, InvalidRequest, RequestError, Unauthorised, UnknownObject
from bridge.mirror.attempts import Attempts
from bridge.nrps.role_filter import RoleFilter
from bridge.roster.class_members import ClassMembers
from bridge.roster.identity import ContextKey, SourcedId, class_sourced_id
from bridge.roster.memberships import Member, MemberStatus
from bridge.roster.sharing import UserIds

MEMBERSHIPS_PATH = "/api/memberships"
IDTOKEN_PATH = "/api/idtoken"
SYNC_PATH = "/api/memberships/sync"

SYNC_PAUSE = timedelta(minutes=1)
"""Between the beginning of one reading of a roster and the next that a tool may ask for."""

_PAUSED = 3600
# The member's fields by their older names, which are NRPS's, and by the present ones.
_FIELDS = {
    "name": "name",
    "given_name": "givenName",
    "family_name": "familyName",
    "middle_name": "middleName",
    "email": "email",
    "picture": "picture",
}
_CODES = {
    "ltik": "INVALID_LTIK_AUTH_AUTHORIZATION_HEADER",
    "service": "INVALID_SERVICE_AUTH_AUTHORIZATION_HEADER",
}


class Walk(msgspec.Struct, frozen=True):
    """Where a page begins and what it is of."""

    after: int
    limit: int
    role: str | None


def ltiaas_blueprint(api: ToolApi) -> Blueprint:
    """The routes, and the shape of their errors."""
    blueprint = Blueprint("ltiaas", __name__)
    blueprint.register_error_handler(RequestError, _refusal)
    root = api.rules.public_url

    def caller_of_request() -> LaunchCaller:
        return api.authenticate_launch(request.headers.get("Authorization"))

    @blueprint.get(MEMBERSHIPS_PATH)
    def memberships() -> Response:
        caller = caller_of_request()
        context, class_id = _class_of(caller)
        walk = _walk(api, caller)
        with api.reading():
            members = _class_members(api, caller, context, class_id)
            found = members.read(
                limit=walk.limit,
                after=walk.after,
                has_role=None if walk.role is None else RoleFilter(walk.role).matches,
            )
            described = members.context
            listed = [_member_json(api, caller, members, member) for member in found.members]
        body: dict[str, Any] = {
            "id": f"{root}{request.full_path.rstrip('?')}",
            "context": _some(id=described.context_id, label=described.label, title=described.title),
            "members": listed,
            "lastSynced": _last_synced(api, caller.tenant, context),
        }
        if found.more:
            behind = msgspec.structs.replace(walk, after=found.members[-1].place)
            body["next"] = f"{root}{MEMBERSHIPS_PATH}?cursor={_cursor(api, caller, behind)}"
        return _private(jsonify(body))

    @blueprint.get(IDTOKEN_PATH)
    def get_idtoken() -> Response:
        caller = caller_of_request()
        if caller.launch is None:
            raise Unauthorised("a service key stands for no launch: an ltik is needed here", token_sent=True)
        if caller.context is not None and not caller.tool.visibility.sees_context(caller.tenant, caller.context):
            raise _not_visible()
        if request.args.get("raw", "").lower() == "true":
            return _private(jsonify(raw_idtoken(caller.launch, caller.tool)))
        available = api.is_available(caller.tool, caller.tenant, caller.context)
        service_key = api.service_key(caller, caller.launch)
        return _private(jsonify(idtoken(caller.launch, caller.tool, available=available, service_key=service_key)))

    @blueprint.post(SYNC_PATH)
    def sync() -> tuple[Response, int]:
        caller = caller_of_request()
        context, _ = _class_of(caller)
        if not caller.tool.visibility.sees_context(caller.tenant, context):
            raise _not_visible()
        _ask_for_sync(api, caller, context)
        return _private(jsonify(lastSynced=_last_synced(api, caller.tenant, context))), 202

    return blueprint


def _class_of(caller: LaunchCaller) -> tuple[ContextKey, SourcedId]:
    if caller.context is None:
        raise UnknownObject("this launch comes from no context, so it has no memberships")
    return caller.context, class_sourced_id(caller.tenant, caller.context)


def _class_members(api: ToolApi, caller: LaunchCaller, context: ContextKey, class_id: SourcedId) -> ClassMembers:
    if not caller.tool.visibility.sees_context(caller.tenant, context):
        raise _not_visible()
    try:
        return api.memberships().of_class(class_id, caller.tool.visibility)
    except UnknownObject as error:
        raise UnknownObject("nothing is known of this context's members yet: ask again in a moment") from error


def _not_visible() -> Forbidden:
    return Forbidden("this tool may not see the class of this launch: its operator limits what it sees")


def _member_json(api: ToolApi, caller: LaunchCaller, members: ClassMembers, member: Member) -> dict[str, Any]:
    told = caller.tool.privacy.of(member.membership)
    by_sourced_id = caller.tool.user_ids is UserIds.SOURCED_ID
    user_id = members.sourced_id_of(member) if by_sourced_id else told.user_id
    fields = {name: getattr(told, name) for name in _FIELDS}
    common = {"roles": list(told.roles), "status": told.status or MemberStatus.ACTIVE}
    if caller.older:
        return {"user_id": user_id, **common, **_some(**fields, lis_person_sourcedid=told.person_sourced_id)}
    renamed = {_FIELDS[name]: value for name, value in fields.items()}
    return {"userId": user_id, **common, **_some(**renamed, lisPersonSourcedid=told.person_sourced_id)}


def _walk(api: ToolApi, caller: LaunchCaller) -> Walk:
    """What is asked for. A ``url`` makes every other parameter be ignored."""
    if (url := request.args.get("url")) is not None:
        cursors = parse_qs(urlsplit(url).query).get("cursor", [])
        if not url.startswith(f"{api.rules.public_url}{MEMBERSHIPS_PATH}?") or len(cursors) != 1:
            raise InvalidRequest("url", "must be the 'next' of an earlier answer, as it was given")
        return _read_cursor(api, caller, "url", cursors[0])
    if (cursor := request.args.get("cursor")) is not None:
        return _read_cursor(api, caller, "cursor", cursor)
    _check_link(api, caller)
    return Walk(after=0, limit=_limit(api.max_page), role=request.args.get("role") or None)


def _limit(most: int) -> int:
    text = request.args.get("limit")
    if text is None:
        return most
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1):
        raise InvalidRequest("limit", "must be a whole number from 1")
    return min(int(text[:9]), most)


def _check_link(api: ToolApi, caller: LaunchCaller) -> None:
    """Let a resource link pass that this tool was launched through; everybody in the context may open it.

    The older interface has ``true`` for the launch's own.
    """
    link = request.args.get("resourceLinkId")
    if not link or link.lower() in {"true", "false"} or link == caller.resource_link:
        return
    assert caller.context is not None, "it has a class"
    if not api.registry().service_keys.knows_link(caller.tool.client_id, caller.tenant, caller.context, link):
        raise InvalidRequest("resourceLinkId", "this tool was never launched through that resource link")


def _binding(caller: LaunchCaller) -> str:
    # A change of what the tool may see or is told voids its places.
    return f"ltiaas {caller.tool.client_id} {caller.tool.version} {caller.tenant} {caller.context}"


def _cursor(api: ToolApi, caller: LaunchCaller, walk: Walk) -> str:
    return api.seals().seal(msgspec.json.encode(walk), _binding(caller))


def _read_cursor(api: ToolApi, caller: LaunchCaller, parameter: str, cursor: str) -> Walk:
    try:
        return msgspec.json.decode(api.seals().open(cursor, _binding(caller)), type=Walk)
    except ValueError as error:
        raise InvalidRequest(
            parameter, "is not the 'next' of an earlier answer for this launch context: begin again without it"
        ) from error


def _ask_for_sync(api: ToolApi, caller: LaunchCaller, context: ContextKey) -> None:
    registry, now, tenant = api.registry(), api.clock(), caller.tenant
    if not registry.contexts.is_known(tenant, context):
        raise UnknownObject("the bridge cannot read this context's roster: it knows it from launches alone")
    registered = registry.contexts.get(tenant, context)
    if registry.pauses.covers(registered.platform_id, tenant, context):
        raise Busy("the operator has paused the reading of this roster", retry_after=_PAUSED)
    attempt = Attempts(api.mirror()).of(tenant, context)
    again = now if attempt is None else max(attempt.started + SYNC_PAUSE, attempt.not_before or now)
    if again > now:
        wait = int((again - now).total_seconds()) + 1
        raise Busy(f"this roster was read a moment ago: ask again in {wait} s", retry_after=wait)
    registry.orders.sync(registered, f"tool {caller.tool.client_id}")


def _last_synced(api: ToolApi, tenant: str, context: ContextKey) -> str | None:
    """When the latest reading began that left the mirror agreeing with the platform; ``None`` if there was none."""
    attempt = Attempts(api.mirror()).of(tenant, context)
    return None if attempt is None or attempt.good is None else to_stamp(attempt.good)


def _some(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Authorization"
    return response


def _refusal(error: RequestError) -> Response:
    """The bridge's own shape of error, with what LTIAAS's clients look for beside it."""
    response = problem(error)
    body: Mapping[str, Any] = msgspec.json.decode(response.get_data())
    kind = "service" if request.headers.get("Authorization", "").lower().startswith("service") else "ltik"
    code = _CODES[kind] if isinstance(error, Unauthorised) else body["error"].upper().replace(" ", "_")
    details = {"message": code, "description": body["detail"]}
    response.set_data(msgspec.json.encode({**body, "status": response.status_code, "details": details}))
    return response
