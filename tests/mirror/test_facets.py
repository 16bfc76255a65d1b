"""Facets that a later version of the bridge looks records up by are given to the records of an older mirror: not while
it is opened, but afterwards; until then everything is found all the same."""

import json
from dataclasses import replace

import msgspec
import pytest

from bridge.mirror.facets import fill_facets, unfilled
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages
from bridge.oneroster.filters import parse_filter
from bridge.roster.model import (
    ACADEMIC_SESSIONS,
    CLASSES,
    COLLECTIONS,
    ENROLLMENTS,
    ORGS,
    ROLE_AT_ORG,
    USERS,
)
from bridge.roster.query import Among, And, Comparison, Or, Predicate, Query
from bridge.roster.values import values_at
from bridge.roster.visibility import Visibility
from tests.mirror.rosters_in_memory import INSTRUCTOR, School

ROLES = ("users", "roles.role")
ALL_FACETS = frozenset((name, path.name) for name, collection in COLLECTIONS.items() for path in collection.facets)


@pytest.fixture
def older(school, biology, chemistry):
    """Makes the mirror one of a version that kept none of these facets."""
    chemistry.enrol("tea")  # who teaches biology
    chemistry.enrol("uma", INSTRUCTOR)
    school.reconcile(biology)
    school.reconcile(chemistry)
    db = school.mirror.db

    def older(missing, *, numbered=False, noted=True):
        for name, path in missing:
            field = "SELECT field FROM facet_fields WHERE collection = ? AND path = ?"
            db.execute(f"DELETE FROM facets WHERE field = ({field})", (name, path))
            if not numbered:
                db.execute("DELETE FROM facet_fields WHERE collection = ? AND path = ?", (name, path))
        if noted:
            full = sorted(f"{name} {path}" for name, path in ALL_FACETS - set(missing))
            db.execute("UPDATE meta SET value = ? WHERE key = 'facets_filled'", (json.dumps(full),))
        else:
            db.execute("DELETE FROM meta WHERE key = 'facets_filled'")
        School(school.path).close()  # by this version

    return older


def values(school):
    """Every facet, by what its field is."""
    rows = school.mirror.db.execute("SELECT collection, path, value, seq FROM facets JOIN facet_fields USING (field)")
    return sorted(rows.fetchall())


def of_records(school):
    """What every facet should be, by the records."""
    return sorted(
        {
            (name, path.name, value, seq)
            for name, collection in COLLECTIONS.items()
            for seq, text in school.mirror.db.execute(f'SELECT seq, document FROM "{name}"')
            for path in collection.facets
            for value in values_at(msgspec.json.decode(text), path.name)
        }
    )


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "older-than-the-note"])
def test_records_get_a_facet_that_the_mirror_did_not_keep(school, older, noted):
    before = school.dump()
    older([ROLES], noted=noted)
    assert unfilled(school.mirror.db) == {ROLES}
    assert ROLES not in {(name, path) for name, path, _, _ in values(school)}

    fill_facets(school.mirror.db)

    assert unfilled(school.mirror.db) == frozenset()
    assert values(school) == of_records(school)
    after = school.dump()
    untouched = set(before) - {"facets", "facet_fields", "meta"}
    assert {table: after[table] for table in untouched} == {table: before[table] for table in untouched}


def test_older_mirror_is_opened_without_reading_its_records(school, older):
    older([])
    db = school.mirror.db
    db.execute("DELETE FROM facets WHERE field = (SELECT field FROM facet_fields WHERE path = 'roles.role')")
    db.execute("DELETE FROM facet_fields WHERE path = 'roles.role'")
    db.execute("UPDATE meta SET value = replace(value, '\"users roles.role\", ', '') WHERE key = 'facets_filled'")
    db.execute("UPDATE users SET document = '{}'")  # nothing that could be read

    Mirror.open(school.path).close()

    assert unfilled(db) == {ROLES}


def test_new_mirror_has_every_facet(school):
    assert unfilled(school.mirror.db) == frozenset()


def test_facets_that_a_version_has_numbered_and_not_filled_are_filled(school, older):
    older([ROLES], numbered=True)
    assert unfilled(school.mirror.db) == {ROLES}

    fill_facets(school.mirror.db)

    assert values(school) == of_records(school)


def test_facet_that_was_given_up_for_a_while_forgets_what_it_held(school, older):
    older([ROLES], numbered=True)
    db = school.mirror.db
    db.execute("INSERT INTO facets SELECT field, 1, 'stale', 1 FROM facet_fields WHERE path = 'roles.role'")

    fill_facets(school.mirror.db)

    assert values(school) == of_records(school)


def test_records_that_change_before_a_facet_is_full_have_it_in_the_end(school, older, biology):
    older([ROLES, ("enrollments", "user.sourcedId")])
    biology.leave("ben")
    biology.enrol("dan", given_name="Dan")
    school.reconcile(biology)

    fill_facets(school.mirror.db)
    biology.enrol("eve")
    school.reconcile(biology)

    assert values(school) == of_records(school)


