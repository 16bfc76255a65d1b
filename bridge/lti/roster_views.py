"""What a launch page goes on with: how it stands with the roster, and having it read now.

Each request carries the page's token (:mod:`bridge.lti.page_tokens`) and nothing else: no cookie is looked at, so
nothing can be done in somebody's name by a page that has no token.
"""

import structlog
from flask import Blueprint, Response, jsonify, request

from bridge.errors import LaunchRefused, UnknownObject
from bridge.lti.page_tokens import PageGrant
from bridge.lti.pages import page
from bridge.lti.roster_state import RosterState, roster_state, sync_payload
from bridge.lti.rules import ROSTER_PATH
from bridge.lti.tool import LtiTool
from bridge.roster.identity import class_sourced_id

_MAX_FORM = 16 * 1024

_log = structlog.get_logger(__name__)


def add_roster_routes(blueprint: Blueprint, tool: LtiTool) -> None:
    """Add ``/lti/roster``: JSON for the page's script, and a page for those without one."""

    def state_of(grant: PageGrant) -> RosterState:
        return roster_state(
            tool.registry(),
            tool.mirror(),
            tool.clock,
            grant.tenant,
            grant.context,
            scheduler_runs=tool.scheduler_runs(),
        )

    @blueprint.get(ROSTER_PATH)
    def show() -> tuple[Response, int]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            grant = tool.page_tokens().read(token if scheme.lower() == "bearer" else "")
        except LaunchRefused as refusal:
            return _not_stored(jsonify(error=refusal.check, detail=str(refusal))), 401
        state = state_of(grant)
        return _not_stored(jsonify(people=state.people, outcome=state.outcome, read=state.read, busy=state.busy)), 200

    @blueprint.post(ROSTER_PATH)
    def act() -> Response:
        request.max_content_length = request.max_form_memory_size = _MAX_FORM
        token = request.form.get("token", "")
        grant = tool.page_tokens().read(token)
        try:
            context = tool.registry().contexts.get(grant.tenant, grant.context)
        except UnknownObject as error:
            raise LaunchRefused("page", "the course's roster is read no more: open the tool again from it") from error
        if request.form.get("action") == "sync":
            if not grant.may_sync:
                raise LaunchRefused("role", "only a teacher of the course can have its roster read")
            if not state_of(grant).busy:  # one reading at a time, however often the button is pressed
                tool.registry().inbox.put("sync", sync_payload(grant.tenant, grant.context))
                _log.info("sync_asked_for", class_=class_sourced_id(grant.tenant, grant.context))
        return page(
            "lti/course.html",
            tool.rules,
            "roster.js",
            title=context.title or context.label or context.context_id,
            token=token,
            may_sync=grant.may_sync,
            state=state_of(grant),
        )


def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
