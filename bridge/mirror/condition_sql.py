"""Conditions as SQLite evaluates them, on a row ``r`` of a collection's table.

What a condition means is written in :mod:`bridge.roster.query`. Every value is bound; the names that stand in the SQL
are the model's own. A term is true, false or NULL, and NULL counts as false: nothing but ``!=`` negates, and it says
itself what becomes of a missing value.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NamedTuple

from bridge.mirror.writes import last_write
from bridge.roster.instants import floor_to_date, floor_to_stamp, parse_instant
from bridge.roster.model import Collection, Path, Shape
from bridge.roster.query import Among, And, Comparison, Condition, Or, Predicate, Sort

Parameter = str | int | bytes


class Hole(Enum):
    """A parameter that is bound when the statement is run."""

    LIMIT = auto()
    OFFSET = auto()
    BOTH = auto()
    SEQ = auto()
    KEY = auto()


class Term(NamedTuple):
    """A piece of SQL, what is bound to it, and how deep terms are nested in it."""

    sql: str
    parameters: tuple[Parameter | Hole, ...] = ()
    depth: int = 0


ALWAYS = Term("TRUE")
NEVER = Term("FALSE")

FACET_FIELD = (
    "(SELECT facet_fields.field FROM facet_fields WHERE facet_fields.collection = ? AND facet_fields.path = ?)"
)

ANY_SOURCE = Term("SELECT sources.id FROM sources")
"""The numbers of all sources: where whoever asks may see everything."""

MISSING = "x''"
"""What a record without a field is ordered by: SQLite puts a BLOB, even an empty one, behind every text."""

ORDERED = {
    "orgs": ("name", "type"),
    "academicSessions": ("type", "startDate", "endDate"),
    "courses": ("title",),
    "classes": ("title", "classType", "course.sourcedId", "school.sourcedId"),
    "users": ("familyName", "givenName", "email", "username", "identifier"),
    "enrollments": ("role", "beginDate", "endDate", "user.sourcedId", "class.sourcedId", "school.sourcedId"),
}
"""The fields by which records are held in order, beside ``sourcedId``, ``status`` and ``dateLastModified``.

