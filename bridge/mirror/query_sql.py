"""Queries as SQLite runs them: which rows, in which order, by which index.

The default order is ``seq``, and a page should cost its own rows, however many match. What SQLite cannot know without
being told is said here:

* An equality on a facet walks that facet's entries: of each source they lie in the order of ``seq``, and those of
  several are walked side by side. Entries of sources that the caller may not see are not passed.
* If the rows are to be sorted and the facet has many entries (students are most of all users), the index of the order
  is walked instead, and each row is looked up among the entries.
* Rows that nothing restricts are found by the index of ``seq``, and rows that are sorted by the index of the field:
  both are small beside the table, which is read for the rows of the page alone.
* "Changed since" is asked again and again by whoever polls, and then finds little: if it does, the index of changes is
  walked and the rows are sorted; if it finds much, rows are walked in their order and looked at.
* A page is found by numbers alone; its documents are read afterwards.

What a single condition becomes is :mod:`bridge.mirror.condition_sql`'s.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bridge.mirror.blanks import Slot, blanked, slotted, texts_of
from bridge.mirror.condition_sql import (
    ALWAYS,
    FACET_FIELD,
    MISSING,
    ConditionCompiler,
    Hole,
    Parameter,
    Term,
    all_of,
    looks_up_facet,
    ordered_fields,
    path_of,
    sort_key,
)
from bridge.mirror.facets import without_facets
from bridge.mirror.horizon import Horizon
from bridge.mirror.limited_sql import looks_at_references, visible_parts
from bridge.roster.model import Collection, Shape
from bridge.roster.query import Among, And, Comparison, Condition, Place, Predicate, Query
from bridge.roster.visibility import Visibility

_FEW_CHANGES = 2_000
"""Up to so many rows, sorting costs less than looking for them in order."""

_FEW_ENTRIES = 10_000
"""Up to so many rows of a facet, sorting costs less than looking for them in order."""

_SIDE_BY_SIDE = 100
"""Of so many sources facets are walked at once. SQLite joins no more than 500 queries, and each costs a little."""

_MOST = 2**63 - 1
"""The largest number that SQLite takes."""

# The stamp goes before the rest. As bytes, because to find a place in a text SQLite counts its characters.
_SERVED = """'{"dateLastModified":"' || w.stamp || '",' || substr(CAST(r.document AS BLOB), 2)"""
_STAMPED = "CROSS JOIN writes AS w ON w.changed = r.changed"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and what is bound to it."""

    sql: str
    parameters: tuple[Parameter | Hole, ...]


@dataclass(frozen=True, slots=True)
class OneStatement:
    """What finds single records of a collection, within presets that differ in their texts alone: one at a time."""

    sql: str
    parameters: tuple[Parameter | Hole | Slot, ...]

    def bind(self, sourced_id: str, preset: Condition | None) -> tuple[Parameter, ...]:
        """The parameters for one of them."""
        return _bind(self.parameters, _one(sourced_id, preset), {})


