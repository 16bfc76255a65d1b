"""Writing records: row, facets, tallies, change log and outbox move together, and a no-op moves nothing."""

from collections import Counter

import pytest

from bridge import storage
from bridge.errors import SourceRefused
from bridge.mirror.documents import Documents, RecordChange
from bridge.mirror.mirror import Mirror
from bridge.roster.identity import SourcedId
from bridge.roster.model import ENROLLMENTS, USERS
from bridge.roster.ports import Derived


class Writer:
    """Puts records into a mirror, one write transaction each time."""

    def __init__(self, mirror):
        self.db = mirror.db
        self.source = mirror.add_source("north")
        self.changed = 0

    def put(self, *derived, source=None):
        self.changed += 1
        with storage.write(self.db):
            documents = Documents(self.db, source or self.source, self.changed)
            documents.put(derived)
            documents.finish()
        return documents.counts

    def rows(self, sql):
        return self.db.execute(sql).fetchall()

    def facets(self):
        return self.rows(
            "SELECT path, value, seq FROM facets JOIN facet_fields USING (field) ORDER BY path, value, seq"
        )

    def tallies(self):
        rows = self.rows("SELECT collection, status, kind, count FROM tallies WHERE count <> 0")
        return {tuple(key): count for *key, count in rows}

    def log(self):
        return self.rows("SELECT changed, sourcedId, kind, before FROM changes ORDER BY id")

    def outbox(self):
        return self.rows("SELECT changed, sourcedId, kind FROM outbox ORDER BY event")

    def everything(self):
        tables = [name for (name,) in self.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: self.rows(f'SELECT * FROM "{name}"') for name in tables}


@pytest.fixture
def writer(tmp_path):
    mirror = Mirror.open(tmp_path / "mirror.sqlite")
    yield Writer(mirror)
    mirror.close()


def enrollment(sourced_id, role="student", status="active", user="u1"):
    body = {"sourcedId": sourced_id, "status": status, "user": {"sourcedId": user}, "role": role}
    return Derived(ENROLLMENTS.name, SourcedId(sourced_id), body)


def user(sourced_id, *roles, **more):
    body = {"sourcedId": sourced_id, "status": "active", "roles": [{"role": role} for role in roles], **more}
    return Derived(USERS.name, SourcedId(sourced_id), body)


def nothing(sourced_id):
    return Derived(ENROLLMENTS.name, SourcedId(sourced_id), None)


def test_new_record_is_everywhere(writer):
    counts = writer.put(enrollment("e1"))

    assert counts == {("enrollments", RecordChange.ADDED): 1}
    assert writer.rows("SELECT seq, source, sourcedId, changed, status, role FROM enrollments") == [
        (1, writer.source, "e1", 1, "active", "student")
    ]
    assert writer.facets() == [("user.sourcedId", "u1", 1)]
    assert writer.tallies() == {("enrollments", "active", ""): 1, ("enrollments", "active", "student"): 1}
    assert writer.log() == [(1, "e1", "added", None)]
    assert writer.outbox() == [(1, "e1", "added")]


def test_document_is_compact_json_beginning_with_its_id(writer):
    writer.put(user("u1", givenName="Zoë", familyName='O"Neil'))

    assert writer.rows("SELECT document FROM users") == [
        ('{"sourcedId":"u1","status":"active","roles":[],"givenName":"Zoë","familyName":"O\\"Neil"}',)
    ]


def test_same_record_again_moves_nothing(writer):
    writer.put(enrollment("e1"), user("u1", "teacher"))
    before = writer.everything()

    assert writer.put(enrollment("e1"), user("u1", "teacher")) == Counter()
    assert writer.everything() == before


def test_changed_record_keeps_its_place_and_says_what_it_was(writer):
    writer.put(enrollment("e0"), enrollment("e1"))
    ((before,),) = writer.rows("SELECT document FROM enrollments WHERE sourcedId = 'e1'")

    counts = writer.put(enrollment("e0"), enrollment("e1", role="teacher", user="u2"))

    assert counts == {("enrollments", RecordChange.CHANGED): 1}
    assert writer.rows("SELECT seq, changed, role FROM enrollments ORDER BY seq") == [
        (1, 1, "student"),
        (2, 2, "teacher"),
    ]
    assert writer.facets() == [("user.sourcedId", "u1", 1), ("user.sourcedId", "u2", 2)]
    assert writer.log()[-1] == (2, "e1", "changed", before)


def test_what_is_derived_as_nothing_becomes_tobedeleted(writer):
    writer.put(enrollment("e1"))

    counts = writer.put(nothing("e1"))

    assert counts == {("enrollments", RecordChange.REMOVED): 1}
    assert writer.rows("SELECT seq, changed, status, role FROM enrollments") == [(1, 2, "tobedeleted", "student")]
    assert writer.facets() == [("user.sourcedId", "u1", 1)]
    assert writer.tallies() == {("enrollments", "tobedeleted", ""): 1, ("enrollments", "tobedeleted", "student"): 1}
    assert writer.outbox()[-1] == (2, "e1", "removed")


