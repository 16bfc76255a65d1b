"""A jump to an offset finds what walking finds, and costs little, also while commits come and go."""

import random
import shutil
import weakref
from dataclasses import replace

import msgspec
import pytest

from bench.fill import SOURCES
from bridge import storage
from bridge.clock import utc_now
from bridge.mirror.documents import Documents
from bridge.mirror.landmarks import LandmarksOfQueries
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages
from bridge.mirror.writes import next_changed, stamp
from bridge.oneroster.filters import parse_filter
from bridge.roster.identity import SourcedId
from bridge.roster.model import CLASSES, ENROLLMENTS, USERS
from bridge.roster.ports import Derived
from bridge.roster.query import Among, Query, Sort
from bridge.roster.visibility import Visibility
from tests.bench.conftest import SIZE

ALL, NORTH = Visibility.of_all(), Visibility.of("north")
ORDERS = [
    pytest.param({}, id="unsorted"),
    pytest.param({"visibility": NORTH}, id="of-one-source"),
    pytest.param({"descending": True}, id="latest-first"),
    pytest.param({"where": parse_filter("role='student' AND status='active'", ENROLLMENTS)}, id="filtered"),
    pytest.param({"where": parse_filter("endDate>'2027-06-10'", ENROLLMENTS)}, id="filtered-by-a-date"),
    pytest.param({"where": parse_filter("role='teacher' OR status='active'", ENROLLMENTS)}, id="filtered-by-either"),
    pytest.param({"search": "a"}, id="searched"),
    pytest.param({"sort": Sort("status")}, id="by-status"),
    pytest.param({"sort": Sort("endDate")}, id="by-a-date-that-may-be-missing"),
    pytest.param({"sort": Sort("endDate", descending=True), "visibility": NORTH}, id="by-a-date-of-one-source-down"),
    pytest.param({"sort": Sort("user.sourcedId", descending=True)}, id="by-a-reference-down"),
    pytest.param({"sort": Sort("sourcedId")}, id="by-sourced-id"),
    pytest.param({"sort": Sort("dateLastModified")}, id="by-the-time-of-change"),
    pytest.param({"sort": Sort("metadata.lti.userId")}, id="by-a-field-without-order"),
]


class Filled:
    """A filled mirror of one's own, that others write to."""

    def __init__(self, path):
        self.mirror = Mirror.open(path)
        self.random = random.Random(5)
        self.reader = Mirror.open_read_only(path)
        self.pages = self.new_pages()

    def new_pages(self, landmarks=None):
        return Pages(self.reader, public_url="http://127.0.0.1:8080", time_limit=60, landmarks=landmarks)

    def close(self):
        self.reader.close()
        self.mirror.close()

    def bodies(self, count, collection=ENROLLMENTS):
        """Some records of the first source, drawn at random."""
        rows = self.mirror.db.execute(f'SELECT document FROM "{collection.name}" WHERE source = 1').fetchall()
        return [msgspec.json.decode(text) for (text,) in self.random.sample(rows, count)]

    def put(self, bodies, collection=ENROLLMENTS):
        with self.writing() as documents:
            documents.put([Derived(collection.name, SourcedId(body["sourcedId"]), body) for body in bodies])

    def forget(self, count):
        with self.writing() as documents:
            seqs = self.mirror.db.execute("SELECT seq FROM enrollments WHERE source = 1").fetchall()
            documents.forget(ENROLLMENTS, [seq for (seq,) in self.random.sample(seqs, count)])

    def writing(self):
        return _Writing(self.mirror)

    def reconcile_a_little(self):
        """What a small reconciliation does: some change, one comes."""
        changed = [{**body, **self.random.choice(CHANGES)} for body in self.bodies(5)]
        new = {**self.bodies(1)[0], "sourcedId": f"new-{self.random.random()}"}
        self.put([*changed, new])


AWKWARD = [each for each in ORDERS if each.id in {"of-one-source", "filtered", "by-a-date-that-may-be-missing"}]

CHANGES = (
    {"status": "tobedeleted"},
    {"status": "active"},
    {"role": "teacher"},
    {"endDate": "2027-06-20"},
    {"endDate": "2026-12-31"},
    {"user": {"sourcedId": "0", "type": "user", "href": "https://example.org"}},
)


