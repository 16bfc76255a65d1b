"""A mirror of a few records, filled straight from documents, and the documents and queries to try it with."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st
from sqlite_utils import Database

from bridge.migrations import migrate
from bridge.mirror.query_sql import Statement, compile_count, prepare_page, register_functions
from bridge.roster.model import COLLECTIONS, Collection, Path, Shape
from bridge.roster.query import And, Comparison, Condition, Or, Predicate, Query
from bridge.roster.values import values_at
from tests.mirror.filter_oracle import Record

SOURCES = {"north": 1, "south": 2, "west": 3}
STAMPS = (
    "2025-12-31T23:59:59.999Z",
    "2026-01-01T00:00:00.000Z",
    "2026-01-01T00:00:00.001Z",
    "2026-01-01T12:30:00.500Z",
    "2026-01-02T00:00:00.000Z",
)
_DATES = ("2025-12-31", "2026-01-01", "2026-01-02")


class SmallMirror:
    """A migrated database in memory."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        migrate(Database(self.connection), "bridge.mirror.migrations")
        register_functions(self.connection)
        self.connection.executemany("INSERT INTO sources (name, id) VALUES (?, ?)", SOURCES.items())
        self.connection.executemany(
            "INSERT INTO writes (changed, stamp) VALUES (?, ?)", [(i + 1, stamp) for i, stamp in enumerate(STAMPS)]
        )

    @contextmanager
    def holding(self, collection: Collection, records: Sequence[Record]) -> Iterator[None]:
        """Hold these records, and forget them afterwards."""
        self.connection.execute("BEGIN")
        try:
            self.insert(collection, records)
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def insert(self, collection: Collection, records: Sequence[Record]) -> None:
        self.connection.executemany(
            f'INSERT INTO "{collection.name}" (seq, source, sourcedId, changed, document) VALUES (?, ?, ?, ?, ?)',
            [
                (
                    record.seq,
                    SOURCES[record.source],
                    record.document["sourcedId"],
                    STAMPS.index(record.stamp) + 1,
                    msgspec.json.encode(record.document).decode(),
                )
                for record in records
            ],
        )
        self.connection.executemany(
            "INSERT OR IGNORE INTO facets (field, source, value, seq)"
            " SELECT field, ?, ?, ? FROM facet_fields WHERE collection = ? AND path = ?",
            [
                (SOURCES[record.source], value, record.seq, collection.name, path.name)
                for record in records
                for path in collection.facets
                for value in values_at(record.document, path.name)
            ],
        )

    def page(self, query: Query) -> list[tuple[int, str | None, str]]:
        """Each record's place, and its document as it is served."""
        statements = prepare_page(query, SOURCES)
        parameters = statements.bind(query)
        places = self.connection.execute(statements.places, parameters).fetchall()
        ((count, lowest, highest, joined),) = self.connection.execute(statements.served, parameters)
        seqs = [seq for seq, _ in places]
        assert (count, lowest, highest) == (len(seqs), min(seqs, default=None), max(seqs, default=None))
        documents = msgspec.json.decode(b"[%b]" % joined, type=list[msgspec.Raw])
        return [(seq, key, bytes(text).decode()) for (seq, key), text in zip(places, documents, strict=True)]

    def count(self, query: Query) -> int:
        ((count,),) = self.run(compile_count(query, SOURCES))
        return int(count)

    def run(self, statement: Statement) -> list[Any]:
        return self.connection.execute(statement.sql, statement.parameters).fetchall()


# Few enough that random records and random comparisons meet.
_TEXTS = ("", "a", "ab", "b", "B", "é", "O'Brien", 'say "x"', "back\\slash", "a,b", ",", "😀", "\U0010ffff", "teacher")
texts = st.sampled_from(_TEXTS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)
dates = st.sampled_from(_DATES)
keys = st.sampled_from(["k", "lti.status", "ключ", 'a"b', "a\\b", "a\nb", "$", "[0]"])
_metadata_values = st.one_of(
    texts,
    st.booleans(),
    st.integers(),
    st.sampled_from([0.5, 1000.0, 1e100]),
    st.none(),
    st.just(["a"]),
    st.just({"k": "a"}),
)
_INSTANTS = (
    "2026-01-01",
    "2026-01-02",
    "0001-01-01",
    "9999-12-31",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.001Z",
    "2026-01-01T00:00:00.0005Z",
    "2026-01-01T12:30:00.500",
    "2026-01-01T13:30:00.500+01:00",
    "2026-01-01T13:30:00.500 01:00",
    "2025-12-31T19:00:00-05:00",
)
instants = st.sampled_from(_INSTANTS)


@cache
def record_documents(collection: Collection) -> st.SearchStrategy[dict[str, Any]]:
    """Documents of the model's shape, without their ``sourcedId``: anything may be missing."""
    inside: dict[str, list[Path]] = defaultdict(list)
    for path in collection.paths:
        if path.shape is not Shape.INSTANT and path.name != "sourcedId":
            inside[path.name.partition(".")[0]].append(path)
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, paths in inside.items():
        one = _values([(path.name.split(".")[1:], path.shape) for path in paths])
        fields[name] = st.lists(one, max_size=3) if paths[0].many else one
    fields["metadata"] = st.dictionaries(keys, _metadata_values, max_size=3)
    return st.fixed_dictionaries({}, optional=fields)


def _values(leaves: list[tuple[list[str], Shape]]) -> st.SearchStrategy[Any]:
    """A scalar, or an object of scalars and objects."""
    if leaves[0][0] == []:
        return dates if leaves[0][1] is Shape.DATE else texts
    members: dict[str, list[tuple[list[str], Shape]]] = defaultdict(list)
    for steps, shape in leaves:
        members[steps[0]].append((steps[1:], shape))
    return st.fixed_dictionaries({}, optional={name: _values(rest) for name, rest in members.items()})


@st.composite
def records(draw: st.DrawFn, collection: Collection, max_size: int = 6) -> list[Record]:
    ids = draw(st.lists(texts, unique=True, max_size=max_size))
    return [
        Record(
            seq,
            draw(st.sampled_from(sorted(SOURCES))),
            draw(st.sampled_from(STAMPS)),
            {"sourcedId": sourced_id, **draw(record_documents(collection))},
        )
        for seq, sourced_id in enumerate(ids, start=1)
    ]


@st.composite
def comparisons(draw: st.DrawFn, collection: Collection) -> Comparison:
    path = draw(st.sampled_from(collection.paths) | keys.map(lambda key: Path(f"metadata.{key}")))
    predicate = draw(st.sampled_from(Predicate))
    values = texts
    if path.shape is not Shape.TEXT and predicate is not Predicate.CONTAINS:
        values = instants | dates
    if path.many and predicate in (Predicate.EQUAL, Predicate.NOT_EQUAL, Predicate.CONTAINS):
        values |= st.lists(values, min_size=2, max_size=3).map(",".join)
    return Comparison(path.name, predicate, draw(values))


@cache
def conditions(collection: Collection) -> st.SearchStrategy[Condition]:
    return st.recursive(
        comparisons(collection),
        lambda inner: st.builds(
            lambda kind, terms: kind(tuple(terms)), st.sampled_from([And, Or]), st.lists(inner, min_size=2, max_size=4)
        ),
        max_leaves=8,
    )


collections = st.sampled_from(list(COLLECTIONS.values()))