def test_what_is_derived_as_nothing_again_moves_nothing(writer):
    writer.put(enrollment("e1"))
    writer.put(nothing("e1"))
    before = writer.everything()

    assert writer.put(nothing("e1"), nothing("never-seen")) == Counter()
    assert writer.everything() == before


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        pytest.param(None, "active", RecordChange.ADDED, id="new"),
        pytest.param(None, "tobedeleted", RecordChange.ADDED, id="new-and-already-retired"),
        pytest.param("active", "tobedeleted", RecordChange.REMOVED, id="retired"),
        pytest.param("tobedeleted", "active", RecordChange.RESTORED, id="back"),
    ],
)
def test_kind_of_change(writer, before, after, kind):
    if before is not None:
        writer.put(enrollment("e1", status=before))

    assert writer.put(enrollment("e1", status=after)) == {("enrollments", kind): 1}


def test_other_change_of_a_retired_record_is_a_change(writer):
    writer.put(enrollment("e1", status="tobedeleted"))

    counts = writer.put(enrollment("e1", status="tobedeleted", role="teacher"))

    assert counts == {("enrollments", RecordChange.CHANGED): 1}


def test_record_counts_once_under_each_of_its_roles(writer):
    writer.put(user("u1", "teacher", "student", "student"), user("u2", "student"))

    assert writer.tallies() == {
        ("users", "active", ""): 2,
        ("users", "active", "student"): 2,
        ("users", "active", "teacher"): 1,
    }
    assert writer.facets() == [("roles.role", "student", 1), ("roles.role", "student", 2), ("roles.role", "teacher", 1)]


def test_tallies_follow_a_role(writer):
    writer.put(user("u1", "teacher"))

    writer.put(user("u1", "student"))

    assert writer.tallies() == {("users", "active", ""): 1, ("users", "active", "student"): 1}


def test_facet_stays_where_a_change_does_not_touch_it(writer):
    writer.put(user("u1", "teacher", grades=["09", "10"]))

    writer.put(user("u1", "teacher", grades=["10", "11"]))

    assert writer.facets() == [("grades", "10", 1), ("grades", "11", 1), ("roles.role", "teacher", 1)]


def test_record_of_another_source_is_refused(writer):
    writer.put(enrollment("e1"))
    before = writer.everything()
    with storage.write(writer.db):
        south = int(writer.db.execute("INSERT INTO sources (name) VALUES ('south') RETURNING id").fetchone()[0])

    with pytest.raises(SourceRefused, match="a sourcedId in enrollments is taken by another source"):
        writer.put(enrollment("e2"), enrollment("e1", role="teacher"), source=south)

    assert writer.everything() == {**before, "sources": [*before["sources"], (south, "south")]}


def test_seq_is_not_used_again_after_a_purge(writer):
    writer.put(enrollment("e1"), enrollment("e2"))
    writer.db.execute("DELETE FROM facets")
    writer.db.execute("DELETE FROM enrollments WHERE sourcedId = 'e2'")

    writer.put(enrollment("e3"))
    writer.put(enrollment("e2"))

    assert writer.rows("SELECT seq, sourcedId FROM enrollments ORDER BY seq") == [(1, "e1"), (3, "e3"), (4, "e2")]


def test_many_records_at_once(writer):
    many = [record for number in range(1234) for record in (enrollment(f"e{number}"), user(f"u{number}", "student"))]

    counts = writer.put(*many)

    assert counts == {("enrollments", RecordChange.ADDED): 1234, ("users", RecordChange.ADDED): 1234}
    assert writer.rows("SELECT sourcedId FROM users ORDER BY seq") == [(f"u{number}",) for number in range(1234)]
    assert writer.tallies()["users", "active", "student"] == 1234


def test_two_puts_of_one_write_add_up(writer):
    with storage.write(writer.db):
        documents = Documents(writer.db, writer.source, 1)
        documents.put([enrollment("e1")])
        documents.put([enrollment("e2"), enrollment("e1")])
        documents.put([nothing("e1")])
        documents.finish()

    assert writer.rows("SELECT seq, sourcedId, status FROM enrollments ORDER BY seq") == [
        (1, "e1", "tobedeleted"),
        (2, "e2", "active"),
    ]
    assert writer.tallies()["enrollments", "active", ""] == writer.tallies()["enrollments", "tobedeleted", ""] == 1
    assert [kind for _, _, kind in writer.outbox()] == ["added", "added", "removed"]
