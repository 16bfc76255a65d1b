"""The file format of role tables: TOML in, checked rows out.

A table says for each LTI role what it is in OneRoster; the default one, ``role_table.toml`` beside this module,
documents the keys. Every pattern is resolved here against the closed vocabulary, so that a lookup is never a search,
and every mistake in a file is found in one reading.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bridge.roster.vocabulary import VOCABULARY, Role, Scope, parse_role, trim

ENROLLMENT_ROLES = ("administrator", "proctor", "student", "teacher")
"""OneRoster 1.2, Enrollment.role."""

ADMIN_USER_ROLES = ("systemAdministrator", "siteAdministrator", "districtAdministrator")
"""The user roles that give rights over others: only a platform that is trusted with them can grant these."""

USER_ROLES = (
    "teacher",
    "principal",
    *reversed(ADMIN_USER_ROLES),
    "counselor",
    "proctor",
    "aide",
    "student",
    "guardian",
    "parent",
    "relative",
)
"""OneRoster 1.2, Role.role, in the order in which one is preferred as a person's primary role."""

_EXTENSION = re.compile(r"ext:[a-zA-Z0-9.\-_]+")
_LAST_RANK = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one LTI role is in OneRoster; the keys are those of the file."""

    rank: int = _LAST_RANK
    enrollment: str | None = None
    ext_enrollment: str | None = None
    primary: bool = False
    user_role: str | None = None
    ext_user_role: str | None = None
    trusted_user_role: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """A file's rows, its patterns resolved.

    :param extra: rows for texts outside the vocabulary, by :func:`extra_key`.
    """

    roles: Mapping[Role, Row]
    extra: Mapping[str, Row]


def extra_key(text: str) -> str:
    """What a text outside the vocabulary is looked up by: neither case nor surrounding blanks count."""
    return trim(text).lower()


def parse_rows(text: str) -> tuple[Rows, list[str]]:
    """Read a role table.

    :returns: the rows that are right, and every problem with the others.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Rows({}, {}), [f"not valid TOML: {error}"]
    reader = _Reader()
    return reader.read(document), reader.problems


class _Reader:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def read(self, document: dict[str, Any]) -> Rows:
        roles: dict[Role, Row] = {}
        extra: dict[str, Row] = {}
        for section, table in document.items():
            where = f"[{section}]"
            if not isinstance(table, dict):
                self.problems.append(f"{section}: belongs in a section; the sections are {', '.join(_SECTIONS)}")
            elif section == "extra":
                extra |= {extra_key(key): row for key, row in self._rows(where, table) if self._is_extra(where, key)}
            elif section in _SECTIONS:
                scope = Scope(section)
                # The more specific of two patterns in one file wins, wherever it stands.
                for pattern, row in sorted(self._rows(where, table, scope), key=_specificity):
                    roles |= dict.fromkeys(self._matching(where, scope, pattern), row)
            else:
                self.problems.append(f"{where}: unknown section{_did_you_mean(section, _SECTIONS)}")
        return Rows(roles, extra)

    def _rows(self, where: str, table: dict[str, Any], scope: Scope | None = None) -> Iterator[tuple[str, Row]]:
        for key, values in table.items():
            if not isinstance(values, dict):
                self.problems.append(f'{where} "{key}": must be a table such as {{ user_role = "student" }}')
                continue
            problems = list(_problems_of(values, scope))
            self.problems += [f'{where} "{key}": {problem}' for problem in problems]
            if not problems:
                yield key, Row(**values)

    def _matching(self, where: str, scope: Scope, pattern: str) -> list[Role]:
        names = {role.name: role for role in VOCABULARY if role.scope is scope}
        if pattern.endswith("*"):
            matching = [role for name, role in names.items() if name.startswith(pattern[:-1])]
        else:
            matching = [names[pattern]] if pattern in names else []
        if not matching:
            self.problems.append(f'{where} "{pattern}": no such {scope} role{_did_you_mean(pattern, list(names))}')
        return matching

    def _is_extra(self, where: str, key: str) -> bool:
        role = parse_role(key)
        if role is None:
            return True
        self.problems.append(f'{where} "{key}": is in the vocabulary; write it as [{role.scope}] "{role.name}"')
        return False


_SECTIONS = ("context", "institution", "system", "extra")


def _specificity(row: tuple[str, Row]) -> tuple[bool, int]:
    pattern, _ = row
    return not pattern.endswith("*"), len(pattern)


def _problems_of(values: dict[str, Any], scope: Scope | None) -> Iterator[str]:
    """What is wrong with one row."""
    for key, value in values.items():
        match key:
            case "rank":
                if type(value) is not int or not 0 <= value <= _LAST_RANK:
                    yield f"rank must be a number from 0 to {_LAST_RANK}"
            case "primary":
                if type(value) is not bool:
                    yield "primary must be true or false"
                elif value and values.get("enrollment") != "teacher":
                    yield 'primary needs enrollment = "teacher"'
            case "enrollment":
                if value not in ENROLLMENT_ROLES:
                    yield f"enrollment must be one of {', '.join(ENROLLMENT_ROLES)}; an ext: role is an ext_enrollment"
            case "ext_enrollment":
                if not _is_role(value, ENROLLMENT_ROLES):
                    yield f"ext_enrollment must be one of {', '.join(ENROLLMENT_ROLES)}, or ext: and a name"
            case "user_role" | "ext_user_role":
                if value in ADMIN_USER_ROLES:
                    yield f"{key} must not be {value}, which is for trusted platforms; write it as trusted_user_role"
                elif not _is_role(value, USER_ROLES):
                    yield f"{key} must be one of {', '.join(USER_ROLES)}, or ext: and a name"
            case "trusted_user_role":
                if not _is_role(value, USER_ROLES):
                    yield f"{key} must be one of {', '.join(USER_ROLES)}, or ext: and a name"
            case _:
                yield f"unknown key {key}{_did_you_mean(key, list(Row.__dataclass_fields__))}"
    if "enrollment" in values or "ext_enrollment" in values:
        if scope is Scope.SYSTEM:
            yield "a system role decides no enrollment"
        elif "rank" not in values:
            yield "an enrollment needs a rank"


def _is_role(value: object, roles: tuple[str, ...]) -> bool:
    return isinstance(value, str) and (value in roles or _EXTENSION.fullmatch(value) is not None)


def _did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}" if len(known) < 10 else ""
