"""The bridge and an LMS over any sequence of events: joins, leaves, failures, crashes, restarts, nights.

A practice LMS, over real sockets, is changed as LMSs are; the bridge reconciles on launches, by night and when a person
asks, while the LMS fails in one way or another and processes die. Beside it a consumer polls as consumers do, from the
highest ``dateLastModified`` that it has seen. After each step the promises of the reconciler are held to the whole.
"""

import json
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from joserfc.jwk import RSAKey
from structlog.testing import capture_logs

from bridge.lti.keyset import public_jwks
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.runs import GOOD, Mandate, Outcome, Runs
from bridge.practice.manners import Failure
from bridge.practice.people import INSTRUCTOR, LEARNER, invent_person
from bridge.practice.rosters import Roster
from bridge.practice.server import PracticeLms
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.roster.model import COLLECTIONS
from bridge.scheduling import Scheduling
from bridge.settings import Outgoing, Settings, Storage
from bridge.sync.reconciler import Approval
from bridge.wiring import CONTEXT_LEASE_TIME, Wiring

KEY = RSAKey.generate_key(2048, auto_kid=True)
PEOPLE = [invent_person(number, every=0) for number in range(8)]
COURSES = ("Course-1", "Course-2")
NOWHERE = "http://127.0.0.1:1"

courses = st.sampled_from(COURSES)
people = st.sampled_from(PEOPLE)
roles = st.sampled_from([LEARNER, INSTRUCTOR])


class TurnedClock:
    def __init__(self):
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def __call__(self):
        return self.now