class _Writing:
    def __init__(self, mirror):
        self._mirror = mirror

    def __enter__(self):
        self._block = storage.write(self._mirror.db)
        self._block.__enter__()
        self._changed = next_changed(self._mirror.db)
        self._documents = Documents(self._mirror.db, self._mirror.source_ids()[SOURCES[0]], self._changed)
        return self._documents

    def __exit__(self, *raised):
        self._documents.finish()
        stamp(self._mirror.db, self._changed, None, utc_now)
        self._block.__exit__(*raised)


@pytest.fixture
def filled(filled_path, tmp_path):
    shutil.copy(filled_path, tmp_path / "mirror.sqlite")
    filled = Filled(tmp_path / "mirror.sqlite")
    yield filled
    filled.close()


def query(offset=0, limit=20, **rest):
    return Query(**{"collection": ENROLLMENTS, "visibility": ALL, "limit": limit, "offset": offset, **rest})


def found(pages, offset, **order):
    page = pages.page(query(offset, **order))
    return (page.documents, page.total, page.more)


def assert_jumps_find_what_walking_finds(filled, **order):
    whole = filled.new_pages().page(query(limit=10_000, **order))
    records = msgspec.json.decode(b"[%b]" % whole.documents)
    for offset in (0, *(filled.random.randrange(whole.total + 50) for _ in range(8)), whole.total - 1):
        page = filled.pages.page(query(offset, **order))

        assert msgspec.json.decode(b"[%b]" % page.documents) == records[offset : offset + 20]
        assert (page.total, page.more) == (whole.total, offset + 20 < whole.total)


@pytest.mark.parametrize("order", ORDERS)
def test_jump_finds_what_walking_does_while_commits_come(filled, order):
    for _ in range(3):
        assert_jumps_find_what_walking_finds(filled, **order)
        filled.reconcile_a_little()
    assert_jumps_find_what_walking_finds(filled, **order)


@pytest.mark.parametrize("order", AWKWARD)
def test_jump_finds_what_walking_does_when_records_were_removed_for_good(filled, order):
    assert_jumps_find_what_walking_finds(filled, **order)

    filled.forget(40)
    filled.reconcile_a_little()

    assert_jumps_find_what_walking_finds(filled, **order)


@pytest.mark.parametrize("order", AWKWARD)
def test_jump_finds_what_walking_does_when_very_many_were_changed(filled, order):
    assert_jumps_find_what_walking_finds(filled, **order)

    filled.put([{**body, "status": "tobedeleted"} for body in filled.bodies(900)])

    assert_jumps_find_what_walking_finds(filled, **order)


@pytest.mark.parametrize("order", AWKWARD)
def test_jump_finds_what_walking_does_when_the_change_log_was_purged(filled, order):
    assert_jumps_find_what_walking_finds(filled, **order)

    filled.reconcile_a_little()
    filled.mirror.db.execute("UPDATE changes SET before = NULL WHERE changed = (SELECT max(changed) FROM writes)")
    assert_jumps_find_what_walking_finds(filled, **order)
    filled.reconcile_a_little()
    filled.mirror.db.execute("DELETE FROM changes")
    filled.reconcile_a_little()

    assert_jumps_find_what_walking_finds(filled, **order)


@pytest.mark.parametrize("order", AWKWARD)
def test_jump_finds_what_walking_does_when_the_change_log_is_too_long_to_be_read(filled, monkeypatch, order):
    monkeypatch.setattr("bridge.mirror.jumps._MOVED", 10)
    assert_jumps_find_what_walking_finds(filled, **order)

    filled.put([{**body, "email": "new@example.org"} for body in filled.bodies(40, USERS)], USERS)
    filled.put([{**body, "status": "tobedeleted", "endDate": "2026-01-01"} for body in filled.bodies(8)])

    assert_jumps_find_what_walking_finds(filled, **order)


def test_records_that_others_decide_about_are_found_anew(filled):
    active = Among(ENROLLMENTS, "class.sourcedId", parse_filter("status='active'", ENROLLMENTS))
    order = {"collection": CLASSES, "where": active}
    assert_jumps_find_what_walking_finds(filled, **order)

    for class_ in filled.bodies(3, CLASSES):
        of_class = [one for one in filled.bodies(2_000) if one["class"]["sourcedId"] == class_["sourcedId"]]
        filled.put([{**one, "status": "tobedeleted"} for one in of_class])

    assert_jumps_find_what_walking_finds(filled, **order)


