"""Queries as SQLite runs them: which rows, in which order, by which index.

The default order is ``seq``, and a page should cost its own rows, however many match. What SQLite cannot know without
being told is said here:

* An equality on a facet walks that facet's entries: they lie in the order of ``seq``.
* "Changed since" is asked again and again by whoever polls, and then finds little: if it does, the index of changes is
  walked and the rows are sorted; if it finds much, rows are walked in their order and looked at.
* A page is found by numbers alone; its documents are read afterwards.

What a single condition becomes is :mod:`bridge.mirror.condition_sql`'s.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.mirror.condition_sql import (
    ALWAYS,
    FACET_FIELD,
    ConditionCompiler,
    Parameter,
    Term,
    all_of,
    column,
    looks_up_facet,
    path_of,
)
from bridge.mirror.horizon import Horizon
from bridge.mirror.limited_sql import looks_at_references, visible_parts, without_facets
from bridge.roster.model import Collection, Shape
from bridge.roster.query import Among, And, Comparison, Condition, Place, Predicate, Query, Sort
from bridge.roster.visibility import Visibility

_FEW_CHANGES = 2_000
"""Up to so many rows, sorting costs less than looking for them in order."""

_MISSING = "x''"
"""What a record without the sort field sorts by: SQLite puts a BLOB, even an empty one, behind every text."""

# The document begins with its sourcedId, whose length tells where the second member begins. A search for the first
# comma would be misled by an id that holds one.
_ID_MEMBER = """length('{"sourcedId":' || json_quote(r.sourcedId))"""
_SERVED = (
    f"substr(r.document, 1, {_ID_MEMBER})"
    """ || ',"dateLastModified":"' || (SELECT writes.stamp FROM writes WHERE writes.changed = r.changed) || '"'"""
    f" || substr(r.document, {_ID_MEMBER} + 1)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and what is bound to it."""

    sql: str
    parameters: tuple[Parameter, ...]


class _Rows(NamedTuple):
    """A way to the rows: the tables, the column that holds the seq, what must hold, and when to take this way."""

    table: Term
    seq: str
    terms: list[Term]
    when: Term = ALWAYS


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the statements use. To be called once, after opening it."""
    connection.create_function("casefold", 1, _casefold, deterministic=True)


def _casefold(text: object) -> str | None:
    return text.casefold() if isinstance(text, str) else None


def compile_page(query: Query, source_ids: Mapping[str, int], horizon: Horizon | None = None) -> Statement:
    """One page: rows of (seq, sort key, document).

    The sort key is the text of the sort field, ``None`` where it is missing or the walk is not sorted: with the seq it
    makes the :class:`~bridge.roster.query.Place` to continue behind. The document has its ``dateLastModified``.

    :param source_ids: the number of every source that the mirror knows, by name.
    :param horizon: which records a caller may see who is limited to some: to be given for her, and for nobody else.
    :raises LookupError: if the query names a field that the class does not have.
    """
    descending = query.sort.descending if query.sort else query.descending
    way = "DESC" if descending else "ASC"
    key = None if query.sort is None else _sort_key(query.collection, query.sort)
    shown = key or Term("NULL")
    order = ["seq"] if key is None else ["sort_key", "seq"]
    by = ", ".join(f"{name} {way}" for name in order)
    found: list[Term] = []
    for rows in _ways(query, source_ids, horizon, in_order=True):
        columns = Term(f"{rows.seq} AS seq, {shown.sql} AS sort_key", shown.parameters)
        behind = _behind(query.after, key, rows.seq, descending=descending)
        select = _select(columns, rows.table, [*rows.terms, *behind])
        # As a limit, the condition spares the whole walk; among the others it would be tried on every row.
        limit = f"CASE WHEN {rows.when.sql} THEN ? ELSE 0 END"
        found.append(
            Term(
                f"SELECT * FROM ({select.sql} ORDER BY {by} LIMIT {limit} OFFSET ?)",
                (*select.parameters, *rows.when.parameters, query.limit, 0 if query.after else query.offset),
            )
        )
    sql = (
        f"WITH page AS ({' UNION ALL '.join(one.sql for one in found)})"
        f" SELECT page.seq, CAST(nullif(page.sort_key, {_MISSING}) AS TEXT), {_SERVED}"
        f' FROM page CROSS JOIN "{query.collection.name}" AS r ON r.seq = page.seq'
        f" ORDER BY {', '.join(f'page.{name} {way}' for name in order)}"
    )
    return Statement(sql, tuple(parameter for one in found for parameter in one.parameters))


def compile_count(query: Query, source_ids: Mapping[str, int], horizon: Horizon | None = None) -> Statement:
    """How many records match, on all pages: one row of one number.

    :raises LookupError: if the query names a field that the class does not have.
    """
    counts: list[Term] = []
    for rows in _ways(query, source_ids, horizon, in_order=False):
        count = _select(Term("count(*)"), rows.table, rows.terms)
        counts.append(
            Term(f"WHEN {rows.when.sql} THEN ({count.sql})", (*rows.when.parameters, *count.parameters)),
        )
    sql = f"SELECT CASE {' '.join(count.sql for count in counts)} END"
    return Statement(sql, tuple(parameter for count in counts for parameter in count.parameters))


def compile_one(
    collection: Collection,
    sourced_id: str,
    visibility: Visibility,
    source_ids: Mapping[str, int],
    preset: Condition | None = None,
    horizon: Horizon | None = None,
) -> Statement:
    """One record's document, with its ``dateLastModified``; no row if there is none that may be seen."""
    wanted = Comparison("sourcedId", Predicate.EQUAL, sourced_id)
    where = And((wanted, *_terms_of(preset)))
    query = Query(collection=collection, visibility=visibility, limit=1, where=where)
    (rows,) = _ways(query, source_ids, horizon, in_order=True)
    return _select(Term(_SERVED), rows.table, rows.terms)