class Life(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.stack.enter_context(capture_logs())
        self.folder = self.stack.enter_context(TemporaryDirectory())
        self.roster = Roster()
        for name in COURSES:
            self.roster.add_course(name, label=name, title=name)
        self.clock = TurnedClock()
        self.lms = self.stack.enter_context(PracticeLms(self.roster, key=KEY, clock=self.clock))
        self.wiring = self.start()
        tool = self.lms.register_tool(
            login_url=f"{NOWHERE}/login",
            redirect_uris=[f"{NOWHERE}/launch"],
            jwks=public_jwks(self.wiring.registry.keys.published()),
        )
        fields = ("issuer", "client_id", "auth_login_url", "token_url", "jwks_url")
        platform = self.wiring.registry.platforms.add(**{name: tool[name] for name in fields}, tenant="school")
        for name in COURSES:
            self.wiring.registry.contexts.add(
                platform,
                context_key(name),
                Context(context_id=name),
                memberships_url=self.lms.memberships_url(name),
            )
        self.known = {}
        """Every record that was ever served, by collection and sourcedId: its seq."""
        self.copy, self.seen_until = {}, ""
        """What the consumer has, and the highest stamp that it has seen."""
        self.last_stamp = ""

    def teardown(self):
        self.wiring.close()
        self.stack.close()

    def start(self):
        wiring = Wiring(
            Settings(
                storage=Storage(directory=Path(self.folder) / "var"), outgoing=Outgoing(allowed_hosts=("127.0.0.1",))
            ),
            self.clock,
            sleep=lambda _: None,
        )
        wiring.prepare()
        return wiring

    # What happens at the LMS.

    @rule(course=courses, person=people, role=roles)
    def join(self, course, person, role):
        if self._member(course, person) is None:
            self.roster.enroll(course, person, [role])

    @rule(course=courses, person=people)
    def leave(self, course, person):
        if self._member(course, person) is not None:
            self.roster.drop(course, person.user_id)

    @rule(course=courses, person=people, role=roles)
    def change_role(self, course, person, role):
        if self._member(course, person) is not None:
            self.roster.change_roles(course, person.user_id, [role])

    @rule(course=courses, person=people, status=st.sampled_from(["Active", "Inactive", None]))
    def change_status(self, course, person, status):
        if self._member(course, person) is not None:
            self.roster.change_status(course, person.user_id, status)

    @rule(person=people, name=st.sampled_from(["Abara", "Berg", None]))
    def rename(self, person, name):
        if any(self._member(course, person) for course in COURSES):
            self.roster.rename(person.user_id, family_name=name)

    @rule()
    def tokens_expire(self):
        self.lms.expire_tokens()

    # What happens at the bridge.

    @rule(course=courses)
    def reconcile(self, course):
        self._check_run(self._sync(self._context(course)))

    @rule(course=courses, status=st.sampled_from([400, 403, 404, 410, 429, 503]))
    def reconcile_while_the_lms_fails(self, course, status):
        before = self._everything()
        self.lms.manners.fail_next.extend([Failure(status)] * 5)

        run = self._sync(self._context(course))

        self.lms.manners.fail_next.clear()
        expected = {404: Outcome.GONE, 410: Outcome.GONE, 429: Outcome.UNAVAILABLE, 503: Outcome.UNAVAILABLE}
        assert run.outcome is expected.get(status, Outcome.REFUSED)
        assert self._everything() == before

    @rule(course=courses)
    def reconcile_while_the_connection_is_cut(self, course):
        before = self._everything()
        self.lms.manners.cut_connection_on_page = 1

        run = self._sync(self._context(course))

        self.lms.manners.cut_connection_on_page = None
        assert run.outcome is Outcome.UNAVAILABLE
        assert self._everything() == before

    @rule(course=courses)
    def crash(self, course):
        """The process dies while it reads: its run seems to go on, and its lease is held until it ends."""
        context = self._context(course)
        before = self._everything()
        dying = self.start()
        dying.registry.leases.acquire(f"context {context.class_sourced_id}", "dying", CONTEXT_LEASE_TIME)
        Runs(dying.mirror, self.clock).begin(context.tenant, context.key)
        dying.close()

        assert self.wiring.sync(context) is None
        self.clock.now += CONTEXT_LEASE_TIME
        assert self._everything() == before

    @rule()
    def restart(self):
        self.wiring.close()
        self.wiring = self.start()

    @rule(course=courses, person=people)
    def launch(self, course, person):
        context = self._context(course)
        payload = {"tenant": context.tenant, "context": context.key, "user": person.user_id}
        self.wiring.registry.inbox.put("launch", payload)
        self._work(Scheduling.take_inbox)

    @rule(minutes=st.sampled_from([-5, 0, 1, 20, 300]))
    def time_passes(self, minutes):
        self.clock.now += timedelta(minutes=minutes)

    @rule()
    def night(self):
        """A day later everything has been read that nobody holds back."""
        self.clock.now += timedelta(hours=25)
        self._work(Scheduling.refresh)

        latest = self._runs().latest_by_context()
        outcomes = {latest[context.tenant, context.key].outcome for context in self.wiring.registry.contexts.all()}
        assert outcomes <= {*GOOD, Outcome.HELD}
        if outcomes <= GOOD:
            self._check_names()

    @precondition(lambda self: self._runs().waiting())
    @rule(except_removals=st.booleans())
    def approve(self, except_removals):
        held = self._runs().waiting()[0]
        kind = DecisionKind.APPROVED_REST if except_removals else DecisionKind.APPROVED
        approval = Approval(
            mandate=Mandate(kind=kind, made_by="operator", run=held.id),
            removals=frozenset(self._runs().held_removals(held.id)),
        )
        run = self._sync(self.wiring.registry.contexts.get(held.source, held.context), approval=approval)

        self._check_run(run)
        if run.outcome in GOOD and not except_removals:
            assert run.removed <= len(approval.removals) or held.id not in {each.id for each in self._runs().waiting()}

    @rule()
    def consumer_polls(self):
        """It asks for what was changed since the highest stamp it has seen, and then has what the mirror serves."""
        for key, document, stamp in self._served(f"WHERE stamp > '{self.seen_until}'"):
            self.copy[key] = document
            self.seen_until = max(self.seen_until, stamp)
        assert self.copy == {key: document for key, document, _ in self._served()}

    # What is promised.

    @invariant()
    def nobody_is_ever_missing(self):
        now = {
            (name, sourced_id): seq
            for name in COLLECTIONS
            for sourced_id, seq in self._ask(f'SELECT sourcedId, seq FROM "{name}"')
        }
        assert self.known.items() <= now.items()
        self.known = now

    @invariant()
    def stamps_rise(self):
        stamps = [stamp for (stamp,) in self._ask("SELECT stamp FROM writes ORDER BY changed")]
        assert stamps == sorted(set(stamps))
        if stamps:
            assert stamps[-1] >= self.last_stamp
            self.last_stamp = stamps[-1]

    def _check_run(self, run):
        logged = self._ask("SELECT collection, kind FROM changes JOIN writes USING (changed) WHERE run = ?", run.id)
        assert Counter(logged) == {
            (collection, kind): count for collection, kinds in run.records.items() for kind, count in kinds.items()
        }
        if run.outcome not in GOOD:
            assert run.outcome is Outcome.HELD
            return
        context = self.wiring.registry.contexts.get(run.source, run.context)
        self._check_truth(context)
        before = self._everything()
        again = self.wiring.sync(context)
        assert (again.outcome, again.records) == (Outcome.UNCHANGED, {})
        assert self._everything() == before

    def _check_truth(self, context):
        """The class has the members that the LMS lists, and nobody else."""
        rows = self._ask(
            "SELECT document FROM enrollments WHERE status = 'active' AND \"class.sourcedId\" = ?",
            context.class_sourced_id,
        )
        enrolled = {}
        for (text,) in rows:
            document = json.loads(text)
            enrolled[document["metadata"]["lti.userId"]] = document["role"]
        assert enrolled == {
            member.person.user_id: "teacher" if member.roles == (INSTRUCTOR,) else "student"
            for member in self.roster.members(context.context_id)
            if member.status != "Inactive"
        }

    def _check_names(self):
        """Where every roster has been read, everybody is called what the LMS calls her, or has ended."""
        people = {member.person.user_id: member.person for name in COURSES for member in self.roster.members(name)}
        for (text,) in self._ask("SELECT document FROM users"):
            user = json.loads(text)
            person = people.get(user["metadata"]["lti.userId"])
            assert (user["status"] == "active") is (person is not None)
            if person is not None:
                assert user["familyName"] == (person.family_name or "-")

    # How the test looks at things.

    def _work(self, begin):
        scheduling = Scheduling(self.wiring)
        with scheduling.workers():
            begin(scheduling)
            scheduling.wait()

    def _sync(self, context, **options):
        """Reconcile; if the clock was put back, the lease of a process that died has first to end once more."""
        run = self.wiring.sync(context, **options)
        if run is None:
            self.clock.now += CONTEXT_LEASE_TIME
            run = self.wiring.sync(context, **options)
        return run

    def _member(self, course, person):
        return next((each for each in self.roster.members(course) if each.person.user_id == person.user_id), None)

    def _context(self, course):
        return self.wiring.registry.contexts.find(course)

    def _runs(self):
        return Runs(self.wiring.mirror, self.clock)

    def _ask(self, sql, *parameters):
        return self.wiring.mirror.db.execute(sql, parameters).fetchall()

    def _served(self, where=""):
        return [
            ((name, sourced_id), document, stamp)
            for name in COLLECTIONS
            for sourced_id, document, stamp in self._ask(
                f'SELECT sourcedId, document, stamp FROM "{name}" JOIN writes USING (changed) {where}'
            )
        ]

    def _everything(self):
        return self._served(), self._ask("SELECT * FROM facts ORDER BY id"), self._ask("SELECT * FROM outbox")


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