def test_mirror_that_has_every_facet_is_opened_without_waiting_for_a_writer(school):
    school.mirror.db.execute("BEGIN IMMEDIATE")

    other = Mirror.open(school.path)

    other.close()
    school.mirror.db.execute("ROLLBACK")


def test_mirror_that_is_being_filled_is_opened_without_waiting_for_a_writer(school, older):
    older([ROLES])
    school.mirror.db.execute("BEGIN IMMEDIATE")

    other = Mirror.open(school.path)

    other.close()
    school.mirror.db.execute("ROLLBACK")


def named(path, value):
    return Comparison(path, Predicate.EQUAL, value, verbatim=True)


def active_in(collection, path):
    return Among(collection, path, named("status", "active"))


QUESTIONS = [
    pytest.param(USERS, parse_filter("roles.role='student'", USERS), id="value-in-objects"),
    pytest.param(USERS, parse_filter("roles.role!='student'", USERS), id="no-such-value"),
    pytest.param(USERS, parse_filter("roles.role='student,teacher'", USERS), id="set-of-values"),
    pytest.param(USERS, parse_filter("roles.role~'student,teacher'", USERS), id="any-of-a-set"),
    pytest.param(USERS, parse_filter("roles.role='teacher' OR familyName='Abara'", USERS), id="either"),
    pytest.param(USERS, parse_filter("roles.role='student' AND familyName='Abara'", USERS), id="both"),
    pytest.param(USERS, active_in(ENROLLMENTS, "user.sourcedId"), id="whoever-others-refer-to"),
    pytest.param(CLASSES, active_in(ENROLLMENTS, "class.sourcedId"), id="whatever-others-refer-to"),
    pytest.param(ACADEMIC_SESSIONS, active_in(CLASSES, "terms.sourcedId"), id="whatever-lists-refer-to"),
    pytest.param(ORGS, active_in(USERS, "roles.org.sourcedId"), id="whatever-objects-refer-to"),
    pytest.param(
        USERS,
        And(
            (named("status", "active"), Or((named("roles.role", "teacher"), active_in(ENROLLMENTS, "user.sourcedId"))))
        ),
        id="deep-in-a-condition",
    ),
]


def found(school, collection, where, visibility):
    mirror = Mirror.open_read_only(school.path)
    pages = Pages(mirror, public_url="https://bridge.example.org")
    page = pages.page(Query(collection=collection, visibility=visibility, limit=100, where=where))
    mirror.close()
    return page


@pytest.mark.parametrize("limited", [False, True], ids=["all", "limited-to-an-org"])
@pytest.mark.parametrize(("collection", "where"), QUESTIONS)
def test_the_same_is_found_before_a_facet_is_full(school, older, collection, where, limited):
    (org,) = school.mirror.db.execute("SELECT sourcedId FROM orgs").fetchone()
    visibility = Visibility(None, orgs=frozenset({org})) if limited else Visibility.of_all()
    # What the horizon of a limited caller stands on is older than any version.
    references = {("enrollments", "class.sourcedId"), ("classes", "terms.sourcedId"), ("users", "roles.org.sourcedId")}
    references |= {("classes", "school.sourcedId"), ("courses", "org.sourcedId")}
    before = found(school, collection, where, visibility)

    older(ALL_FACETS - references if limited else ALL_FACETS)

    assert found(school, collection, where, visibility) == before
    assert before.total > 0


def test_whoever_has_a_role_at_an_org_is_found_before_a_facet_is_full(school, older):
    (org,) = school.mirror.db.execute("SELECT sourcedId FROM orgs").fetchone()
    where = named(ROLE_AT_ORG.name, f"student@{org}")
    before = found(school, USERS, where, Visibility.of_all())

    older(ALL_FACETS)

    assert found(school, USERS, where, Visibility.of_all()) == before
    assert before.total == 4


def test_facets_of_a_mirror_that_did_not_keep_them_by_source_are_kept(school, biology, chemistry):
    school.reconcile(biology)
    school.reconcile(replace(chemistry, source="south"))
    whole = school.dump()
    db = school.mirror.db
    db.execute("ALTER TABLE facets RENAME TO by_source")
    db.execute(
        "CREATE TABLE facets (field INTEGER NOT NULL REFERENCES facet_fields (field), value TEXT NOT NULL,"
        " seq INTEGER NOT NULL, PRIMARY KEY (field, value, seq)) STRICT, WITHOUT ROWID"
    )
    db.execute("INSERT INTO facets SELECT field, value, seq FROM by_source")
    db.execute("DROP TABLE by_source")
    db.execute("DELETE FROM migrations WHERE number = 23")

    School(school.path).close()

    assert school.dump()["facets"] == whole["facets"]
