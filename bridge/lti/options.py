"""What an operator can set for one platform, over its vendor profile and the configuration."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from bridge.errors import InvalidRequest
from bridge.lti.rules import LearnDeployments
from bridge.roster.roles import RoleMapping, RoleTable

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


def _positive(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise ValueError("must be a whole number from 1 to 999999")
    return int(text)


def _one_of(words: type[StrEnum]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in list(words):
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return read


def _role_table(text: str) -> str:
    path = Path(text).absolute()  # the scheduler may run in another folder
    RoleTable.load(path)
    return str(path)


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


OPTIONS: dict[str, Callable[[str], Any]] = {
    # the vendor profile's
    "escaped_names": _flag,
    "complete_rosters": _flag,
    "contexts_by_deployment": _flag,
    "people_by_deployment": _flag,
    "page_limit": _count,
    "differences": _flag,
    "renew_on_403": _flag,
    "token_audience": _name,
    "merge_launch_roles": _flag,
    # launches'
    "learn_deployments": _one_of(LearnDeployments),
    # the configuration's
    "role_mapping": _one_of(RoleMapping),
    "role_table": _role_table,
    "trust_admin_roles": _flag,
    "keep_test_users": _flag,
    "school_name": _name,
    "school_identifier": _name,
    "freshness_hours": _positive,
    "concurrency": _positive,
    "requests_per_minute": _positive,
}
"""Each option's name and how its text is read."""


def parse_options(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``name=value`` texts.

    :raises InvalidRequest: for a name that is no option, or a value that it cannot have.
    :raises ConfigError: listing every problem of a role table that is named.
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InvalidRequest("option", f"{text!r} is not NAME=VALUE")
        options[name] = _read(name, value)
    return options


def change_options(present: Mapping[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """Options as they are after some were set, by ``name=value``, or taken back, by ``name=`` alone.

    :raises: as :func:`parse_options`.
    """
    changed = dict(present)
    for text in texts:
        name, separator, value = text.partition("=")
        if separator and not value:
            _check_name(name)
            changed.pop(name, None)
        else:
            changed |= parse_options([text])
    return changed


def check_options(options: Mapping[str, Any]) -> None:
    """Let options pass that :func:`parse_options` could have read: they may have been stored by other means.

    A role table is not looked at: it is read anew whenever it is used.

    :raises InvalidRequest: for a name that is no option, or a value that it cannot have.
    """
    for name, value in options.items():
        if not isinstance(value, str | int):
            raise InvalidRequest("option", f"{name} must be text, a number, or true or false")
        if name == "role_table" and isinstance(value, str):
            continue
        read = _read(name, str(value))
        if type(read) is not type(value):
            raise InvalidRequest("option", f"{name} must be {read!r}, not {value!r}")


def _read(name: str, text: str) -> Any:
    _check_name(name)
    try:
        return OPTIONS[name](text)
    except ValueError as error:
        raise InvalidRequest("option", f"{name} {error}") from error


def _check_name(name: str) -> None:
    if name not in OPTIONS:
        close = get_close_matches(name, OPTIONS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"they are {', '.join(OPTIONS)}"
        raise InvalidRequest("option", f"{name!r} is not an option of a platform; {hint}")