class _Rows(NamedTuple):
    """A way to the rows: the tables, the column that holds the seq, what must hold, when to take this way, and parts.

    Every row is in one of the parts. Each gives rows in the order of seq, so that they can be walked side by side.
    """

    table: Term
    seq: str
    terms: list[Term]
    when: Term = ALWAYS
    parts: Sequence[Term] = (ALWAYS,)


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that the statements use. To be called once, after opening it."""
    connection.create_function("casefold", 1, _casefold, deterministic=True)


def _casefold(text: object) -> str | None:
    return text.casefold() if isinstance(text, str) else None


@dataclass(frozen=True, slots=True)
class PageStatements:
    """What finds pages of a query: the same for each, or for each behind a place, whatever texts are in its preset.

    :param page: the page as a table of (seq, sort_key), to begin a statement with.
    :param places: rows of (seq, sort key), in the page's order. The sort key is the text of the sort field, ``None``
        where it is missing or the walk is not sorted.
    :param served: one row: how many records, the lowest and the highest seq, and the records as they are served, joined
        by commas. A page comes in one step because other threads run between two of them, and take their time.
    """

    page: str
    places: str
    served: str
    parameters: tuple[Parameter | Hole | Slot, ...]

    def bind(self, query: Query) -> tuple[Parameter, ...]:
        """The parameters of one page, the same for both statements."""
        bound: dict[Hole, Parameter] = {
            Hole.LIMIT: query.limit,
            Hole.OFFSET: query.offset,
            Hole.BOTH: min(query.limit + query.offset, _MOST),
        }
        if query.after is not None:
            bound[Hole.SEQ] = query.after.seq
            bound[Hole.KEY] = b"" if query.after.key is None else query.after.key
        return _bind(self.parameters, query.preset, bound)


def _bind(
    parameters: Iterable[Parameter | Hole | Slot], preset: Condition | None, bound: Mapping[Hole, Parameter]
) -> tuple[Parameter, ...]:
    texts = tuple(texts_of(preset))
    return tuple(
        bound[each] if isinstance(each, Hole) else texts[each.number] if isinstance(each, Slot) else each
        for each in parameters
    )


def prepare_page(query: Query, source_ids: Mapping[str, int], horizon: Horizon | None = None) -> PageStatements:
    """What finds this page, and others of the same query.

    :param source_ids: the number of every source that the mirror knows, by name.
    :param horizon: which records a caller may see who is limited to some: to be given for her, and for nobody else.
    :raises LookupError: if the query names a field that the class does not have.
    """
    query = replace(query, preset=blanked(query.preset))
    way = "DESC" if descends(query) else "ASC"
    by = f"seq {way}" if query.sort is None else f"sort_key {way}, seq {way}"
    branches = [
        branch for rows in _ways(query, source_ids, horizon, in_order=True) for branch in _branches(query, rows)
    ]
    if len(branches) == 1:
        ((select, _, _),) = branches
        found = Term(f"{select.sql} ORDER BY {by}", select.parameters)
    else:
        limited = [
            # As a limit, the condition spares the whole walk; among the others it would be tried on every row.
            Term(
                f"SELECT * FROM ({select.sql} ORDER BY {order} LIMIT CASE WHEN {when.sql} THEN ? ELSE 0 END)",
                (*select.parameters, *when.parameters, Hole.BOTH),
            )
            for select, order, when in branches
        ]
        parameters = tuple(parameter for each in limited for parameter in each.parameters)
        # One behind the other, each begun when those before it are used up: an order over all would run them all.
        found = Term(" UNION ALL ".join(each.sql for each in limited), parameters)
    page = f"WITH page AS ({found.sql} LIMIT ? OFFSET ?)"
    return PageStatements(
        page,
        # The same page for both, so that both are found alike. Rows are joined in its order: it is the outer loop.
        f"{page} SELECT seq, CAST(nullif(sort_key, {MISSING}) AS TEXT) FROM page",
        f"{page} SELECT count(*), min(page.seq), max(page.seq), CAST(coalesce(group_concat({_SERVED}), '') AS BLOB)"
        f' FROM page CROSS JOIN "{query.collection.name}" AS r ON r.seq = page.seq {_STAMPED}',
        slotted((*found.parameters, Hole.LIMIT, Hole.OFFSET)),
    )


def count_page(query: Query, statements: PageStatements, until: Place | None) -> tuple[str, tuple[Parameter, ...]]:
    """How many records are on a page, none of them behind a place."""
    sql, parameters = f"{statements.page} SELECT count(*) FROM page", statements.bind(query)
    if until is None:
        return sql, parameters
    operator = ">=" if descends(query) else "<="
    if query.sort is None:
        return f"{sql} WHERE seq {operator} ?", (*parameters, until.seq)
    bound = _bound(sort_key(query.collection, query.sort))
    key = b"" if until.key is None else until.key
    return f"{sql} WHERE (sort_key, seq) {operator} ({bound}, ?)", (*parameters, key, until.seq)


def _bound(key: Term) -> str:
    """A parameter that is compared with a sort key: that of a walk by dateLastModified is a number, which a place holds
    as text."""
    return "CAST(? AS INTEGER)" if key.sql == "r.changed" else "?"


def place_before(query: Query, place: Place) -> Place:
    """The place behind which the record at this place is the next."""
    return Place(place.seq + 1 if descends(query) else place.seq - 1, place.key)


def compile_count(query: Query, source_ids: Mapping[str, int], horizon: Horizon | None = None) -> Statement:
    """How many records match, on all pages: one row of one number.

    :raises LookupError: if the query names a field that the class does not have.
    """
    counts: list[Term] = []
    for rows in _ways(query, source_ids, horizon, in_order=False):
        (part,) = rows.parts
        count = _select(Term("count(*)"), rows.table, [part, *rows.terms])
        counts.append(
            Term(f"WHEN {rows.when.sql} THEN ({count.sql})", (*rows.when.parameters, *count.parameters)),
        )
    sql = f"SELECT CASE {' '.join(count.sql for count in counts)} END"
    return Statement(sql, tuple(parameter for count in counts for parameter in count.parameters))


def prepare_one(
    collection: Collection,
    visibility: Visibility,
    source_ids: Mapping[str, int],
    preset: Condition | None = None,
    horizon: Horizon | None = None,
) -> OneStatement:
    """What finds one record as it is served, whichever; no row if there is none that may be seen."""
    query = Query(collection=collection, visibility=visibility, limit=1, preset=blanked(_one("", preset)))
    (rows,) = _ways(query, source_ids, horizon, in_order=True)
    found = _select(
        Term(f"CAST({_SERVED} AS BLOB)"), Term(f"{rows.table.sql} {_STAMPED}", rows.table.parameters), rows.terms
    )
    return OneStatement(found.sql, slotted(found.parameters))


def _one(sourced_id: str, preset: Condition | None) -> Condition:
    """What single records are found by."""
    return And((Comparison("sourcedId", Predicate.EQUAL, sourced_id, verbatim=True), *_terms_of(preset)))


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
    sources = _sources(query.visibility, source_ids)
    side_by_side = in_order and query.sort is None
    walked = None
    if not by_id and not (side_by_side and len(sources) > _SIDE_BY_SIDE):
        walked = _facet_to_walk(collection, given)
    by_value = any(_finds_few(collection, term) for term in given)
    visible = _visible(query.visibility, source_ids, in_order=in_order, by_id=by_id or by_value)
    compiler = ConditionCompiler(
        collection, in_order, by_id or by_value or walked is not None, lambda _: visible, _listed(sources)
    )
    terms = list(visible) if walked is None else []  # facets are of the source that their record is of
    terms.extend(compiler.compile(term) for term in given if term is not walked)
    if query.search is not None:
        terms.append(_searched(collection, query.search))
    table = f'"{collection.name}" AS r'
    if walked is not None:
        entries = f"f.field = {FACET_FIELD} AND f.value = ?"
        first = Term(entries, (collection.name, walked.field, walked.value))
        # To count all of them, the entries are enough.
        joined = f"facets AS f CROSS JOIN {table} ON r.seq = f.seq" if terms or in_order else "facets AS f"
        parts = [Term(f"f.source IN ({_listed(sources).sql})", _listed(sources).parameters)]
        if side_by_side and sources:
            parts = [Term("f.source = ?", (source,)) for source in sources]
        entered = _Rows(Term(joined), "f.seq", [first, *terms], parts=parts)
        index = _index(query, restricted=True) if in_order and query.sort is not None else None
        if index is None:
            return [entered]
        listed = all_of([first, *parts])
        few = Term(
            f"(SELECT count(*) FROM (SELECT 1 FROM facets AS f WHERE {listed.sql} LIMIT ?)) <= ?",
            (*listed.parameters, _FEW_ENTRIES + 1, _FEW_ENTRIES),
        )
        passed = [*visible, compiler.compile(walked), *terms]
        many = Term(f"NOT ({few.sql})", few.parameters)
        in_turn = _Rows(Term(f'{table} INDEXED BY "{index}"'), "r.seq", passed, many)
        return [entered._replace(when=few), in_turn]
    index = None if by_id or by_value or not in_order else _index(query, restricted=bool(given or query.search))
    ordered = f'{table} INDEXED BY "{index}"' if index else table
    since = next((term for term in given if _is_since(collection, term)), None)
    by_changed = f'{table} INDEXED BY "{collection.name}_by_changed"'
    if since is None or by_id or ordered == by_changed:
        return [_Rows(Term(ordered), "r.seq", terms)]
    since_term = compiler.compile(since)
    few = Term(
        f"(SELECT count(*) FROM (SELECT 1 FROM {by_changed} WHERE {since_term.sql} LIMIT ?)) <= ?",
        (*since_term.parameters, _FEW_CHANGES + 1, _FEW_CHANGES),
    )
    many = Term(f"NOT ({few.sql})", few.parameters)
    return [_Rows(Term(by_changed), "r.seq", terms, few), _Rows(Term(ordered), "r.seq", terms, many)]


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
    sources = _listed(_sources(query.visibility, source_ids))
    compiler = ConditionCompiler(shown, in_order=False, row_given=True, visible=visible, sources=sources)
    plain = [*visible(shown, row_given=by_id), *(compiler.compile(term) for term in given if term not in looks)]
    table = Term(f'"{shown.name}" AS r')
    if not (looks or searched or sorted_by):
        terms = plain
    else:
        shown = without_facets(shown)
        compiler = replace(compiler, collection=shown)
        terms = [compiler.compile(term) for term in looks]
        table = visible_parts(shown, plain)
    if query.search is not None:
        terms = [*terms, _searched(shown, query.search)]
    return _Rows(table, "r.seq", terms)


def _branches(query: Query, rows: _Rows) -> list[tuple[Term, str, Term]]:
    """A way's SELECTs of (seq, sort key), each with its order and with when to take it.

    Behind a place in a sorted walk come the records with the same key, and then those with further keys: told apart,
    both are found by the index.
    """
    key = None if query.sort is None else sort_key(query.collection, query.sort)
    operator, way = ("<", "DESC") if descends(query) else (">", "ASC")
    shown = key or Term("NULL")
    columns = Term(f"{rows.seq} AS seq, {shown.sql} AS sort_key", shown.parameters)

    def select(*behind: Term) -> Term:
        parts = [_select(columns, rows.table, [part, *rows.terms, *behind]) for part in rows.parts]
        return _side_by_side(parts)

    by_seq, by_key = f"seq {way}", f"sort_key {way}, seq {way}"
    if query.after is None:
        return [(select(), by_seq if key is None else by_key, rows.when)]
    behind = Term(f"{rows.seq} {operator} ?", (Hole.SEQ,))
    if key is None:
        return [(select(behind), by_seq, rows.when)]
    bound = _bound(key)
    same = Term(f"{key.sql} = {bound}", (*key.parameters, Hole.KEY))
    further = Term(f"{key.sql} {operator} {bound}", (*key.parameters, Hole.KEY))
    return [(select(same, behind), by_seq, rows.when), (select(further), by_key, rows.when)]


def _side_by_side(selects: Sequence[Statement]) -> Term:
    """One SELECT: ordered, SQLite merges its parts, and reads of each no more than what is wanted."""
    return Term(
        " UNION ALL ".join(select.sql for select in selects),
        tuple(parameter for select in selects for parameter in select.parameters),
    )


def descends(query: Query) -> bool:
    """Whether the walk goes from the highest to the lowest."""
    return query.sort.descending if query.sort else query.descending


def _index(query: Query, *, restricted: bool) -> str | None:
    """The index that gives rows in the query's order, if there is one and SQLite would not find it by itself."""
    collection = query.collection
    if query.sort is not None:
        field = query.sort.field
        if field == "dateLastModified":
            return f"{collection.name}_by_changed"
        return f"{collection.name}_by_{field}" if field in ordered_fields(collection) else None
    one_source = query.visibility.sources is not None and len(query.visibility.sources) == 1
    return None if restricted or one_source else f"{collection.name}_by_seq"


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