def tally_of(query: Query) -> tuple[str | None, str | None] | None:
    """The (status, kind) whose tallies add up to the query's total, each ``None`` for any; ``None`` if none do."""
    kind = query.collection.kind
    asked: dict[str, str] = {}
    if query.search is not None:
        return None
    for term in _all_terms(query):
        if not isinstance(term, Comparison) or term.predicate is not Predicate.EQUAL:
            return None
        if term.field not in ("status", kind) or asked.setdefault(term.field, term.value) != term.value:
            return None
        if term.value == "" or term.names_a_set:
            return None  # an empty kind is how the tallies write "any"
    return asked.get("status"), asked.get(kind or "")


def _ways(query: Query, source_ids: Mapping[str, int], horizon: Horizon | None, *, in_order: bool) -> list[_Rows]:
    """The ways to a query's rows, each leading to all of them; when they are several, exactly one is to be taken."""
    if query.visibility.is_limited:
        assert horizon is not None
        return [_limited_way(query, source_ids, horizon)]
    collection = query.collection
    given = _all_terms(query)
    # Both lead to rows by the index of sourcedIds.
    by_id = any(isinstance(term, Among) or _is_equality(term, "sourcedId") for term in given)
    walked = None if by_id else _facet_to_walk(collection, given)
    visible = _visible(query.visibility, source_ids, in_order=in_order, by_id=by_id)
    compiler = ConditionCompiler(collection, in_order, by_id or walked is not None, lambda _: visible)
    terms = list(visible)
    terms.extend(compiler.compile(term) for term in given if term is not walked)
    if query.search is not None:
        terms.append(_searched(collection, query.search))
    table = f'"{collection.name}" AS r'
    if walked is not None:
        entries = f"f.field = {FACET_FIELD} AND f.value = ?"
        first = Term(entries, (collection.name, walked.field, walked.value))
        # To count all of them, the entries are enough.
        joined = f"facets AS f CROSS JOIN {table} ON r.seq = f.seq" if terms or in_order else "facets AS f"
        return [_Rows(Term(joined), "f.seq", [first, *terms])]
    since = next((term for term in given if _is_since(collection, term)), None)
    if since is None or by_id:
        return [_Rows(Term(table), "r.seq", terms)]
    by_changed = f'{table} INDEXED BY "{collection.name}_by_changed"'
    since_term = compiler.compile(since)
    few = Term(
        f"(SELECT count(*) FROM (SELECT 1 FROM {by_changed} WHERE {since_term.sql} LIMIT ?)) <= ?",
        (*since_term.parameters, _FEW_CHANGES + 1, _FEW_CHANGES),
    )
    many = Term(f"NOT ({few.sql})", few.parameters)
    return [_Rows(Term(by_changed), "r.seq", terms, few), _Rows(Term(table), "r.seq", terms, many)]


