"""What can be asked of a collection, free of any wire format and of any storage.

:mod:`bridge.oneroster.filters` reads a condition from text, :mod:`bridge.mirror.query_sql` turns a query into
SQL. What a condition means is written here, once:

* Text is compared exactly, by code point; ``~`` is "contains", and exact too.
* A field that a record does not have: ``=``, ``~`` and the order predicates are false; ``!=`` is true.
* ``!=`` is always the opposite of ``=``.
* A path through a list (``roles.role``) holds a set of values. ``=``, ``~`` and the order predicates hold when any
  element satisfies them. A value with commas names a set: ``=`` asks for the same set in any order, ``~`` for any
  element in common.
* Dates and date-times are compared as instants: a bare date is midnight UTC. ``~`` on them looks at the text.
* ``metadata.<key>`` takes the rest of the path as one key, dots included; a value there that is a list or an object
  counts as missing; numbers and booleans are compared by their JSON text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bridge.roster.model import Collection
from bridge.roster.visibility import Visibility


class Predicate(StrEnum):
    """How a field is held against a value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    CONTAINS = "~"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against one value, both as the caller wrote them (the value unquoted).

    :param verbatim: whether commas in the value are part of it: sourcedIds may hold them. Otherwise they make it a set.
    """

    field: str
    predicate: Predicate
    value: str
    verbatim: bool = False

    @property
    def names_a_set(self) -> bool:
        """Whether the value names a set, where the field holds one."""
        return "," in self.value and not self.verbatim


@dataclass(frozen=True, slots=True)
class And:
    """Every term holds."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one term holds."""

    terms: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Among:
    """The record is one of those that certain others refer to.

    :param collection: whose records the others are.
    :param path: where they hold sourcedIds of records like this one: a facet.
    :param where: which of them count.
    """

    collection: Collection
    path: str
    where: "Condition"


Condition = Comparison | And | Or | Among


def collections_in(condition: Condition | None) -> Iterator[str]:
    """The other collections that a condition looks into, by name."""
    match condition:
        case And(terms) | Or(terms):
            for term in terms:
                yield from collections_in(term)
        case Among(collection, _, where):
            yield collection.name
            yield from collections_in(where)


def size_of(condition: Condition | None) -> tuple[int, int]:
    """How many comparisons a condition is made of, and how many characters are in these."""
    match condition:
        case Comparison(field, _, value):
            return 1, len(field) + len(value)
        case And(terms) | Or(terms):
            sizes = [size_of(term) for term in terms]
            return sum(count for count, _ in sizes), sum(characters for _, characters in sizes)
        case Among(_, _, where):
            return size_of(where)
    return 0, 0


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by one field, by code point; records without it come last, or first when descending."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a walk: after the record with this ``seq``, and this sort key where the walk is sorted."""

    seq: int
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One page of one collection, as one caller may see it.

    Without ``sort`` the order is that of first insertion (``seq``), or its reverse with ``descending``; every order
    ends in ``seq``, so it is total.

    :param preset: what the operation itself restricts to (``/terms`` to sessions of type term).
    :param search: text that one of the collection's searchable fields contains, ignoring case.
    :param limit: the most records wanted, at least 1.
    :param offset: records to skip, from the start or from ``after`` on.
    :param after: continue behind this place.
    """

    collection: Collection
    visibility: Visibility
    limit: int
    offset: int = 0
    preset: Condition | None = None
    where: Condition | None = None
    search: str | None = None
    sort: Sort | None = None
    descending: bool = False
    after: Place | None = None
