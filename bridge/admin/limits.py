"""What an operator sees on the pages: each request is looked at here, before its page is made.

A page is about one source, which she must see; or it lists what she sees; or it is of the whole bridge, and for whoever
sees all of it. A page that is named in none of these ways is of the last kind, so that a new one shows nobody anything.
What is of sources that she does not see answers as what is not there.
"""

from collections.abc import Mapping
from typing import Any

from flask import Flask, abort, request
from flask_login import current_user

from bridge.errors import UnknownObject
from bridge.mirror.runs import Runs
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring

FOR_ALL = frozenset({"accounts.sign_in", "accounts.sign_out", "personal.choose", "static", "bootstrap.static"})
OF_WHAT_IS_SEEN = frozenset(
    {
        "dashboard.show",
        "plans.show_all",
        "plans.decide",
        "runs.show_all",
        "quality.show",
        "quality.answer",
    }
)
"""The pages that keep to :func:`seen` themselves."""
LETS_OTHERS_READ = frozenset(
    {"clients.add", "clients.limit", "clients.rotate", "tools.add", "tools.limit", "tools.rotate"}
)
"""The pages that say who is told of people, or give the means: not for accounts that are shown no personal data, which
would read it as a consumer of their own."""


def seen() -> Visibility:
    """What whoever is signed in may see."""
    visibility: Visibility = current_user.operator.visibility
    return visibility


def sees(source: str) -> bool:
    """Whether whoever is signed in may see what is of a source."""
    sources = seen().sources
    return sources is None or source in sources


def keep(app: Flask, wiring: Wiring) -> None:
    """Look at every request of somebody who is signed in."""

    app.jinja_env.globals["sees_page"] = lambda endpoint: seen().sources is None or endpoint in OF_WHAT_IS_SEEN

    @app.before_request
    def look() -> None:
        if request.endpoint is None or request.endpoint in FOR_ALL | OF_WHAT_IS_SEEN:
            return
        if request.endpoint in LETS_OTHERS_READ and not current_user.operator.unmasks:
            abort(403, "Your account is not shown personal data, so it decides about nobody else who is.")
        if seen().sources is None:
            return
        arguments = request.view_args or {}
        if not arguments.keys() & _ABOUT:
            abort(403, "This page is of the whole bridge: your account is limited to some of its sources.")
        source = _source_of(wiring, arguments)
        if source is None or not sees(source):
            raise UnknownObject("there is no such thing, or your account does not see its source")


_ABOUT = {"tenant", "name", "platform_id", "run_id"}
"""What names a source in addresses, or something that is of one."""


def _source_of(wiring: Wiring, arguments: Mapping[str, Any]) -> str | None:
    match arguments:
        case {"tenant": str(source)} | {"name": str(source)}:
            return source
        case {"platform_id": int(number)}:
            try:
                return wiring.registry.platforms.by_id(number).tenant
            except UnknownObject:
                return None
        case {"run_id": int(number)}:
            run = Runs(wiring.mirror_to_read, wiring.clock).get(number)
            return None if run is None else run.source
    return None