def _limited_way(query: Query, source_ids: Mapping[str, int], horizon: Horizon) -> _Rows:
    """The one way to the rows of a caller who is limited to some of the records.

    What looks at references looks at the documents as she may see them, so that a filter or an order tells her nothing
    that the documents do not.
    """
    shown = query.collection

    def visible(collection: Collection, *, row_given: bool = False) -> list[Term]:
        # Another collection's facets lead to its rows, and the horizon's ids to those of any.
        of_sources = _visible(query.visibility, source_ids, in_order=True, by_id=True)
        return [*horizon.terms(collection, row_given=row_given), *of_sources]

    given = _all_terms(query)
    looks = [term for term in given if not isinstance(term, Among) and looks_at_references(shown, term)]
    searched = query.search is not None and any(looks_at_references(shown, name) for name in shown.searchable)
    sorted_by = query.sort is not None and looks_at_references(shown, query.sort.field)
    by_id = any(isinstance(term, Among) or _is_equality(term, "sourcedId") for term in given)
    compiler = ConditionCompiler(shown, in_order=False, row_given=True, visible=visible)
    plain = [*visible(shown, row_given=by_id), *(compiler.compile(term) for term in given if term not in looks)]
    table = Term(f'"{shown.name}" AS r')
    if not (looks or searched or sorted_by):
        terms = plain
    else:
        shown = without_facets(shown)
        compiler = ConditionCompiler(shown, in_order=False, row_given=True, visible=visible)
        terms = [compiler.compile(term) for term in looks]
        table = visible_parts(shown, plain)
    if query.search is not None:
        terms = [*terms, _searched(shown, query.search)]
    return _Rows(table, "r.seq", terms)


def _select(columns: Term, table: Term, terms: Sequence[Term]) -> Statement:
    where = all_of(terms)
    return Statement(
        f"SELECT {columns.sql} FROM {table.sql} WHERE {where.sql}",
        columns.parameters + table.parameters + where.parameters,
    )


def _all_terms(query: Query) -> list[Condition]:
    return [*_terms_of(query.preset), *_terms_of(query.where)]


def _terms_of(condition: Condition | None) -> Iterable[Condition]:
    """Conditions that must all hold."""
    if condition is None:
        return ()
    if isinstance(condition, And):
        return [term for inner in condition.terms for term in _terms_of(inner)]
    return (condition,)


def _is_equality(term: Condition, field: str) -> bool:
    return isinstance(term, Comparison) and term.field == field and term.predicate is Predicate.EQUAL


def _facet_to_walk(collection: Collection, terms: Sequence[Condition]) -> Comparison | None:
    """The facet equality that leads to the rows; one on the kind only if there is no other, because it finds most."""
    facets = [
        term for term in terms if isinstance(term, Comparison) and looks_up_facet(path_of(collection, term.field), term)
    ]
    return min(facets, key=lambda term: term.field == collection.kind, default=None)


def _is_since(collection: Collection, term: Condition) -> bool:
    return (
        isinstance(term, Comparison)
        and path_of(collection, term.field).shape is Shape.INSTANT
        and term.predicate in (Predicate.GREATER, Predicate.GREATER_OR_EQUAL)
    )


def _visible(visibility: Visibility, source_ids: Mapping[str, int], *, in_order: bool, by_id: bool) -> list[Term]:
    if visibility.sources is None:
        return []
    ids = sorted(source_ids[name] for name in visibility.sources if name in source_ids)
    if len(ids) == 1 and not by_id:
        return [Term("r.source = ?", (ids[0],))]
    # A single source's index gives rows in order. Those of several do not, and where ids lead to the rows none is
    # wanted: the plus keeps SQLite from them.
    source = "+r.source" if in_order or by_id else "r.source"
    return [Term(f"{source} IN (SELECT value FROM json_each(?))", (str(ids),))]


def _searched(collection: Collection, text: str) -> Term:
    found = " OR ".join(f'instr(casefold(r."{name}"), ?) > 0' for name in collection.searchable)
    return Term(f"({found})", (text.casefold(),) * len(collection.searchable))


def _sort_key(collection: Collection, sort: Sort) -> Term:
    """What to order by: never NULL."""
    path = path_of(collection, sort.field)
    if path.many:
        raise LookupError(f"{sort.field} holds many values: nothing to sort by")
    if path.shape is Shape.INSTANT:
        return Term("r.changed")
    if path.name == "sourcedId":
        return column(path)
    found = column(path)
    return Term(f"coalesce({found.sql}, {_MISSING})", found.parameters)


def _behind(place: Place | None, key: Term | None, seq: str, *, descending: bool) -> list[Term]:
    if place is None:
        return []
    operator = "<" if descending else ">"
    if key is None:
        return [Term(f"{seq} {operator} ?", (place.seq,))]
    # The key of a walk by dateLastModified is a number, which a place holds as text.
    bound = "CAST(? AS INTEGER)" if key.sql == "r.changed" else "?"
    value = b"" if place.key is None else place.key
    return [Term(f"({key.sql}, {seq}) {operator} ({bound}, ?)", (*key.parameters, value, place.seq))]
