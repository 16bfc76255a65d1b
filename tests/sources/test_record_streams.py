"""Records from anywhere, through the same reconciler, one at a time."""

import tracemalloc

import pytest

from bridge.clock import utc_now
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Outcome
from bridge.roster.model import ENROLLMENTS, ORGS, USERS
from bridge.roster.ports import FactKind, Gone, Rejected, Stated
from bridge.roster.records import RecordDerivation, RecordSnapshot, state
from bridge.roster.references import References
from bridge.sync.guards import Guards
from bridge.sync.reconciler import Reconciler
from tests.sources.scripted_sis import enrollment, org, user

DERIVATION = RecordDerivation(references=References("https://bridge.example.org"))


def stream(people):
    """A school, its people and one enrollment of each, made as they are asked for."""
    yield ORGS, org()
    for number in range(people):
        yield USERS, user(f"u{number}")
    for number in range(people):
        yield ENROLLMENTS, enrollment(f"u{number}", f"class-{number % 40}")


def reconcile(path, people):
    mirror = Mirror.open(path)
    try:
        snapshot = RecordSnapshot("files", stream(people), complete=True)
        return Reconciler(mirror, Guards(), utc_now).reconcile(snapshot, DERIVATION)
    finally:
        mirror.close()


def peak(path, people):
    tracemalloc.start()
    try:
        run = reconcile(path, people)
        return run, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_roster(tmp_path):
    reconcile(tmp_path / "warm.sqlite", 50)
    run, small = peak(tmp_path / "small.sqlite", 1500)
    _, large = peak(tmp_path / "large.sqlite", 3000)

    assert (run.outcome, run.added) == (Outcome.APPLIED, 3001)
    assert large < small * 1.15


def test_records_of_a_file_are_reconciled_like_a_sis(tmp_path):
    path = tmp_path / "mirror.sqlite"
    reconcile(path, 30)

    run = reconcile(path, 29)

    assert (run.outcome, run.removed, run.records["users"]) == (Outcome.APPLIED, 2, {"removed": 1})


def test_record_is_stated_without_date_and_secrets():
    (stated,) = state(USERS, user("ada", password="hunter2"), 0)

    assert isinstance(stated, Stated)
    assert (stated.kind, stated.subject) == (FactKind.RECORD, "users/ada")
    assert b"hunter2" not in stated.raw
    assert b"dateLastModified" not in stated.raw


def test_tombstone_is_stated_and_said_to_be_gone():
    stated, gone = state(USERS, user("ada", status="tobedeleted"), 0, "p-")

    assert isinstance(stated, Stated)
    assert (stated.kind, gone) == (FactKind.TOMBSTONE, Gone("users/p-ada"))


@pytest.mark.parametrize(
    ("record", "subject"),
    [
        ({"givenName": "Ada"}, None),
        ("ada", None),
        (None, None),
        ({"sourcedId": " "}, None),
        ({"sourcedId": "x" * 256}, f"users/{'x' * 256}"),
        ({"sourcedId": "ada", "metadata": {"note": "x" * 300_000}}, "users/ada"),
    ],
    ids=["no id", "text", "null", "blank id", "long id", "long record"],
)
def test_what_cannot_be_stated_is_rejected(record, subject):
    (rejected,) = state(USERS, record, 7)

    assert isinstance(rejected, Rejected)
    assert (rejected.position, rejected.subject) == (7, subject)


def test_number_as_sourced_id_is_its_text():
    (stated,) = state(USERS, user(12), 0)

    assert isinstance(stated, Stated)
    assert stated.subject == "users/12"


def test_record_that_comes_twice_is_as_it_was_read_last(tmp_path):
    mirror = Mirror.open(tmp_path / "mirror.sqlite")
    records = [(ORGS, org(name="Former")), (ORGS, org(name="Later"))]

    run = Reconciler(mirror, Guards(), utc_now).reconcile(RecordSnapshot("files", records, complete=True), DERIVATION)

    assert run.added == 1
    assert '"name":"Later"' in mirror.db.execute("SELECT document FROM orgs").fetchone()[0]
    mirror.close()
