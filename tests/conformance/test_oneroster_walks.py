"""Walks through collections while rosters change: docs/decisions/0003-paging.md.

Whoever is there throughout is seen exactly once, by clients that follow ``next`` and by clients that count offsets.
"""

from collections import Counter
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.world import World, links_of, records_of, ref, total_of
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, Course, School

pytestmark = pytest.mark.clause("Paging: each record SHOULD be seen exactly once, whatever changes meanwhile")

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Standing still ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("still"))
    for number in range(23):
        body = {
            "sourcedId": f"o{number:02}",
            "status": "active" if number % 4 else "tobedeleted",
            "name": "abc"[number % 3] if number % 5 else "é",
            "type": "school" if number % 2 else "ext:club",
            "identifier": str(number % 7),
        }
        if number % 3:
            body["parent"] = ref("orgs", f"o{number % 2:02}")
        world.add("orgs", body, source="south" if number % 6 == 0 else "north")
    yield world, {sources: world.consumer(sources=sources) for sources in (None, ("north",), ("north", "south"))}
    world.close()


SORTS = ("name", "identifier", "parent.sourcedId", "dateLastModified", "sourcedId", "status", "metadata.x", "nonsense")
FILTERS = ("status='active'", "type='school'", "parent.sourcedId='o00'", "name>'a' OR identifier='3'", "name='nobody'")

queries = st.fixed_dictionaries(
    {},
    optional={
        "sort": st.sampled_from(SORTS),
        "orderBy": st.sampled_from(["asc", "desc"]),
        "filter": st.sampled_from(FILTERS),
        "search": st.just("a"),
    },
)


@given(query=queries, limit=st.integers(1, 30), sources=st.sampled_from([None, ("north",), ("north", "south")]))
@relaxed
def test_every_way_through_gives_each_record_once_and_in_order(still, query, limit, sources):
    consumer = still[1][sources]
    whole = consumer.ids("orgs", limit=1000, **query)

    counted = []
    for offset in range(0, len(whole) + 1, limit):
        answer = consumer.get("orgs", limit=limit, offset=offset, **query)
        assert total_of(answer) == len(whole)
        counted += [record["sourcedId"] for record in records_of(answer)]

    assert counted == whole
    assert [sourced_id for page in followed(consumer, "orgs", limit=limit, **query) for sourced_id in page] == whole


@given(offset=st.integers(0, 40), limit=st.integers(1, 10))
@relaxed
def test_jump_gives_what_is_there(still, offset, limit):
    consumer = still[1][None]
    whole = consumer.ids("orgs", limit=1000)
    assert consumer.ids("orgs", limit=limit, offset=offset) == whole[offset : offset + limit]


def followed(consumer, path, **query):
    """Page after page, by ``next``."""
    answer = consumer.get(path, **query)
    while True:
        yield [record["sourcedId"] for record in records_of(answer)]
        if "next" not in links_of(answer):
            return
        answer = consumer.get(links_of(answer)["next"])


def counted_pages(consumer, path, *, limit, by_received=False, **query):
    """Page after page, by counting up to the total, as clients do that know no links."""
    offset = highest = 0
    for _ in range(200):
        answer = consumer.get(path, limit=limit, offset=offset, **query)
        page = [record["sourcedId"] for record in records_of(answer)]
        assert total_of(answer) >= highest, "the total fell"
        highest = total_of(answer)
        yield page
        if "next" in links_of(answer):
            assert offset + len(page) < highest, "a record follows, and the total denies it"
        if offset + len(page) >= highest or (by_received and not page):
            return
        offset += len(page) if by_received else limit
    raise AssertionError("the walk does not end")


# While rosters change ------------------------------------------------------------------------------------------------


class Moving:
    """A course whose members come, change and go between the pages of a walk."""

    def __init__(self, directory):
        self.world = World(directory, public_url="https://bridge.example.org")
        self.school = School(self.world.settings.storage.mirror)
        self.consumer = self.world.consumer()
        self.numbers = count()

    def close(self):
        self.school.close()
        self.world.close()

    def begin(self, size):
        """A new course; what a step does to it is one reconciliation."""
        self.course = Course(f"course-{next(self.numbers)}")
        self.course.enrol("teacher", INSTRUCTOR)
        for number in range(size):
            self.course.enrol(f"m{number:02}", LEARNER)
        self.reconcile()
        (class_,) = self.consumer.ids("classes", filter=f"title='{self.course.context_id}'")
        self.filters = [f"class.sourcedId='{class_}'", f"class.sourcedId='{class_}' AND status='active'",
                        f"class.sourcedId='{class_}' AND role='student' AND status='active'"]  # fmt: skip

    def reconcile(self):
        everybody = {f"m{number:02}" for number in range(60)}
        self.school.clock.turn(seconds=1)
        self.school.reconcile(self.course, approved=everybody)

    def step(self, changes):
        for kind, number in changes:
            user_id = f"m{number:02}"
            if kind == "leave" and user_id in self.course.members:
                self.course.leave(user_id)
            elif kind == "teach" and user_id in self.course.members:
                self.course.enrol(user_id, INSTRUCTOR)
            elif kind == "come":
                self.course.enrol(user_id, LEARNER)
        self.reconcile()

    def matching(self, filter_):
        return set(self.consumer.ids("enrollments", filter=filter_, limit=1000, sort="sourcedId"))


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    opened = Moving(tmp_path_factory.mktemp("moving"))
    yield opened
    opened.close()


steps = st.lists(
    st.lists(st.tuples(st.sampled_from(["leave", "come", "teach"]), st.integers(0, 24)), max_size=8), max_size=6
)


