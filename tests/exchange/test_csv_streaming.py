"""Memory does not grow with the enrollments, neither on the way out nor on the way in."""

import io
import tracemalloc

import pytest

from bridge.oneroster.csv.archive import Archive
from bridge.oneroster.csv.exporting import export_set
from bridge.oneroster.csv.manifest import Mode
from bridge.oneroster.csv.sets import CsvSet
from bridge.oneroster.csv.snapshot import CsvSnapshot
from bridge.roster.model import ENROLLMENTS
from tests.exchange.csv_sets import SMALL, changed, write_set

ENROLLED = 30_000
BYTES_EACH = 60
"""A small part of what a row takes as an object."""


@pytest.fixture
def peak():
    """What a call takes at most, beyond what is there before it."""

    def measure(call):
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


class ManyEnrollments:
    """An extract that makes its records as they are asked for."""

    def records(self, collection):
        for number in range(ENROLLED if collection is ENROLLMENTS else 0):
            refs = {name: {"sourcedId": f"{name}-{number % 100}-{'x' * 30}"} for name in ("user", "class", "school")}
            yield {"sourcedId": f"e{number:08d}", "status": "active", "role": "student", **refs}, ""

    def metadata_keys(self, collection):
        return []

    def is_active(self, collection, sourced_id):
        return True

    def before(self, collection, sourced_id):
        return None

    def org_of_course(self, sourced_id):
        return None


class NothingHeld:
    def record(self, collection, sourced_id):
        return None

    def facts(self, collection):
        return iter(())


def test_on_the_way_out(peak):
    written = io.BytesIO()

    assert peak(lambda: export_set(ManyEnrollments(), written, Mode.BULK)) < ENROLLED * BYTES_EACH
    assert written.tell() > 0


def test_on_the_way_in(tmp_path, peak):
    rows = [f"e{number:08d},,,K,S,{('s1', 's2')[number % 2]},student,,," for number in range(ENROLLED)]
    path = write_set(tmp_path / "in.zip", changed(SMALL, enrollments=rows))
    stated = 0

    def read():
        nonlocal stated
        with Archive(path) as archive:
            stated = sum(1 for _ in CsvSnapshot(archive, CsvSet(archive), "sis", NothingHeld()))

    assert peak(read) < ENROLLED * BYTES_EACH
    assert stated > ENROLLED
