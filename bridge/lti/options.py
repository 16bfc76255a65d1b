"""What an operator can set for one platform, over its vendor profile and the configuration."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from bridge.errors import InvalidRequest
from bridge.lti.rules import LearnDeployments

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def _flag(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise ValueError("must be a whole number from 0 to 999999")
    return int(text)


def _role_mapping(text: str) -> str:
    if text not in {"compat", "ext"}:
        raise ValueError("must be compat or ext")
    return text


def _learn_deployments(text: str) -> str:
    try:
        return LearnDeployments(text).value
    except ValueError:
        raise ValueError(f"must be one of {', '.join(LearnDeployments)}") from None


OPTIONS: dict[str, Callable[[str], Any]] = {
    # the vendor profile's
    "escaped_names": _flag,
    "complete_rosters": _flag,
    "contexts_by_deployment": _flag,
    "page_limit": _count,
    # launches'
    "learn_deployments": _learn_deployments,
    # the configuration's
    "role_mapping": _role_mapping,
    "role_table": str,
    "trust_admin_roles": _flag,
    "keep_test_users": _flag,
    "school_name": str,
    "school_identifier": str,
}
"""Each option's name and how its text is read."""


def parse_options(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``name=value`` texts.

    :raises InvalidRequest: for a name that is no option, or a value that it cannot have.
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or name not in OPTIONS:
            raise InvalidRequest("option", f"{text!r} is not NAME=VALUE with NAME one of {', '.join(OPTIONS)}")
        try:
            options[name] = OPTIONS[name](value)
        except ValueError as error:
            raise InvalidRequest("option", f"{name} {error}") from error
    return options