Each has an index ``<collection>_by_<field>`` of (key, ``seq``, ``source``): it gives the records in the order of the
field, leads to those with one value in the order of ``seq``, and tells whose they are without looking at them.
"""

_HELD_TOGETHER = {("enrollments", "class.sourcedId"): ("enrollments_in_class", ("role", "status"))}
"""Indexes of (``source``, a reference, further fields, and what the records refer to): whom a class has is found there,
without looking at these records, or at what other sources say."""

# Numbers keep their JSON text: through SQLite's own numbers 1e3 would come back as 1000.0.
_TEXT_OF_E = (
    "CASE WHEN e.type = 'text' THEN e.value WHEN e.type IN ('true', 'false') THEN e.type"
    " WHEN e.type IN ('integer', 'real') THEN r.document -> e.fullkey END"
)
# The key is compared as a value, not built into a JSON path, so dots in it are no steps.
_METADATA = f"(SELECT {_TEXT_OF_E} FROM json_each(r.document, '$.metadata') AS e WHERE e.key = ?)"
_STAMP = "(SELECT writes.stamp FROM writes WHERE writes.changed = r.changed)"


def path_of(collection: Collection, field: str) -> Path:
    """The path of that name.

    :raises LookupError: if the class has none: callers check names when they read them from a request.
    """
    path = collection.path(field) or next((each for each in collection.looked_up if each.name == field), None)
    if path is None:
        raise LookupError(f"{collection.name} have no field {field}")
    return path


def column(path: Path) -> Term:
    """The text of a path that holds at most one value; NULL if the record does not have it.

    A metadata key that JSON cannot write without an escape (a quote, a backslash, a control character) counts as
    missing: versions of SQLite differ on how to find one.
    """
    if path.name.startswith("metadata."):
        key = path.name.removeprefix("metadata.")
        return Term(_METADATA, (key,)) if _json(key) == f'"{key}"' else Term("NULL")
    return Term(f'r."{path.name}"')


def ordered_fields(collection: Collection) -> tuple[str, ...]:
    """The fields by which the mirror holds a collection in order: see :data:`ORDERED`."""
    return ("sourcedId", "status", *ORDERED.get(collection.name, ()))


def sort_key(collection: Collection, sort: Sort) -> Term:
    """What to order by: never NULL.

    :raises LookupError: if the field holds many values, or is none of the class.
    """
    path = path_of(collection, sort.field)
    if path.many:
        raise LookupError(f"{sort.field} holds many values: nothing to sort by")
    return Term("r.changed") if path.shape is Shape.INSTANT else _key(path)


def _key(path: Path) -> Term:
    found = column(path)
    return found if path.name == "sourcedId" else Term(f"coalesce({found.sql}, {MISSING})", found.parameters)


def looks_up_facet(path: Path, comparison: Comparison) -> bool:
    """Whether the comparison holds for the records that the facets list under its value."""
    return path.facet and comparison.predicate is Predicate.EQUAL and not _names_a_set(path, comparison)


@dataclass(frozen=True, slots=True)
class ConditionCompiler:
    """Turns the conditions of one query into terms.

    :param in_order: whether rows are wanted a few at a time in their order, rather than all of them. Kinds and statuses
        are few and common, so under OR they are then looked at row by row; references and other values are rare, so
        their rows are gathered from the index.
    :param row_given: whether something else leads to the rows already, so that each is only to be looked at.
    :param visible: gives what holds for every row of a collection that the caller may see.
    :param sources: gives the numbers of the sources that she may see: a SELECT, which facets are looked up by.
    """

    collection: Collection
    in_order: bool
    row_given: bool
    visible: Callable[[Collection], Sequence[Term]] = lambda _: ()
    sources: Term = ANY_SOURCE

    def compile(self, condition: Condition, *, under_or: bool = False) -> Term:
        match condition:
            case Comparison():
                return self._comparison(condition, under_or=under_or)
            case And():
                return all_of(self.compile(term, under_or=under_or) for term in condition.terms)
            case Or():
                return self._any_of(condition.terms)
            case Among():
                return self._among_referred(condition)

    def _among_referred(self, condition: Among) -> Term:
        """A look-up in another collection, whose rows are called ``r`` too: the inner name hides the outer one."""
        others = condition.collection
        path = path_of(others, condition.path)
        compiler = replace(self, collection=others, in_order=False, row_given=False)
        index, inner = self._held_together(others, condition.where) or ("", compiler.compile(condition.where))
        where = all_of([inner, *self.visible(others)])
        if not path.many:
            found = f'r.sourcedId IN (SELECT r."{path.name}" FROM "{others.name}" AS r{index} WHERE {where.sql})'
            return Term(found, where.parameters, 1 + where.depth)
        value, entries = _entries(path)
        held = f'SELECT {value.sql} FROM "{others.name}" AS r CROSS JOIN {entries.sql} WHERE {where.sql}'
        parameters = value.parameters + entries.parameters + where.parameters
        return Term(f"r.sourcedId IN ({held})", parameters, 1 + where.depth)

    def _held_together(self, others: Collection, where: Condition) -> tuple[str, Term] | None:
        """An index that finds all of these records by itself, and what to ask of it; ``None`` if there is none."""
        asked: dict[str, str] = {}
        for term in where.terms if isinstance(where, And) else (where,):
            if not isinstance(term, Comparison) or not _is_plain_equality(path_of(others, term.field), term):
                return None
            if asked.setdefault(term.field, term.value) != term.value:
                return None
        for (name, reference), (index, further) in _HELD_TOGETHER.items():
            if name == others.name and reference in asked and asked.keys() <= {reference, *further}:
                equal = [Term(f'r."{field}" = ?', (value,)) for field, value in asked.items()]
                return f" INDEXED BY {index}", all_of(
                    [*equal, Term(f"r.source IN ({self.sources.sql})", self.sources.parameters)]
                )
        return None

    def _any_of(self, conditions: Sequence[Condition]) -> Term:
        """Equalities on one field become one list: an OR of hundreds is too deep a tree for SQLite."""
        equalities: dict[Path, list[str]] = {}
        terms: list[Term] = []
        for condition in conditions:
            path = path_of(self.collection, condition.field) if isinstance(condition, Comparison) else None
            if path is not None and isinstance(condition, Comparison) and _is_plain_equality(path, condition):
                equalities.setdefault(path, []).append(condition.value)
            else:
                terms.append(self.compile(condition, under_or=True))
        terms.extend(self._equals_one_of(path, values, under_or=True) for path, values in equalities.items())
        return _joined("OR", terms) if terms else NEVER

    def _comparison(self, comparison: Comparison, *, under_or: bool) -> Term:
        path = path_of(self.collection, comparison.field)
        if path.shape is Shape.INSTANT:
            return _compare_change(comparison)
        if _is_plain_equality(path, comparison):
            return self._equals_one_of(path, [comparison.value], under_or=under_or)
        if path.many:
            return self._many(path, comparison)
        return _compare(column(path), path.shape, comparison)

    def _equals_one_of(self, path: Path, values: Sequence[str], *, under_or: bool) -> Term:
        common = path.name in ("status", self.collection.kind)
        if path.facet:
            return self._facet(path, values, gather=not self.row_given and not (self.in_order and common))
        found = _key(path) if path.name in ordered_fields(self.collection) else column(path)
        if common and (self.row_given or (under_or and self.in_order)):
            found = Term(f"+{found.sql}")  # the plus keeps SQLite from gathering by this column's index
        return _among(found, values)

    def _facet(self, path: Path, values: Sequence[str], *, gather: bool) -> Term:
        among = _among(Term("facets.value"), values)
        field = (self.collection.name, path.name)
        listed = f"FROM facets WHERE facets.field = {FACET_FIELD} AND {among.sql}"
        if gather:
            found = f"SELECT facets.seq {listed} AND facets.source IN ({self.sources.sql})"
            return Term(f"r.seq IN ({found})", (*field, *among.parameters, *self.sources.parameters))
        held = f"SELECT 1 {listed} AND facets.source = r.source AND facets.seq = r.seq"
        return Term(f"EXISTS ({held})", (*field, *among.parameters))

    def _many(self, path: Path, comparison: Comparison) -> Term:
        """A comparison with the values of a list."""
        if comparison.predicate is Predicate.NOT_EQUAL:
            equal = self._comparison(replace(comparison, predicate=Predicate.EQUAL), under_or=True)
            return Term(f"NOT ({equal.sql})", equal.parameters)
        values = _values(path)
        if not _names_a_set(path, comparison):
            held = _compare(Term("v"), path.shape, comparison)
        elif comparison.predicate is Predicate.EQUAL:
            return self._same_set(path, comparison.value.split(","))
        elif comparison.predicate is Predicate.CONTAINS:
            held = _among(Term("v"), comparison.value.split(","))
        else:
            held = _compare(Term("v"), path.shape, comparison)
        return Term(f"EXISTS (SELECT 1 FROM ({values.sql}) WHERE {held.sql})", values.parameters + held.parameters)

    def _same_set(self, path: Path, wanted: Sequence[str]) -> Term:
        if path.shape is Shape.DATE:
            days = [floor_to_date(parse_instant(value)) for value in wanted]
            if not all(exact for _, exact in days):
                return NEVER
            wanted = [day for day, _ in days]
        held = _values(path)
        asked = Term("SELECT value FROM json_each(?)", (_json(wanted),))
        nothing_else = f"NOT EXISTS (SELECT v FROM ({held.sql}) WHERE v IS NOT NULL EXCEPT {asked.sql})"
        nothing_less = f"NOT EXISTS ({asked.sql} EXCEPT SELECT v FROM ({held.sql}))"
        same = Term(
            f"({nothing_else} AND {nothing_less})",
            held.parameters + asked.parameters + asked.parameters + held.parameters,
        )
        if not path.facet:
            return same
        return all_of([self._facet(path, wanted[:1], gather=not self.row_given), same])


def all_of(terms: Iterable[Term]) -> Term:
    """Every term holds."""
    kept = list(terms)
    return _joined("AND", kept) if kept else ALWAYS


def _joined(word: str, terms: Sequence[Term]) -> Term:
    if len(terms) == 1:
        return terms[0]
    # SQLite's parser keeps what it has begun on a stack of 100 entries: written first, a deep term has begun little.
    terms = sorted(terms, key=lambda term: -term.depth)
    return Term(
        f" {word} ".join(f"({term.sql})" if term.depth else term.sql for term in terms),
        tuple(parameter for term in terms for parameter in term.parameters),
        1 + terms[0].depth,
    )


def _names_a_set(path: Path, comparison: Comparison) -> bool:
    return path.many and comparison.names_a_set


def _is_plain_equality(path: Path, comparison: Comparison) -> bool:
    """Whether it asks for records that have this text, among others or alone."""
    if comparison.predicate is not Predicate.EQUAL or path.shape is not Shape.TEXT:
        return False
    return looks_up_facet(path, comparison) if path.many else True


def _values(path: Path) -> Term:
    """A SELECT of what a list holds, as ``v``."""
    value, entries = _entries(path)
    return Term(f"SELECT {value.sql} AS v FROM {entries.sql}", value.parameters + entries.parameters)


def _entries(path: Path) -> tuple[Term, Term]:
    """The value of an entry ``e`` of a list, and the entries. The list is the first step of the path, always."""
    head, _, rest = path.name.partition(".")
    entries = Term("json_each(r.document, ?) AS e", (f"$.{head}",))
    if not rest:
        return Term(_TEXT_OF_E), entries
    field, _, beside = rest.partition("@")
    if beside:  # two fields of one entry, as a pair
        return Term("(e.value ->> ?) || '@' || (e.value ->> ?)", (f"$.{field}", f"$.{beside}")), entries
    return Term("r.document ->> (e.fullkey || ?)", (f".{rest}",)), entries


def _among(found: Term, values: Sequence[str]) -> Term:
    if len(values) == 1:
        return Term(f"{found.sql} = ?", (*found.parameters, values[0]))
    return Term(f"{found.sql} IN (SELECT value FROM json_each(?))", (*found.parameters, _json(values)))


def _json(value: str | Sequence[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _compare(found: Term, shape: Shape, comparison: Comparison) -> Term:
    """A comparison with one value; the found term may be NULL."""
    predicate, value = comparison.predicate, comparison.value
    if predicate is Predicate.CONTAINS:
        return Term(f"instr({found.sql}, ?) > 0", (*found.parameters, value))
    if shape is Shape.DATE:
        value, exact = floor_to_date(parse_instant(value))
        if not exact and predicate in _EQUALITIES:
            return _EQUALITIES[predicate]
        predicate = predicate if exact else _BETWEEN.get(predicate, predicate)
    operator = "IS NOT" if predicate is Predicate.NOT_EQUAL else predicate.value
    return Term(f"{found.sql} {operator} ?", (*found.parameters, value))


_EQUALITIES = {Predicate.EQUAL: NEVER, Predicate.NOT_EQUAL: ALWAYS}
"""What becomes of an equality with an instant that no stored value can be."""

_BETWEEN = {Predicate.GREATER_OR_EQUAL: Predicate.GREATER, Predicate.LESS: Predicate.LESS_OR_EQUAL}
"""How to compare with the stored value before an instant, when the instant lies between that and the next."""


def _compare_change(comparison: Comparison) -> Term:
    """A comparison with ``dateLastModified``, made one with the number of the write: stamps rise with it."""
    if comparison.predicate is Predicate.CONTAINS:
        return Term(f"instr({_STAMP}, ?) > 0", (comparison.value,))
    stamp, exact = floor_to_stamp(parse_instant(comparison.value))
    predicate = comparison.predicate if exact else _BETWEEN.get(comparison.predicate, comparison.predicate)
    if predicate in _EQUALITIES:
        if not exact:
            return _EQUALITIES[predicate]
        operator = "=" if predicate is Predicate.EQUAL else "IS NOT"
        return Term(f"r.changed {operator} (SELECT writes.changed FROM writes WHERE writes.stamp = ?)", (stamp,))
    operator = ">" if predicate in (Predicate.GREATER, Predicate.GREATER_OR_EQUAL) else "<="
    including = "<=" if predicate in (Predicate.GREATER, Predicate.LESS_OR_EQUAL) else "<"
    return Term(f"r.changed {operator} {last_write(including)}", (stamp,))
