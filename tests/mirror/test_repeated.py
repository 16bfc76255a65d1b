"""What a source says again is known again, and neither looked into nor written; only what it says counts."""

import json

import pytest

from bridge.errors import SourceUnavailable
from bridge.mirror.gathering import gathered
from bridge.mirror.runs import Outcome
from bridge.mirror.staging import Staging
from bridge.roster.erasure import WithoutErased
from bridge.roster.identity import LtiUserId, user_sourced_id
from bridge.roster.model import ORGS
from bridge.roster.plan import ChangeKind
from bridge.roster.ports import FactKind, Gone, Listed, PageRead, Stated
from bridge.roster.records import RecordDerivation, RecordSnapshot
from bridge.roster.references import References
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, PUBLIC_URL, RUN_RECORDS, Course, stated


def class_of(people):
    course = Course("big")
    for number in range(people):
        course.enrol(f"p{number:05}", given_name=f"Given {number}", family_name="Family")
    return course


class Watched:
    """A snapshot of pages of so many members.

    :ivar looked_into: whom the reconciler wanted to be told more of.
    """

    bookmark = None

    def __init__(self, course, members=None, page=40):
        self.source, self.context, self.complete = course.source, course.key, course.complete
        self.looked_into = []
        self._members = list(course.members.values()) if members is None else members
        self._page = page

    def __iter__(self):
        yield Stated(FactKind.CONTEXT, "", b'{"id": "big"}')
        for begin in range(0, len(self._members), self._page):
            yield self._listed(self._members[begin : begin + self._page])
            yield PageRead()

    def _listed(self, members):
        def read(index):
            self.looked_into.append(members[index].subject)
            return members[index]

        return Listed(FactKind.MEMBER, [one.subject for one in members], [one.raw for one in members], read)

    def merge(self, earlier, later):
        return json.dumps({**json.loads(earlier), **json.loads(later)}).encode()


@pytest.fixture
def course(school):
    made = class_of(300)
    school.reconciler.reconcile(Watched(made), school.derivation(made))
    return made


def again(school, course, **options):
    """Reconcile once more: the run, and whom the reconciler looked into."""
    snapshot = Watched(course, **options)
    return school.reconciler.reconcile(snapshot, school.derivation(course)), snapshot.looked_into


def test_whoever_is_said_again_byte_for_byte_is_not_looked_into(school, course):
    before = school.dump(without=RUN_RECORDS)

    run, looked_into = again(school, course)

    assert (run.outcome, run.unchanged, run.complete, looked_into) == (Outcome.UNCHANGED, 300, True, [])
    assert school.dump(without=RUN_RECORDS) == before


def test_whoever_is_said_again_is_not_written_down_again(school, course):
    with Staging(school.mirror, Watched(course), school.derivation(course)) as staging:
        list(staging.read())
        assert school.mirror.db.execute("SELECT kind FROM temp.staged").fetchall() == [("context",)]


@pytest.mark.parametrize("page", [1, 7, 300, 2_000], ids=lambda size: f"pages-of-{size}")
def test_pages_may_be_of_another_size(school, course, page):
    run, looked_into = again(school, course, page=page)

    assert (run.outcome, run.unchanged, looked_into) == (Outcome.UNCHANGED, 300, [])


def test_only_those_who_have_changed_are_looked_into(school, course):
    course.enrol("p00100", INSTRUCTOR, given_name="Given 100", family_name="Family")
    course.leave("p00050", "p00200")
    course.enrol("new")

    run, looked_into = again(school, course)

    assert looked_into == ["p00100", "new"]
    assert (run.added, run.changed, run.removed, run.unchanged) == (1, 1, 2, 297)
    assert school.enrollment("p00100", course)["role"] == "teacher"
    assert school.enrollment("p00050", course)["status"] == "tobedeleted"


def test_another_order_changes_nothing(school, course):
    run, _ = again(school, course, members=list(reversed(course.members.values())))

    assert (run.outcome, run.unchanged, run.quarantined) == (Outcome.UNCHANGED, 300, 0)


def test_a_page_that_comes_twice_changes_nothing(school, course):
    members = list(course.members.values())

    run, _ = again(school, course, members=[*members[:80], *members[40:]])

    assert (run.outcome, run.unchanged, run.quarantined) == (Outcome.UNCHANGED, 300, 0)


@pytest.mark.parametrize("first", [True, False], ids=["other-bytes-last", "other-bytes-first"])
@pytest.mark.parametrize("apart", [1, 150], ids=["on-one-page", "pages-apart"])
def test_two_entries_about_one_person_are_merged_in_their_order(school, course, first, apart):
    members = list(course.members.values())
    other = stated("p00100", LEARNER, given_name="Other", email="other@example.org")
    members.insert(100 + apart if first else max(0, 101 - apart), other)

    run, _ = again(school, course, members=members)

    assert (run.changed, run.unchanged, run.removed) == (1, 299, 0)
    user = school.user("p00100")
    assert (user["email"], user["givenName"]) == ("other@example.org", "Other" if first else "Given 100")


