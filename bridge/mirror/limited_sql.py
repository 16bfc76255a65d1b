"""The documents of one collection as a limited caller may see them, as a table that conditions are tried on.

A condition on a reference must not tell what the served document does not: whether a hidden reference is this one or
that. So wherever a query looks at references, it looks at documents out of which the hidden ones have been taken, by
the function ``visible_part`` that :class:`bridge.mirror.pages.Pages` gives its connection. That reads each visible
document once, however large the page: a price that limited callers pay, and nobody else.
"""

# ruff: noqa: S608 - every value is bound, and the names that stand in the SQL are the model's own

from collections.abc import Sequence

from bridge.mirror.condition_sql import Term, all_of
from bridge.roster.model import Collection, Kind
from bridge.roster.query import Among, And, Comparison, Condition, Or

_HOLD_REFERENCES = frozenset({Kind.REFERENCE, Kind.REFERENCES, Kind.OBJECTS})


def looks_at_references(collection: Collection, what: Condition | str) -> bool:
    """Whether a condition, or a path by its name, looks at fields that hold references."""
    match what:
        case str():
            top = what.partition(".")[0]
            return any(member.name == top and member.kind in _HOLD_REFERENCES for member in collection.members)
        case Comparison(field):
            return looks_at_references(collection, field)
        case And(terms) | Or(terms):
            return any(looks_at_references(collection, term) for term in terms)
        case Among():
            return False  # it goes by the sourcedId, and looks at visible records alone


def visible_parts(collection: Collection, terms: Sequence[Term]) -> Term:
    """A table ``r`` like the collection's own, of the rows for which the terms hold, with what of them may be seen."""
    where = all_of(terms)
    names = [path.name for path in collection.columns if path.name != "sourcedId"]
    columns = [f"p.document ->> '$.{name}' AS \"{name}\"" for name in names]
    # The limits keep SQLite from merging the two into the query around them: it would call the function once for every
    # column that is looked at.
    inner = (
        f"SELECT r.seq, r.source, r.sourcedId, r.changed, visible_part('{collection.name}', r.document) AS document"
        f' FROM "{collection.name}" AS r WHERE {where.sql} LIMIT -1'
    )
    outer = f"SELECT p.seq, p.source, p.sourcedId, p.changed, p.document, {', '.join(columns)} FROM ({inner}) AS p"
    return Term(f"({outer} LIMIT -1) AS r", where.parameters)
