"""A mirror of thousands of records is given a new facet in several short writes, whatever happens in between."""

import shutil

import msgspec
import pytest

from bridge import storage
from bridge.clock import utc_now
from bridge.mirror.documents import Documents
from bridge.mirror.facets import fill_facets, unfilled
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.identity import SourcedId
from bridge.roster.model import CLASSES, ENROLLMENTS
from bridge.roster.ports import Derived
from bridge.roster.query import Comparison, Predicate, Query
from bridge.roster.visibility import Visibility

FACET = ("enrollments", "class.sourcedId")
FIELD = "(SELECT field FROM facet_fields WHERE collection = 'enrollments' AND path = 'class.sourcedId')"


@pytest.fixture
def mirror(filled_path, tmp_path):
    """One of a version that kept no facet of the enrollments' classes."""
    path = tmp_path / "mirror.sqlite"
    shutil.copy(filled_path, path)
    mirror = Mirror.open(path)
    mirror.db.execute(
        "UPDATE meta SET value = replace(value, '\"enrollments class.sourcedId\", ', '') WHERE key = 'facets_filled'"
    )
    assert unfilled(mirror.db) == {FACET}
    yield mirror
    mirror.close()


def facets(mirror):
    return mirror.db.execute(f"SELECT value, seq FROM facets WHERE field = {FIELD} ORDER BY seq").fetchall()


def of_records(mirror):
    return mirror.db.execute('SELECT "class.sourcedId", seq FROM enrollments ORDER BY seq').fetchall()


def move_somebody(mirror, number):
    """An enrollment becomes one in another class."""
    (text,) = mirror.db.execute("SELECT document FROM enrollments WHERE seq = ?", (number,)).fetchone()
    body = msgspec.json.decode(text)
    with storage.write(mirror.db):
        changed = next_changed(mirror.db)
        (source,) = mirror.db.execute("SELECT source FROM enrollments WHERE seq = ?", (number,)).fetchone()
        documents = Documents(mirror.db, source, changed)
        body["class"] = {**body["class"], "sourcedId": f"another-{number}"}
        documents.put([Derived(ENROLLMENTS.name, SourcedId(body["sourcedId"]), body)])
        documents.finish()
        stamp(mirror.db, changed, None, utc_now)


def test_records_may_change_between_two_writes(mirror):
    mirror.db.execute(f"UPDATE facets SET value = value || '-stale' WHERE field = {FIELD}")
    numbers = iter(range(1, 6_000, 700))

    fill_facets(mirror.db, between=lambda: move_somebody(mirror, next(numbers)))

    assert next(numbers) > 3_000, "there were several writes"
    assert facets(mirror) == of_records(mirror)
    assert unfilled(mirror.db) == frozenset()


class StoppedError(Exception):
    pass


def test_whoever_is_stopped_leaves_the_rest_to_the_next(mirror):
    mirror.db.execute(f"DELETE FROM facets WHERE field = {FIELD}")

    def stop():
        raise StoppedError

    with pytest.raises(StoppedError):
        fill_facets(mirror.db, between=stop)
    done = len(facets(mirror))
    assert 0 < done < len(of_records(mirror))
    move_somebody(mirror, 1)

    fill_facets(mirror.db)

    assert facets(mirror) == of_records(mirror)


def test_members_of_a_class_are_found_meanwhile(mirror):
    pages = Pages(mirror, public_url="http://127.0.0.1:8080")

    def students():
        (class_,) = mirror.db.execute(f'SELECT max(sourcedId) FROM "{CLASSES.name}"').fetchone()
        where = Comparison("class.sourcedId", Predicate.EQUAL, class_, verbatim=True)
        return pages.page(Query(collection=ENROLLMENTS, visibility=Visibility.of_all(), limit=100, where=where))

    fill_facets(mirror.db)
    full = students()
    mirror.db.execute(
        "UPDATE meta SET value = replace(value, '\"enrollments class.sourcedId\", ', '') WHERE key = 'facets_filled'"
    )
    mirror.db.execute(f"DELETE FROM facets WHERE field = {FIELD}")

    assert students() == full
    assert full.total > 10
