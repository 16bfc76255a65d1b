"""The filler fills what it says, and pages of what it fills cost the same wherever they begin.

Costs are counted in steps of SQLite's virtual machine, which are the same on every machine and in every run.
"""

from itertools import pairwise

import msgspec
import pytest

from bench.fill import CHANGED_LAST, SOURCES
from bench.rows import Row
from bridge.mirror.condition_sql import ordered_fields
from bridge.mirror.pages import Pages
from bridge.oneroster.filters import parse_filter
from bridge.roster.model import CLASSES, ENROLLMENTS, USERS
from bridge.roster.query import Query, Sort
from bridge.roster.visibility import Visibility
from tests.bench.conftest import SIZE

ALL, NORTH, SOUTH = Visibility.of_all(), Visibility.of("north"), Visibility.of("south")
VISIBILITIES = pytest.mark.parametrize("visibility", [ALL, NORTH, SOUTH], ids=["all", "first-source", "second-source"])
ACTIVE_STUDENTS = parse_filter("role='student' AND status='active'", ENROLLMENTS)
ORDERS = [
    pytest.param({}, id="unsorted"),
    pytest.param({"descending": True}, id="latest-first"),
    pytest.param({"where": ACTIVE_STUDENTS}, id="filtered"),
    *(
        pytest.param({"sort": Sort(field, descending=down)}, id=f"{field}-{'down' if down else 'up'}")
        for field in ("dateLastModified", *ordered_fields(ENROLLMENTS))
        for down in (False, True)
    ),
]


def query(collection=ENROLLMENTS, visibility=ALL, limit=100, **rest):
    return Query(**{"collection": collection, "visibility": visibility, "limit": limit, **rest})


def read(page):
    return msgspec.json.decode(b"[%b]" % page.documents)


@pytest.mark.parametrize(
    ("collection", "count"),
    [(ENROLLMENTS, SIZE.enrollments), (USERS, SIZE.people), (CLASSES, SIZE.classes)],
    ids=["enrollments", "people", "classes"],
)
def test_there_are_as_many_as_were_asked_for(pages, mirror, collection, count):
    totals = [pages.page(query(collection, visibility)).total for visibility in (ALL, NORTH, SOUTH)]

    assert totals[0] == count
    assert totals[1] + totals[2] == count
    assert min(totals) > 0
    assert mirror.db.execute(f'SELECT count(*) FROM "{collection.name}"').fetchone() == (count,)


def test_tallies_agree_with_the_records(pages, mirror):
    total = pages.page(query(where=ACTIVE_STUDENTS)).total

    counted = "SELECT count(*) FROM enrollments WHERE role = 'student' AND status = 'active'"
    assert mirror.db.execute(counted).fetchone() == (total,)


def test_last_write_changes_a_hundred_enrollments(pages, mirror):
    (latest,) = mirror.db.execute("SELECT max(stamp) FROM writes").fetchone()
    since = parse_filter(f"dateLastModified>='{latest}'", ENROLLMENTS)

    assert pages.page(query(where=since)).total == CHANGED_LAST


def test_references_lead_somewhere(pages):
    for enrollment in read(pages.page(query(limit=50, offset=3_000))):
        for collection, field in ((USERS, "user"), (CLASSES, "class")):
            assert pages.one(collection, enrollment[field]["sourcedId"], ALL)


@VISIBILITIES
@pytest.mark.parametrize("order", ORDERS)
def test_jump_to_an_offset_finds_what_walking_does(mirror, pages, visibility, order):
    whole = read(pages.page(query(visibility=visibility, limit=10_000, **order)))
    jumping = Pages(mirror, public_url="http://127.0.0.1:8080")

    for offset in (1_500, 600, 2_200, 1_501, 0, 2_250, len(whole) - 1, len(whole), 600):
        page = jumping.page(query(visibility=visibility, limit=7, offset=offset, **order))

        assert read(page) == whole[offset : offset + 7]
        assert page.more == (offset + 7 < len(whole))


@VISIBILITIES
@pytest.mark.parametrize("order", ORDERS)
def test_walk_by_places_meets_everybody_once(pages, visibility, order):
    met, page = [], pages.page(query(visibility=visibility, limit=900, **order))
    while True:
        met += [each["sourcedId"] for each in read(page)]
        if not page.more:
            break
        page = pages.page(query(visibility=visibility, limit=900, after=page.last, **order))

    assert len(met) == len(set(met)) == page.total


@pytest.mark.parametrize("order", ORDERS)
def test_deep_page_costs_less_than_ten_first_ones(mirror, pages, order):
    steps = 0

    def step():
        nonlocal steps
        steps += 1
        return 0

    def cost(offset):
        nonlocal steps
        steps = 0
        pages.page(query(offset=offset, **order))
        return steps

    mirror.db.conn.set_progress_handler(step, 10)
    cost(0)
    cost(5_000)
    cost(5_001)  # leaves landmarks on its way

    assert cost(5_100) < 10 * cost(0)


def test_sources_alternate(mirror):
    sources = [
        source
        for (source,) in mirror.db.execute("SELECT source FROM enrollments GROUP BY changed, source ORDER BY changed")
    ]
    assert set(sources) == set(range(1, 1 + len(SOURCES)))
    assert all(one != other for one, other in pairwise(sources[:-1]))


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("of static", 0.6, 0.6), "reached"),
        (Row("of static", 0.59, 0.6), "MISSED"),
        (Row("p50", 100.1, 100, at_most=True), "MISSED"),
        (Row("gzip", 0.5, None), "stated"),
    ],
    ids=["at-the-target", "below-it", "above-a-bound", "without-a-target"],
)
def test_verdict_follows_from_the_target(row, verdict):
    assert row.verdict == verdict