def watch(moving, filter_, pages, changes):
    """Walk, changing the roster between pages; whoever matched all the time, and how often each was seen."""
    throughout, seen = moving.matching(filter_), Counter()
    rest = iter(changes)
    for page in pages:
        seen.update(page)
        for change in rest:
            moving.step(change)
            throughout &= moving.matching(filter_)
            break
    return throughout, seen


@given(size=st.integers(0, 20), limit=st.integers(1, 7), which=st.integers(0, 2), changes=steps)
@relaxed
def test_who_follows_next_sees_everybody_once(moving, size, limit, which, changes):
    moving.begin(size)
    filter_ = moving.filters[which]
    pages = followed(moving.consumer, "enrollments", limit=limit, filter=filter_)

    throughout, seen = watch(moving, filter_, pages, changes)

    assert {sourced_id: seen[sourced_id] for sourced_id in throughout} == dict.fromkeys(throughout, 1)


@given(
    size=st.integers(0, 20),
    limit=st.integers(1, 7),
    which=st.integers(0, 2),
    changes=steps,
    by_received=st.booleans(),
    renew=st.booleans(),
)
@relaxed
def test_who_counts_offsets_sees_everybody_once(moving, size, limit, which, changes, by_received, renew):
    moving.begin(size)
    filter_ = moving.filters[which]

    def pages():
        for page in counted_pages(moving.consumer, "enrollments", limit=limit, by_received=by_received, filter=filter_):
            if renew:
                moving.consumer.renew_token()
            yield page

    throughout, seen = watch(moving, filter_, pages(), changes)

    assert {sourced_id: seen[sourced_id] for sourced_id in throughout} == dict.fromkeys(throughout, 1)


@given(size=st.integers(0, 20), limits=st.tuples(st.integers(1, 7), st.integers(1, 7)), changes=steps)
@relaxed
def test_two_queries_of_one_client_do_not_mix(moving, size, limits, changes):
    moving.begin(size)
    walks = [
        counted_pages(moving.consumer, "enrollments", limit=limit, filter=filter_)
        for limit, filter_ in zip(limits, moving.filters[1:], strict=True)
    ]
    throughout = [moving.matching(filter_) for filter_ in moving.filters[1:]]
    seen = [Counter(), Counter()]
    rest = iter(changes)
    open_walks = {0, 1}
    while open_walks:
        for index in sorted(open_walks):
            page = next(walks[index], None)
            if page is None:
                open_walks.discard(index)
            else:
                seen[index].update(page)
        moving.step(next(rest, []))
        throughout = [
            known & moving.matching(filter_) for known, filter_ in zip(throughout, moving.filters[1:], strict=True)
        ]
    for known, counted in zip(throughout, seen, strict=True):
        assert {sourced_id: counted[sourced_id] for sourced_id in known} == dict.fromkeys(known, 1)


# The memory ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def roster(tmp_path):
    opened = Moving(tmp_path)
    opened.begin(9)
    yield opened
    opened.close()


def page(roster, offset, limit=3, which=1, consumer=None, **more):
    return (consumer or roster.consumer).get(
        "enrollments", filter=roster.filters[which], limit=limit, offset=offset, **more
    )


def ids(answer):
    return [record["sourcedId"] for record in records_of(answer)]


def test_counting_client_skips_nobody_when_somebody_before_her_leaves(roster):
    first = ids(page(roster, 0))
    expected = ids(page(roster, 3))
    roster.step([("leave", 0), ("leave", 1)])

    assert ids(page(roster, 3)) == expected
    assert len(first) == 3


def test_offset_0_begins_anew(roster):
    page(roster, 0)
    page(roster, 3)
    roster.step([("leave", 0), ("leave", 1)])
    anew = ids(page(roster, 0))

    assert total_of(page(roster, 0)) == 8
    assert not set(anew) & set(ids(page(roster, 3)))


def test_head_leaves_the_walk_alone(roster):
    page(roster, 0)
    expected = ids(page(roster, 3))
    roster.step([("leave", 0)])
    head = roster.consumer.ask("enrollments", {"filter": roster.filters[1], "limit": 3}, method="HEAD")

    assert total_of(head) == 9
    assert ids(page(roster, 3)) == expected


def test_walk_of_one_client_is_not_anothers(roster):
    other = roster.world.consumer()
    page(roster, 0)
    roster.step([("leave", 0)])
    assert ids(page(roster, 3, consumer=other)) == ids(page(roster, 0, limit=6, consumer=other))[3:]


def test_client_that_insists_on_the_end_is_not_kept_waiting(roster):
    """It asks the same offset again and again until it has as many as it was promised."""
    held = ids(page(roster, 0, limit=8))
    roster.step([("leave", number) for number in range(4)])
    answer = page(roster, 8, limit=8)
    held += ids(answer)
    for _ in range(3):
        if len(held) >= total_of(answer):
            break
        answer = page(roster, len(held), limit=8)
        held += ids(answer)
    assert len(held) >= total_of(answer)


def test_cursor_is_good_for_its_own_query_and_client_only(roster):
    following = links_of(page(roster, 0))["next"]
    cursor = following.partition("cursor=")[2].partition("&")[0]

    other = roster.world.consumer()
    assert roster.consumer.ask(following).status_code == 200
    assert other.refused("enrollments", filter=roster.filters[1], cursor=cursor) == (400, "invaliddata")
    assert roster.consumer.refused("enrollments", filter=roster.filters[0], cursor=cursor) == (400, "invaliddata")
    assert roster.consumer.refused("users", cursor=cursor) == (400, "invaliddata")
    assert roster.consumer.refused("enrollments", filter=roster.filters[1], cursor=f"{cursor}A") == (400, "invaliddata")
