"""What a request for a collection asks for: OneRoster 1.2 REST binding, sections on paging, sorting and filtering."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from bridge.practice.links import DECORATION, LinkForm
from bridge.practice.sis_errors import SisRefused
from bridge.practice.sis_filters import Filter, parse_filter
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_records import Record

_COMMON = ("sourcedId", "status", "dateLastModified", "metadata")

FIELDS: Mapping[str, frozenset[str]] = {
    "orgs": frozenset({*_COMMON, "name", "type", "identifier", "parent", "children"}),
    "academicSessions": frozenset(
        {*_COMMON, "title", "startDate", "endDate", "type", "parent", "children", "schoolYear"}
    ),
    "courses": frozenset(
        {*_COMMON, "title", "schoolYear", "courseCode", "grades", "subjects", "org", "subjectCodes", "resources"}
    ),
    "classes": frozenset({
        *_COMMON, "title", "classCode", "classType", "location", "grades", "subjects", "course", "school", "terms",
        "subjectCodes", "periods", "resources",
    }),
    "users": frozenset({
        *_COMMON, "userMasterIdentifier", "username", "userIds", "enabledUser", "givenName", "familyName", "middleName",
        "preferredFirstName", "preferredMiddleName", "preferredLastName", "pronouns", "roles", "role", "orgs",
        "userProfiles", "primaryOrg", "identifier", "email", "sms", "phone", "agents", "grades", "resources",
    }),
    "enrollments": frozenset({*_COMMON, "user", "class", "school", "role", "primary", "beginDate", "endDate"}),
    "demographics": frozenset({
        *_COMMON, "birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican",
        "nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity",
        "countryOfBirthCode", "stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus",
    }),
}  # fmt: skip
"""The names that a record of each collection may have, those of 1.1 with those of 1.2."""

_SINGLE = ("fields",)
_COLLECTION = ("limit", "offset", "sort", "orderBy", "filter", "fields")


@dataclass(frozen=True, slots=True)
class SisQuery:
    """A request's parameters, read.

    :ivar asked: the limit that was asked for; ``limit`` is the one that holds.
    :ivar others: the parameters besides limit and offset, to be repeated in links.
    """

    limit: int
    asked: int
    offset: int
    wanted: Filter | None
    sort: str | None
    descending: bool
    fields: tuple[str, ...] | None
    others: tuple[tuple[str, str], ...]

    def ordered(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records that are wanted, in the order that is wanted; they come in the order of their sourcedIds."""
        if self.wanted is not None:
            records = [record for record in records if self.wanted(record)]
        if self.sort is None:
            return records[::-1] if self.descending else records
        sort = self.sort
        missing = [record for record in records if sort not in record]
        present = sorted(
            (record for record in records if sort in record),
            key=lambda record: str(record[sort]),
            reverse=self.descending,
        )
        return missing + present if self.descending else present + missing

    def query_string(self, *, offset: int, limit: int) -> str:
        """The same for another page."""
        return urlencode([("limit", limit), ("offset", offset), *self.others])


def parse_query(raw: str, collection: str, manners: SisManners, *, single: bool) -> SisQuery:
    """Read a query string.

    :param single: one record is asked for.
    :raises SisRefused: if it asks for something that this SIS does not serve.
    """
    known = _SINGLE if single else _COLLECTION
    if manners.link_form is LinkForm.PUNCTUATED:
        raw = raw.removesuffix(f"&{DECORATION}")
    given = [(name, value) for name, value in parse_qsl(raw, keep_blank_values=True)]
    parameters: dict[str, str] = {}
    for name, value in given:
        if not manners.lenient and name not in known:
            raise SisRefused(400, "invaliddata", f"unknown parameter {name}")
        if not manners.lenient and name in parameters:
            raise SisRefused(400, "invaliddata", f"{name} must be given once")
        parameters.setdefault(name, value)
    asked = _number(parameters.get("limit"), "limit", 1, manners.default_limit, manners)
    sort = parameters.get("sort")
    direction = parameters.get("orderBy", "asc")
    if direction not in ("asc", "desc") and not manners.lenient:
        raise SisRefused(400, "invaliddata", "orderBy must be asc or desc")
    honours = manners.sorts == "honoured"
    return SisQuery(
        limit=_held(asked, manners),
        asked=asked,
        offset=_number(parameters.get("offset"), "offset", 0, 0, manners),
        wanted=_filter(parameters.get("filter"), collection, manners),
        sort=sort if honours and sort in FIELDS[collection] else None,
        descending=honours and direction == "desc",
        fields=_fields(parameters.get("fields"), collection),
        others=tuple((name, value) for name, value in given if name in known and name not in ("limit", "offset")),
    )


def _number(value: str | None, name: str, least: int, default: int, manners: SisManners) -> int:
    if value is None:
        return default
    if re.fullmatch("[0-9]{1,9}", value) is None or int(value) < least:
        if manners.lenient:
            return default
        raise SisRefused(400, "invaliddata", f"{name} must be a whole number from {least}")
    return int(value)


def _held(asked: int, manners: SisManners) -> int:
    if manners.fails_above is not None and asked > manners.fails_above:
        raise SisRefused(500, "internal_server_error", "the database did not answer in time")
    largest = manners.largest_limit
    if largest is None or asked <= largest:
        return asked
    if manners.over_limit == "refused":
        raise SisRefused(manners.over_limit_status, "invaliddata", f"limit must be at most {largest}")
    return largest


def _filter(text: str | None, collection: str, manners: SisManners) -> Filter | None:
    if text is None or manners.filters == "passed over":
        return None
    if manners.filters == "refused":
        raise SisRefused(400, "invalid_filter_field", "this provider does not filter")
    return parse_filter(text, FIELDS[collection], bare_dates=manners.filters == "bare dates")


def _fields(text: str | None, collection: str) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in FIELDS[collection]]
    if unknown:
        raise SisRefused(400, "invalid_selection_field", "fields names something that this collection does not have")
    return names