def test_reader_of_an_earlier_state_is_not_misled(filled, tmp_path):
    shared = LandmarksOfQueries()
    early, late = (
        filled.new_pages(shared),
        Pages(Mirror.open_read_only(tmp_path / "mirror.sqlite"), public_url="http://127.0.0.1:8080", landmarks=shared),
    )
    active = {"where": parse_filter("status='active'", ENROLLMENTS)}
    before = found(early, 5_000, **active)

    with early.reading():
        assert found(early, 5_000, **active) == before
        filled.put([{**body, "status": "tobedeleted"} for body in filled.bodies(30)])
        after = found(late, 5_000, **active)

        assert found(early, 5_000, **active) == before
    assert found(late, 5_000, **active) == after == found(early, 5_000, **active)
    assert after != before


class Steps:
    """Counts the steps of SQLite's virtual machine, which are the same on every machine and in every run."""

    def __init__(self, filled):
        self._filled = filled
        self._steps = 0
        filled.reader.db.conn.set_progress_handler(self._step, 10)

    def _step(self):
        self._steps += 1
        return 0

    def of(self, offset, **order):
        self._steps = 0
        self._filled.pages.page(query(offset, limit=100, **order))
        return self._steps


IN_ORDER = [each for each in ORDERS if each.id != "by-a-field-without-order"]
CARRIED = [each for each in IN_ORDER if each.id != "by-the-time-of-change"]


@pytest.mark.parametrize("order", IN_ORDER)
def test_second_jump_costs_one_walk_and_spares_the_others_theirs(filled, order):
    steps = Steps(filled)
    steps.of(0, **order)
    plain = steps.of(900, **order)
    first = steps.of(2_900, **order)
    second = steps.of(2_901, **order)

    assert second < 3 * first
    assert all(steps.of(offset, **order) < 2 * plain for offset in (2_500, 1_400, 2_000))


@pytest.mark.parametrize("order", CARRIED)
def test_deep_page_behind_a_small_commit_costs_less_than_the_walk(filled, order):
    steps = Steps(filled)
    total = filled.pages.page(query(**order)).total
    walk = steps.of(total - 200, **order)
    steps.of(total - 201, **order)
    small = {**filled.bodies(1)[0], "status": "tobedeleted"}

    filled.put([small])

    steps.of(0, **order)  # takes up what has changed
    assert steps.of(total - 200, **order) < walk


def test_page_behind_the_end_is_found_without_a_walk(filled):
    steps = Steps(filled)
    steps.of(0)

    assert steps.of(SIZE.enrollments + 100_000_000) < steps.of(0)


def test_queries_that_readers_go_on_asking_are_kept_and_no_others_are_held(filled, monkeypatch):
    monkeypatch.setattr("bridge.mirror.landmarks._QUERIES", 2)
    shared = LandmarksOfQueries()
    pages = filled.new_pages(shared)
    often, once, last = {}, {"descending": True}, {"sort": Sort("status")}
    found(pages, 0, **often)
    found(pages, 0, **once)
    held = weakref.ref(shared.find(query(**once)))
    found(pages, 0, **often)

    found(pages, 0, **last)

    assert shared.find(query(**often)) is not None
    assert held() is None


@pytest.mark.parametrize("costly", [1.0, -1.0], ids=["walks-leave-them", "pages-leave-them"])
def test_landmarks_that_readers_leave_are_bounded_for_all_queries_together(filled, monkeypatch, costly):
    monkeypatch.setattr("bridge.mirror.jumps._COSTLY", costly)
    monkeypatch.setattr("bridge.mirror.landmarks._OF_ALL", 8)
    monkeypatch.setattr("bridge.mirror.landmarks._LEFT_OF_ALL", 7)
    shared = LandmarksOfQueries()
    pages = filled.new_pages(shared)
    first, last = {}, {"descending": True}
    for order in (first, last):
        for offset in (2_900, 2_900, 600, 1_200, 1_800, 2_400):
            found(pages, offset, **order)

    assert len(shared.find(query(**last))) >= 4
    assert shared.find(query(**first)) is None


def test_landmarks_are_true_though_others_set_them_further_apart_meanwhile(filled, monkeypatch):
    shared = LandmarksOfQueries()
    pages = filled.new_pages(shared)
    walked = [found(filled.new_pages(), offset) for offset in (1_200, 2_900)]
    found(pages, 2_900)

    def further_apart(asked, **changes):
        if changes["offset"] == 500:
            shared.find(query()).apart = 1_000
        return replace(asked, **changes)

    monkeypatch.setattr("bridge.mirror.jumps.replace", further_apart)
    found(pages, 2_900)

    assert [found(pages, offset) for offset in (1_200, 2_900)] == walked
