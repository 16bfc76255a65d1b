"""Each fault that the practice LMS can be given, on the whole way from there to what is served.

docs/conformance-nrps.md says which test shows which fault.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bridge.mirror.runs import Outcome
from bridge.nrps.source import NrpsSnapshot, RosterAddress
from bridge.practice.links import LinkForm
from bridge.practice.manners import CANVAS_THROTTLE, EXPIRED, FORBIDDEN, RESTING, TOO_FAST, Failure
from bridge.practice.people import INSTRUCTOR, LEARNER, MENTOR
from bridge.roster.ports import Listed, Stated
from tests.vendors.whole_way import COURSE, TEACHER, course_of, person

LEARNERS = [f"s{number:02}" for number in range(11)]


@pytest.fixture
def bridge(beside):
    """A course of twelve, in pages of four."""
    started = beside("generic", course_of(LEARNERS))
    started.manners.page_size = 4
    started.launch()
    return started


class TestLinks:
    @pytest.mark.parametrize("form", LinkForm, ids=str)
    def test_next_is_found_in_any_form(self, bridge, form):
        bridge.manners.link_form = form

        run = bridge.sync()

        assert (run.outcome, run.added, run.quarantined) == (Outcome.APPLIED, 12, 0)

    def test_a_link_to_the_same_page_is_no_roster(self, bridge):
        bridge.manners.next_leads = "here"

        run = bridge.sync()

        assert run.outcome is Outcome.REFUSED
        assert "links back to a page that was read already" in run.message
        assert bridge.served("users") == []

    def test_a_link_to_another_host_is_not_followed(self, bridge):
        bridge.manners.next_leads = "elsewhere"

        run = bridge.sync()

        assert run.outcome is Outcome.REFUSED
        assert "another scheme, host or port" in run.message

    @pytest.mark.parametrize("query", ["placement_id=_1_1&flag=&a=1&a=2", "tenant=7"])
    def test_the_registered_query_stays(self, bridge, query):
        bridge.manners.query = query
        bridge.launch()

        assert bridge.sync().added == 12


class TestPages:
    def test_neither_an_empty_nor_a_short_page_is_the_end(self, bridge):
        bridge.manners.page_sizes = {1: 0, 2: 3, 3: 1, 4: 0}

        assert bridge.sync().added == 12

    def test_an_empty_body_is_the_end(self, bridge):
        bridge.manners.position = "start"
        bridge.manners.links_past_the_end = True

        run = bridge.sync()

        assert (run.outcome, run.complete, run.added) == (Outcome.APPLIED, True, 12)

    def test_one_person_on_two_pages_is_one_person_with_both_roles(self, bridge):
        bridge.manners.repeat_with = (INSTRUCTOR,)

        run = bridge.sync()

        assert run.added == 12
        assert bridge.told_roles()["s02"] == [LEARNER, INSTRUCTOR]
        assert bridge.roles()["s02"] == "teacher"

    @pytest.mark.parametrize("position", ["from", "start", "page", "page of per_page"])
    def test_pages_by_shown_parameters_are_followed(self, bridge, position):
        bridge.manners.position = position

        assert bridge.sync().added == 12


class TestMembers:
    @pytest.mark.parametrize(
        ("manners", "enrolled"),
        [
            pytest.param({"roles_as_text": True}, 12, id="one-role-that-is-no-list"),
            pytest.param({"blanks": "null"}, 12, id="null-for-what-is-missing"),
            pytest.param({"blanks": "empty"}, 12, id="blanks-for-what-is-missing"),
            pytest.param({"also": {"message": []}}, 12, id="message-is-an-empty-list"),
            pytest.param({"also": {"message": {}}}, 12, id="message-is-an-object"),
            pytest.param({"also": {"group_enrollments": [{"group_id": "g"}]}}, 12, id="groups"),
            pytest.param({"status": "never"}, 12, id="no-status"),
        ],
    )
    def test_odd_forms_are_understood(self, bridge, manners, enrolled):
        bridge.roster.rename("s01", family_name=None, email=None)
        for name, value in manners.items():
            setattr(bridge.manners, name, value)

        run = bridge.sync()

        assert (run.outcome, run.quarantined, len(bridge.roles())) == (Outcome.APPLIED, 0, enrolled)

    def test_numbers_for_user_ids_are_texts(self, bridge):
        bridge.roster.enroll(COURSE, person("4711"), [LEARNER])
        bridge.manners.numeric_ids = True
        bridge.sync()

        assert bridge.users()["4711"]["userIds"] == [{"type": "LTI", "identifier": "4711"}]

    @pytest.mark.parametrize("roles", [None, []], ids=["no-roles-key", "no-roles"])
    def test_somebody_without_roles_is_a_user_and_not_enrolled(self, bridge, roles):
        bridge.roster.change_roles(COURSE, "s01", roles)

        run = bridge.sync()

        assert (run.quarantined, "s01" in bridge.users(), "s01" in bridge.roles()) == (0, True, False)

    def test_a_name_of_a_megabyte_harms_its_owner_only(self, bridge):
        bridge.roster.rename("s01", family_name="x" * 1_000_000)

        run = bridge.sync()

        assert (run.outcome, run.quarantined, len(bridge.roles())) == (Outcome.APPLIED, 1, 11)

    @pytest.mark.parametrize("context", ["absent", "other", "id"])
    def test_a_context_that_is_told_otherwise_changes_no_identity(self, bridge, context):
        bridge.sync()
        before = [one["sourcedId"] for one in bridge.served("classes")]
        bridge.manners.context = context

        assert bridge.sync().outcome in (Outcome.APPLIED, Outcome.UNCHANGED)
        (class_,) = bridge.served("classes")
        assert ([class_["sourcedId"]], class_["title"]) == (before, f"Title of {COURSE}")


@pytest.mark.parametrize(
    "wrapping",
    [
        {"media_type": "application/json"},
        {"media_type": "text/html"},
        {"byte_order_mark": True},
        {"compressed": True},
        {"compressed": True, "byte_order_mark": True},
    ],
    ids=lambda wrapping: "+".join(str(value) if isinstance(value, str) else name for name, value in wrapping.items()),
)
def test_the_body_counts_and_not_its_wrapping(bridge, wrapping):
    for name, value in wrapping.items():
        setattr(bridge.manners, name, value)

    assert bridge.sync().added == 12


class TestTokens:
    def test_a_token_that_expires_on_page_three_is_renewed_and_the_page_asked_again(self, bridge):
        bridge.manners.expire_on_page = 3

        run = bridge.sync()

        assert (run.outcome, run.added, bridge.waits) == (Outcome.APPLIED, 12, [])

    def test_the_new_token_is_asked_for_with_the_key_that_signs_by_then(self, bridge):
        bridge.manners.expire_on_page = 2
        snapshot, _ = bridge.wiring.snapshots(bridge.context())
        reading = iter(snapshot)
        first = next(item for item in reading if isinstance(item, Listed))
        former = bridge.wiring.registry.keys.current()
        bridge.wiring.registry.keys.rotate()

        rest = [subject for item in reading if isinstance(item, Listed) for subject in item.subjects]

        assert rest
        assert len(first.subjects) + len(rest) == 12
        assert bridge.wiring.registry.keys.current() != former

    @pytest.mark.parametrize(
        "manners",
        [
            {"expires_in": "3600"},
            {"expires_in": None},
            {"expires_in": "soon"},
            {"expires_in": 0},
            {"scope_told": "absent"},
            {"oauth_media_type": "text/html; charset=utf-8"},
        ],
        ids=str,
    )
    def test_odd_token_answers_are_understood(self, bridge, manners):
        for name, value in manners.items():
            setattr(bridge.manners, name, value)

        assert bridge.sync().added == 12

    def test_a_token_without_the_scope_is_a_refusal_that_says_what_to_switch_on(self, bridge):
        bridge.manners.scope_told = "other"

        run = bridge.sync()

        assert run.outcome is Outcome.REFUSED
        assert "the token lacks the scope" in run.message
        assert "Names and Role Provisioning" in run.message


class TestPatience:
    @pytest.mark.parametrize(
        "failure",
        [
            pytest.param(CANVAS_THROTTLE, id="403-with-the-throttles-words"),
            pytest.param(TOO_FAST, id="429-with-seconds"),
            pytest.param(RESTING, id="503"),
            pytest.param(Failure(500, body="<html>"), id="500"),
            pytest.param(Failure(200, body="<html>Maintenance</html>"), id="200-that-is-no-json"),
        ],
    )
    def test_a_fault_that_passes_is_waited_out(self, bridge, failure):
        bridge.manners.fail_on_page = {3: failure}

        run = bridge.sync()

        assert (run.outcome, run.added, len(bridge.waits)) == (Outcome.APPLIED, 12, 1)

    def test_429_with_a_date_is_waited_for(self, bridge):
        date = format_datetime(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60), usegmt=True)
        bridge.manners.fail_on_page = {3: Failure(429, {"Retry-After": date})}

        assert bridge.sync().added == 12
        assert 50 < bridge.waits[0] <= 60

    def test_403_without_the_throttles_words_is_a_refusal(self, bridge):
        bridge.manners.fail_next.extend([FORBIDDEN, FORBIDDEN])

        run = bridge.sync()

        assert run.outcome is Outcome.REFUSED
        assert "does not let the bridge read this roster" in run.message
        assert bridge.waits == []

    def test_a_platform_that_refuses_every_token_is_refused_in_turn(self, bridge):
        bridge.manners.fail_next.extend([EXPIRED, EXPIRED])

        run = bridge.sync()

        assert run.outcome is Outcome.REFUSED
        assert "refuses a fresh access token" in run.message


class TestNobodyIsLost:
    def test_a_connection_that_is_cut_leaves_everything_as_it_was(self, bridge):
        bridge.sync()
        before = bridge.enrollments()
        for user in LEARNERS[:5]:
            bridge.roster.drop(COURSE, user)
        bridge.manners.page_size = 2
        bridge.manners.cut_connection_on_page = 4

        run = bridge.sync()

        assert run.outcome is Outcome.UNAVAILABLE
        assert "the connection was cut" in run.message
        assert bridge.enrollments() == before

    def test_a_roster_that_is_empty_all_at_once_is_held(self, beside):
        bridge = beside("generic", course_of(f"s{number:02}" for number in range(99)))
        bridge.launch()
        bridge.sync()
        for member in bridge.roster.members(COURSE):
            bridge.roster.drop(COURSE, member.person.user_id)

        run = bridge.sync()

        assert (run.outcome, run.removed) == (Outcome.HELD, 100)
        assert len(bridge.roles()) == 100


class TestRoleFilter:
    """A role that is asked for is looked at once more here: several platforms make something else of it."""

    @pytest.fixture
    def read(self, bridge):
        """Reads those with a role, by the bridge's own source, and gives their user ids."""
        bridge.roster.enroll(COURSE, person("mia"), [MENTOR])

        def read(role):
            context = bridge.context()
            address = RosterAddress(
                platform=bridge.platform,
                url=context.memberships_url,
                source=context.tenant,
                context=context.key,
                context_id=context.context_id,
            )
            filtered = NrpsSnapshot(bridge.wiring.nrps, address, complete=True, role=role)
            said = [item for item in filtered if isinstance(item, Stated)]
            return [each.subject for each in said if each.subject], filtered.complete

        return read

    @pytest.mark.parametrize("role", ["Instructor", INSTRUCTOR], ids=["short", "uri"])
    @pytest.mark.parametrize(
        "manners",
        [
            {},
            {"role_filter": "never"},
            {"position": "from", "role_filter": "two roles", "forgets_role": True},
        ],
        ids=["honoured", "passed-over", "forgotten-behind-the-first-page"],
    )
    def test_nobody_else_comes_through(self, bridge, read, manners, role):
        for name, value in manners.items():
            setattr(bridge.manners, name, value)
        bridge.manners.page_size = 2

        assert read(role) == ([TEACHER], False)

    def test_a_role_that_the_platform_does_not_know_selects_its_holders(self, bridge, read):
        bridge.manners.role_filter = "two roles"

        assert read("Mentor") == (["mia"], False)
