"""Personal data is masked until somebody asks for it, page by page and for a while; each look is recorded.

That it was asked for stands in the session, and in no address: a link that somebody sends shows nobody.

What is shown of a member without asking is what tells nobody who she is: her roles, her status, and how she is
enrolled. Everything else, properties that nobody has heard of included, is masked.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Blueprint, abort, redirect, request, session
from flask_login import current_user
from werkzeug.wrappers import Response

from bridge.admin.accounts import signed_in
from bridge.admin.addresses import own_path
from bridge.clock import from_stamp, to_stamp
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

_SHOWN_ON = "personal"
_SHOWN_FOR = timedelta(minutes=15)
_SHOWN = frozenset({"roles", "status"})
_CONTEXT = frozenset({"id", "label", "title"})


def pages(wiring: Wiring) -> Blueprint:
    """``/personal``: have it shown on one page, the last that was chosen, or masked again."""
    blueprint = Blueprint("personal", __name__)
    blueprint.add_app_template_global(may_unmask)

    @blueprint.post("/personal")
    def choose() -> Response:
        page = request.form.get("page", "/")
        if request.form.get("show") == "yes":
            _check_allowed()
            session[_SHOWN_ON] = [page.partition("?")[0], to_stamp(wiring.clock() + _SHOWN_FOR)]
        else:
            session.pop(_SHOWN_ON, None)
        return redirect(own_path(page))

    return blueprint


def is_shown(wiring: Wiring, subject: str) -> bool:
    """Whether this page is to show personal data; if it is, that is recorded.

    :param subject: what the page is about, for the record: an id or a number, never a name.
    """
    chosen = session.get(_SHOWN_ON)
    if not chosen or chosen[0] != request.path or _is_over(chosen[1], wiring.clock()):
        return False
    if not may_unmask():
        return False  # she was not always limited so
    record_look(wiring, subject)
    return True


def record_look(wiring: Wiring, subject: str) -> None:
    """Record that whoever is signed in is shown personal data. To some accounts it is refused.

    :param subject: as in :func:`is_shown`.
    """
    _check_allowed()
    wiring.registry.activity.add(signed_in(), "looked at personal data of", subject)
    log.info("personal_data_shown", operator=current_user.operator.id, subject=subject)


def may_unmask() -> bool:
    """Whether whoever is signed in may be shown personal data."""
    unmasks: bool = current_user.operator.unmasks
    return unmasks


def _check_allowed() -> None:
    if not may_unmask():
        abort(403, "Your account is not shown personal data.")


def _is_over(until: str, now: datetime) -> bool:
    return from_stamp(until) <= now


def mask(text: str) -> str:
    """A text of which only the length is told.

    >>> mask("ada@example.org")
    '•••• (15 characters)'
    """
    return f"•••• ({len(text)} character{'s' * (len(text) != 1)})"


def masked(value: Any) -> Any:
    """A JSON value with every text and number in it masked, its shape kept."""
    match value:
        case dict():
            return {key: masked(inner) for key, inner in value.items()}
        case list():
            return [masked(each) for each in value]
        case str():
            return mask(value)
        case bool() | None:
            return value
        case _:
            return "••••"


def masked_member(member: Any) -> Any:
    """One member of a membership container, masked but for what tells nobody who she is."""
    if not isinstance(member, dict):
        return masked(member)
    return {name: value if name in _SHOWN and _is_plain(value) else masked(value) for name, value in member.items()}


def _is_plain(value: Any) -> bool:
    """Whether it is a text or a list of texts, as roles and a status are."""
    return all(isinstance(each, str) for each in (value if isinstance(value, list) else [value]))


def masked_container(container: Any) -> Any:
    """A membership container: the context is shown, the members are masked, and so is what is not expected there."""
    if not isinstance(container, dict):
        return masked(container)
    shown: dict[str, Any] = {}
    for name, value in container.items():
        match name, value:
            case "id" | "@context" | "@type", str():
                shown[name] = value
            case "context", dict():
                shown[name] = {key: inner if key in _CONTEXT else masked(inner) for key, inner in value.items()}
            case "members", list():
                shown[name] = [masked_member(member) for member in value]
            case _:
                shown[name] = masked(value)
    return shown
