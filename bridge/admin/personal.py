"""Personal data is masked until somebody asks for it, page by page; that she did is recorded.

What is shown of a member without asking is what tells nobody who she is: her roles, her status, and how she is
enrolled. Everything else, properties that nobody has heard of included, is masked.
"""

from typing import Any

from flask import abort, request
from flask_login import current_user

from bridge.admin.accounts import signed_in
from bridge.wiring import Wiring

PARAMETER = "personal"
_SHOWN = frozenset({"roles", "status"})
_CONTEXT = frozenset({"id", "label", "title"})


def asked_for(wiring: Wiring, subject: str) -> bool:
    """Whether personal data is to be shown in this answer; if it is, that is recorded. To some accounts it is refused.

    :param subject: what the page is about, for the record: an id or a number, never a name.
    """
    if request.values.get(PARAMETER) != "yes":
        return False
    if not current_user.operator.unmasks:
        abort(403, "Your account is not shown personal data.")
    wiring.registry.activity.add(signed_in(), "looked at personal data of", subject)
    return True


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
    return {name: value if name in _SHOWN else masked(value) for name, value in member.items()}


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
