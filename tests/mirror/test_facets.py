"""Facets that a later version of the bridge looks records up by are given to the records of an older mirror."""

from dataclasses import replace

import pytest

from bridge.mirror.mirror import Mirror
from tests.mirror.rosters_in_memory import School


@pytest.fixture
def older(school, biology, chemistry):
    """Makes the mirror one of a version that kept no facet of the users' roles: how it was, and how it is then."""
    school.reconcile(biology)
    school.reconcile(chemistry)
    whole = school.dump()
    db = school.mirror.db
    field = "(SELECT field FROM facet_fields WHERE collection = 'users' AND path = 'roles.role')"

    def older(*, numbered, noted):
        db.execute(f"DELETE FROM facets WHERE field = {field}")
        if not numbered:
            db.execute("DELETE FROM facet_fields WHERE collection = 'users' AND path = 'roles.role'")
        if noted:
            db.execute(
                "UPDATE meta SET value = replace(value, '\"users roles.role\", ', '') WHERE key = 'facets_filled'"
            )
        else:
            db.execute("DELETE FROM meta WHERE key = 'facets_filled'")
        assert school.dump() != whole
        return whole

    return older


def values(school):
    """Every facet, by what its field is."""
    rows = school.mirror.db.execute("SELECT collection, path, value, seq FROM facets JOIN facet_fields USING (field)")
    return sorted(rows.fetchall())


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "older-than-the-note"])
@pytest.mark.parametrize("numbered", [True, False], ids=["numbered-by-a-migration", "unknown"])
def test_records_get_a_facet_that_the_mirror_did_not_keep(school, older, numbered, noted):
    before = values(school)
    whole = older(numbered=numbered, noted=noted)

    School(school.path).close()

    assert values(school) == before
    after = school.dump()
    untouched = set(whole) - {"facets", "facet_fields"}
    assert {table: after[table] for table in untouched} == {table: whole[table] for table in untouched}


def test_facet_that_was_given_up_for_a_while_forgets_what_it_held(school, older, biology):
    older(numbered=True, noted=True)
    school.mirror.db.execute(
        "INSERT INTO facets SELECT field, 1, 'stale', 1 FROM facet_fields WHERE path = 'roles.role'"
    )

    School(school.path).close()

    assert "stale" not in {value for _, _, value, _ in values(school)}


def test_mirror_that_has_every_facet_is_opened_without_waiting_for_a_writer(school):
    school.mirror.db.execute("BEGIN IMMEDIATE")

    other = Mirror.open(school.path)

    other.close()
    school.mirror.db.execute("ROLLBACK")


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
