"""The OneRoster ``filter`` parameter: text in, a checked condition out.

::

    status='active' AND (familyName~'son' OR roles.role='teacher')

This module knows the grammar and nothing else. What a condition means is written in :mod:`bridge.roster.query`;
:mod:`bridge.mirror.query_sql` turns it into SQL. It imports no framework and no storage.

Spec: OneRoster 1.2 Rostering REST binding, "Filtering". The standard asks for one comparison, or two joined by AND or
OR; what is understood beyond that, and why, is in ``docs/decisions/0002-filter-grammar.md``.
"""

import difflib
import re
from dataclasses import dataclass

from bridge.errors import InvalidFilter
from bridge.roster.instants import parse_instant
from bridge.roster.model import Collection, Path, Shape
from bridge.roster.query import And, Comparison, Condition, Or, Predicate

MAX_LENGTH = 8_192
"""Characters."""
MAX_COMPARISONS = 200
MAX_DEPTH = 50
"""Parentheses inside one another."""

_IMPOSSIBLE = re.compile(r"[\0\ud800-\udfff]")
_BLANKS = re.compile(r"[ \t\r\n]*")
_FIELD = re.compile(r"[^ \t\r\n'\"()=!<>~]+")
_PREDICATE = re.compile(r"!=|>=|<=|[=<>~]")
_LOGICAL = re.compile(r"(AND|OR)(?=[ \t\r\n(]|\Z)", re.IGNORECASE | re.ASCII)
_BARE_VALUE = re.compile(r"[^ \t\r\n'\"()]+")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?|true|false")


def parse_filter(text: str, collection: Collection) -> Condition:
    """Read a ``filter`` value that has already been percent-decoded.

    >>> from bridge.roster.model import USERS
    >>> parse_filter("familyName='O''Neil'", USERS)
    Comparison(field='familyName', predicate=<Predicate.EQUAL: '='>, value="O'Neil")

    An unknown field is refused, not skipped: a skipped comparison would answer with more people than were asked for.
    It takes time in proportion to the length of the text.

    :raises InvalidFilter: if the text is outside the grammar or the limits above, names a field that the class does
        not have, or compares a date with something that is none.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"is longer than {MAX_LENGTH} characters")
    if _IMPOSSIBLE.search(text):
        raise InvalidFilter("holds a character that no record can hold")
    return _Reader(text, collection).read()


@dataclass(slots=True)
class _Reader:
    """One pass over the text; ``at`` is the next character to be read."""

    text: str
    collection: Collection
    at: int = 0
    comparisons: int = 0

    def read(self) -> Condition:
        condition = self._alternatives(0)
        if self.at < len(self.text):
            raise self._refusal("closes a parenthesis that is not open")
        return condition

    def _alternatives(self, depth: int) -> Condition:
        """Comparisons joined by AND and OR, up to the end or a closing parenthesis; AND binds tighter."""
        alternatives: list[Condition] = []
        terms = [self._term(depth)]
        while (logical := self._logical()) is not None:
            if logical == "OR":
                alternatives.append(_all_of(terms))
                terms = []
            terms.append(self._term(depth))
        return _any_of([*alternatives, _all_of(terms)])

    def _logical(self) -> str | None:
        self._skip_blanks()
        if self.at == len(self.text) or self.text[self.at] == ")":
            return None
        match = _LOGICAL.match(self.text, self.at)
        if match is None:
            raise self._refusal("needs AND or OR between two comparisons, and a quote inside a value to be doubled")
        self.at = match.end()
        return match[1].upper()

    def _term(self, depth: int) -> Condition:
        self._skip_blanks()
        if not self.text.startswith("(", self.at):
            return self._comparison()
        if depth == MAX_DEPTH:
            raise self._refusal(f"has more than {MAX_DEPTH} parentheses inside one another")
        self.at += 1
        condition = self._alternatives(depth + 1)
        if not self.text.startswith(")", self.at):
            raise self._refusal("leaves a parenthesis open")
        self.at += 1
        return condition

    def _comparison(self) -> Comparison:
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise self._refusal(f"has more than {MAX_COMPARISONS} comparisons")
        field = _FIELD.match(self.text, self.at)
        if field is None:
            raise self._refusal("needs a field name, as in status='active'")
        path = self._known(field[0])
        self.at = field.end()
        self._skip_blanks()
        predicate = _PREDICATE.match(self.text, self.at)
        if predicate is None:
            raise self._refusal("needs one of = != > >= < <= ~ after the field")
        self.at = predicate.end()
        self._skip_blanks()
        value = self._quoted() if self.text.startswith("'", self.at) else self._bare()
        comparison = Comparison(field[0], Predicate(predicate[0]), value)
        _check_dates(path, comparison)
        return comparison

    def _known(self, name: str) -> Path:
        path = self.collection.path(name)
        if path is None:
            if self.collection.hides(name):
                raise InvalidFilter(self.collection.why_not(name))
            known = self.collection.by_name
            # What is most often meant: a reference by its bare name, or a field inside a list by its own.
            meant = [each for each in known if each == f"{name}.sourcedId" or each.endswith(f".{name}")]
            near = meant or (difflib.get_close_matches(name, known, n=1) if len(name) <= 64 else [])
            hint = f"did you mean {near[0]}?" if near else f"its fields begin with {', '.join(list(known)[:5])}"
            raise InvalidFilter(f"{self.collection.why_not(name)}; {hint}")
        return path

    def _quoted(self) -> str:
        """A value in quotes.

        A doubled quote stands for one. So does a quote right before a letter or digit, as in O'Brien, unless AND or OR
        begins there. Every other quote ends the value.
        """
        parts = []
        start = self.at + 1
        while (quote := self.text.find("'", start)) >= 0:
            parts.append(self.text[start:quote])
            if self.text.startswith("''", quote):
                start = quote + 2
            elif self.text[quote + 1 : quote + 2].isalnum() and not _LOGICAL.match(self.text, quote + 1):
                start = quote + 1
            else:
                self.at = quote + 1
                return "".join(parts)
            parts.append("'")
        raise self._refusal("has a value whose closing quote is missing")

    def _bare(self) -> str:
        match = _BARE_VALUE.match(self.text, self.at)
        if match is None or not (_PLAIN.fullmatch(match[0]) or _is_instant(match[0])):
            raise self._refusal("needs the value in single quotes, as in status='active'")
        self.at = match.end()
        return match[0]

    def _skip_blanks(self) -> None:
        match = _BLANKS.match(self.text, self.at)
        assert match is not None  # it matches nothing, too
        self.at = match.end()

    def _refusal(self, reason: str) -> InvalidFilter:
        return InvalidFilter(f"{reason} (at character {self.at + 1})")


def _all_of(terms: list[Condition]) -> Condition:
    """Every term holds; an AND inside an AND is one AND."""
    flat: list[Condition] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, And) else [term])
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def _any_of(terms: list[Condition]) -> Condition:
    flat: list[Condition] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Or) else [term])
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _check_dates(path: Path, comparison: Comparison) -> None:
    if path.shape is Shape.TEXT or comparison.predicate is Predicate.CONTAINS:
        return
    names_a_set = path.many and comparison.predicate in (Predicate.EQUAL, Predicate.NOT_EQUAL)
    for value in comparison.value.split(",") if names_a_set else [comparison.value]:
        if not _is_instant(value):
            raise InvalidFilter(
                f"{path.name} is compared with something that is no date;"
                " write '2026-11-20' or '2026-11-20T21:05:09.123Z'"
            )


def _is_instant(text: str) -> bool:
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True