def test_a_mapping_that_has_changed_looks_into_everybody_again(school, course):
    school.mirror.db.execute("UPDATE contexts SET fingerprint = 'of an earlier version'")
    school.mirror.db.execute("UPDATE users SET document = json_set(document, '$.givenName', 'of an earlier version')")

    run, looked_into = again(school, course)

    assert (run.outcome, run.changed, run.unchanged, len(looked_into)) == (Outcome.APPLIED, 0, 300, 300)
    assert school.user("p00007")["givenName"] == "Given 7"


def test_another_way_to_write_the_same_is_no_change(school, course):
    before = school.dump(without=RUN_RECORDS)
    for subject, one in course.members.items():
        rewritten = json.dumps(dict(reversed(json.loads(one.raw).items())), indent=1).encode()
        course.members[subject] = Stated(FactKind.MEMBER, subject, rewritten)

    run, looked_into = again(school, course)

    assert (run.outcome, run.changed, run.unchanged, len(looked_into)) == (Outcome.UNCHANGED, 0, 300, 300)
    assert school.dump(without=RUN_RECORDS) == before


def test_the_same_bytes_about_somebody_else_are_not_the_same(school, course):
    """As when the people of a platform are to be named by their deployment too."""
    renamed = {
        f"{one.subject}@1": Stated(FactKind.MEMBER, f"{one.subject}@1", one.raw) for one in course.members.values()
    }

    with Staging(school.mirror, Watched(course, members=list(renamed.values())), school.derivation(course)) as staging:
        list(staging.read())
        plan = staging.plan()

    assert (plan.counts[ChangeKind.ADDED], plan.counts[ChangeKind.REMOVED], plan.counts[ChangeKind.KEPT]) == (
        300,
        300,
        0,
    )


def test_nobody_is_known_again_by_what_another_context_says(school, course):
    other = Course("other", members=dict(course.members))

    run, looked_into = again(school, other)

    assert (run.added, len(looked_into)) == (300, 300)


def test_somebody_who_had_left_is_looked_into_when_she_is_back(school, course):
    members = dict(course.members)
    course.leave("p00100")
    again(school, course)
    course.members = members

    run, looked_into = again(school, course)

    assert (run.added, run.unchanged, looked_into) == (1, 299, ["p00100"])
    assert school.enrollment("p00100", course)["status"] == "active"


def test_whoever_was_erased_is_not_known_again(school, course):
    erased = user_sourced_id("north", LtiUserId("p00100"))
    snapshot = Watched(course)

    run = school.reconciler.reconcile(WithoutErased(snapshot, {erased}.__contains__), school.derivation(course))

    assert (run.removed, run.unchanged, snapshot.looked_into) == (1, 299, [])
    listed = [each for each in WithoutErased(Watched(course), {erased}.__contains__) if isinstance(each, Listed)]
    assert (listed[2].subjects[20], listed[2].read(20)) == (None, Gone("p00100"))


def test_a_context_that_moves_on_while_it_is_read_is_not_planned(school, course):
    other = type(school)(school.path)
    with Staging(school.mirror, Watched(course), school.derivation(course)) as staging:
        list(staging.read())
        course.enrol("p00100", INSTRUCTOR)
        other.reconcile(course)
        other.close()

        with pytest.raises(SourceUnavailable, match="reconciled by another process in the meantime"):
            staging.plan()


def test_long_texts_are_known_again_as_far_as_memory_is_given(school):
    course = Course("big")
    for number in range(30):
        course.enrol(f"p{number}", picture="data:" + "x" * 600_000)
    again(school, course)

    run, looked_into = again(school, course, page=30)

    assert (run.outcome, run.unchanged) == (Outcome.UNCHANGED, 30)
    assert 0 < len(looked_into) < 30


def test_records_of_a_sis_are_known_again(school):
    records = [(ORGS, {"sourcedId": f"o{n}", "name": f"School {n}", "type": "school"}) for n in range(5)]
    derivation = RecordDerivation(references=References(PUBLIC_URL))
    school.reconciler.reconcile(RecordSnapshot("sis", records, complete=True), derivation)

    with Staging(school.mirror, RecordSnapshot("sis", records[1:], complete=True), derivation) as staging:
        list(staging.read())
        assert school.mirror.db.execute("SELECT count(*) FROM temp.staged").fetchone() == (0,)
        plan = staging.plan()

    assert (plan.counts[ChangeKind.KEPT], plan.counts[ChangeKind.REMOVED], plan.held_before) == (4, 1, 5)


def test_what_is_gathered_into_lists_keeps_its_order():
    said = [
        Stated(FactKind.CONTEXT, "", b"{}"),
        *(stated(f"p{number}") for number in range(2_500)),
        PageRead(),
        Stated(FactKind.RECORD, "orgs/1", b"{}"),
        Stated(FactKind.TOMBSTONE, "orgs/2", b"{}"),
        Gone("orgs/2"),
        stated("last"),
    ]

    gone_through = [one for each in gathered(said) for one in (each if isinstance(each, Listed) else [each])]

    assert gone_through == said


def test_members_are_held_in_the_order_in_which_they_were_stated(school):
    course = Course("biology")
    for name in ("zoe", "ann", "mia"):
        course.enrol(name)
    school.reconcile(course)

    rows = school.mirror.db.execute("SELECT subject FROM facts WHERE kind = 'member' ORDER BY id").fetchall()

    assert [subject for (subject,) in rows] == ["zoe", "ann", "mia"]