def _finds_few(collection: Collection, term: Condition) -> bool:
    """Whether it is an equality on a field that is held in order and has many values."""
    return (
        isinstance(term, Comparison)
        and term.predicate is Predicate.EQUAL
        and term.field in ordered_fields(collection)
        and term.field not in ("status", collection.kind)
        and path_of(collection, term.field).shape is Shape.TEXT
    )


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
    ids = _sources(visibility, source_ids)
    if len(ids) == 1 and not by_id:
        return [Term("r.source = ?", (ids[0],))]
    # A single source's index gives rows in order. Those of several do not, and where ids lead to the rows none is
    # wanted: the plus keeps SQLite from them.
    source = "+r.source" if in_order or by_id else "r.source"
    listed = _listed(ids)
    return [Term(f"{source} IN ({listed.sql})", listed.parameters)]


def _sources(visibility: Visibility, source_ids: Mapping[str, int]) -> list[int]:
    """The numbers of the sources that are seen, of those that the mirror knows."""
    seen = source_ids.keys() if visibility.sources is None else visibility.sources & source_ids.keys()
    return sorted(source_ids[name] for name in seen)


def _listed(ids: Sequence[int]) -> Term:
    """A SELECT of these numbers."""
    return Term("SELECT value FROM json_each(?)", (str(ids),))


def _searched(collection: Collection, text: str) -> Term:
    found = " OR ".join(f'instr(casefold(r."{name}"), ?) > 0' for name in collection.searchable)
    return Term(f"({found})", (text.casefold(),) * len(collection.searchable))
