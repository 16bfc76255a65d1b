"""What holds of the mirror after any sequence of readings, whatever the sources say or fail to say.

A state machine enrols, renames and removes people in three courses, two of them of one source, and reconciles the
courses as they are, half read, with unreadable members or under another role mapping. It keeps its own idea of who
should be held, and after each run every law is checked against the whole mirror.
"""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from bridge.errors import SourceRefused, SourceUnavailable
from bridge.mirror.documents import encode
from bridge.mirror.runs import Outcome
from bridge.roster.derive import Reading
from bridge.roster.model import COLLECTIONS
from bridge.roster.ports import Fact, FactKind, Rejected
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.values import values_at
from bridge.sync.guards import Guards
from tests.mirror.rosters_in_memory import INSTRUCTOR, LEARNER, MENTOR, PRIMARY, Course, School, stated

PEOPLE = ("ann", "ben", "cem")

roles = st.lists(st.sampled_from([LEARNER, INSTRUCTOR, PRIMARY, MENTOR, "Nobody"]), min_size=1, max_size=2)
properties = st.fixed_dictionaries(
    {},
    optional={
        "given_name": st.sampled_from(["Ann", "Anna", "Zoë"]),
        "name": st.sampled_from(["Ann Abara", "A\0B"]),
        "email": st.sampled_from(["ann@example.org", "a@example.org"]),
        "status": st.sampled_from(["Active", "Inactive", "Deleted"]),
    },
)
edits = st.dictionaries(st.sampled_from(PEOPLE), st.none() | st.tuples(roles, properties), max_size=3)
"""Who leaves, and who is enrolled, in another way than before if she is there."""
troubles = st.none() | st.sampled_from(
    [
        SourceUnavailable("lms.example.org answers 503"),
        SourceRefused("lms.example.org repeats a page"),
        Rejected(9, None, "user_id is missing or cannot be read"),
        Rejected(9, "ann", "is not UTF-8"),
        stated("ben", email=7.5),
        stated("cem", INSTRUCTOR, given_name="Cemile"),
    ]
)


class Rosters(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        self.school = School(Path(self.folder.name) / "mirror.sqlite", Guards(change_share=1.0))
        self.courses = [Course("one"), Course("two"), Course("one", source="south")]
        self.held = {}
        """Whom the mirror should hold by now: the last JSON of each, by source, course and user id."""
        self.records = {}
        """What the mirror served after the last run: seq and document, by collection and sourcedId."""

    def teardown(self):
        self.school.close()
        self.folder.cleanup()

    @rule(
        course=st.integers(0, 2),
        edits=edits,
        title=st.sampled_from(["Biology", "Botany"]),
        trouble=troubles,
        complete=st.sampled_from([True, True, False]),
        approved=st.booleans(),
        seconds=st.sampled_from([-3600, 0, 60]),
    )
    def reconcile(self, course, edits, title, trouble, complete, approved, seconds):
        course = self.courses[course]
        for user_id, entry in edits.items():
            if entry is None:
                course.members.pop(user_id, None)
            else:
                roles, properties = entry
                course.enrol(user_id, *roles, **properties)
        course.title = title
        self.school.clock.turn(seconds=seconds)
        self._reconcile(course, trouble, complete=complete, approved=approved)

    @rule(mapping=st.sampled_from(RoleMapping))
    def map_roles_otherwise(self, mapping):
        self.school.reading = Reading(table=RoleTable.default(), mapping=mapping)
        for course in self.courses:
            self._reconcile(course, None, complete=True, approved=True, check=False)
        self._check_all()

    def _reconcile(self, course, trouble, *, complete, approved, check=True):
        course.complete = complete
        course.also = [] if trouble is None else [trouble]
        expected = self._expect(course, trouble, approved=approved)

        run = self.school.reconcile(course, approved=PEOPLE if approved else None)

        assert {run.outcome} <= expected
        if run.outcome in (Outcome.APPLIED, Outcome.UNCHANGED):
            again = self.school.preview(course).plan
            assert again.is_empty
            assert not again.rederive
        self._check_report(run)
        if check:
            self._check_all()

    def _expect(self, course, trouble, *, approved):
        """Work out, by the rules alone, how a run should end, and whom the mirror should hold then."""
        match trouble:
            case SourceUnavailable():
                return {Outcome.UNAVAILABLE}
            case SourceRefused():
                return {Outcome.REFUSED}
        key = (course.source, course.key)
        before = self.held.get(key, {})
        said = {user_id: entry.raw.decode() for user_id, entry in course.members.items()}
        unreadable = set()
        if trouble == stated("ben", email=7.5):
            # She is listed twice, and the merged entry has the value that cannot be understood.
            said.pop("ben", None)
            unreadable.add("ben")
        elif trouble is not None and not isinstance(trouble, Rejected):
            raw = trouble.raw
            if "cem" in said:
                raw = course.snapshot().merge(said["cem"].encode(), raw)
            said["cem"] = raw.decode()
        if isinstance(trouble, Rejected) and trouble.subject is not None:
            unreadable.add(trouble.subject)
        says_all = course.complete and not (isinstance(trouble, Rejected) and trouble.subject is None)
        gone = set(before) - set(said) - unreadable if says_all else set()
        after = {user_id: raw for user_id, raw in {**before, **said}.items() if user_id not in gone}
        if gone and not after and not approved:
            return {Outcome.HELD}
        self.held[key] = after
        return {Outcome.APPLIED, Outcome.UNCHANGED}

    # The laws.

    def _rows(self, sql, *parameters):
        return self.school.mirror.db.execute(sql, parameters).fetchall()

    def _check_report(self, run):
        """The report counts what the change log holds of this run, and the log keeps what was there before."""
        logged = self._rows(
            "SELECT collection, sourcedId, kind, before FROM changes JOIN writes USING (changed) WHERE run = ?", run.id
        )
        assert Counter((collection, kind) for collection, _, kind, _ in logged) == {
            (collection, kind): count for collection, kinds in run.records.items() for kind, count in kinds.items()
        }
        for collection, sourced_id, kind, before in logged:
            assert before == self.records.get((collection, sourced_id), (None, None))[1]
            assert (before is None) is (kind == "added")
        self._remember()

    def _remember(self):
        """Nobody disappears, everybody keeps her place, newcomers come behind everybody."""
        now = {
            (name, sourced_id): (seq, document)
            for name in COLLECTIONS
            for sourced_id, seq, document in self._rows(f'SELECT sourcedId, seq, document FROM "{name}"')
        }
        last = Counter()
        for key, (seq, _) in self.records.items():
            assert now[key][0] == seq
            last[key[0]] = max(last[key[0]], seq)
        assert all(now[key][0] > last[key[0]] for key in now.keys() - self.records.keys())
        self.records = now

    def _check_all(self):
        self._check_facts()
        self._check_documents()
        self._check_facets()
        self._check_tallies()
        self._check_log()

    def _check_facts(self):
        live = self._rows(
            "SELECT name, context, subject, raw FROM facts JOIN sources ON sources.id = facts.source"
            " WHERE kind = 'member' AND gone IS NULL"
        )
        found = {}
        for source, context, subject, raw in live:
            found.setdefault((source, context), {})[subject] = raw
        assert found == {key: members for key, members in self.held.items() if members}

    def _check_documents(self):
        """Every record is what the live facts of its source say, or is retired."""
        wanted = {}
        for course in self.courses:
            if (course.source, course.key) in self.held:
                wanted |= {
                    (one.collection, one.sourced_id): encode(one.body)
                    for one in self._derived(course)
                    if one.body is not None
                }
        assert wanted.keys() <= self.records.keys()
        for key, (_, document) in self.records.items():
            assert document == wanted[key] if key in wanted else json.loads(document)["status"] == "tobedeleted"

    def _derived(self, course):
        derivation = self.school.derivation(course)
        facts = [
            Fact(FactKind(kind), context, subject, raw.encode())
            for kind, context, subject, raw in self._rows(
                "SELECT kind, context, subject, raw FROM facts JOIN sources ON sources.id = facts.source"
                " WHERE name = ? AND gone IS NULL",
                course.source,
            )
        ]
        here = [fact for fact in facts if fact.context == course.key]
        (context,) = (fact for fact in here if fact.kind is FactKind.CONTEXT)
        sole_lead = sum(derivation.claims_lead(fact) for fact in here) == 1
        yield from derivation.of_source()
        yield from derivation.of_context(context, course.key)
        for subject in sorted({fact.subject for fact in here} - {""}):
            about = [fact for fact in facts if fact.subject == subject]
            yield from derivation.of_member(subject, course.key, about, sole_lead=sole_lead)

    def _check_facets(self):
        found = self._rows("SELECT collection, path, value, seq FROM facets JOIN facet_fields USING (field)")
        assert sorted(found) == sorted(
            (name, path.name, value, seq)
            for (name, _), (seq, document) in self.records.items()
            for path in COLLECTIONS[name].facets
            for value in set(values_at(json.loads(document), path.name))
        )

    def _check_tallies(self):
        tallies = {
            tuple(key): count
            for *key, count in self._rows(
                "SELECT name, collection, status, kind, count FROM tallies JOIN sources ON sources.id = source"
            )
            if count
        }
        counted = Counter()
        for name, collection in COLLECTIONS.items():
            for source, document in self._rows(
                f'SELECT sources.name, document FROM "{name}" AS r JOIN sources ON sources.id = r.source'
            ):
                body = json.loads(document)
                kinds = set(values_at(body, collection.kind)) if collection.kind else set()
                counted.update((source, name, body["status"], kind) for kind in {"", *kinds})
        assert tallies == counted

    def _check_log(self):
        """The outbox is the change log, each record was last changed by its last entry, and stamps rise."""
        log = self._rows("SELECT changed, source, collection, sourcedId, kind FROM changes ORDER BY id")
        assert log == self._rows("SELECT changed, source, collection, sourcedId, kind FROM outbox ORDER BY event")
        last = {(collection, sourced_id): changed for changed, _, collection, sourced_id, _ in log}
        assert last == {
            (name, sourced_id): changed
            for name in COLLECTIONS
            for sourced_id, changed in self._rows(f'SELECT sourcedId, changed FROM "{name}"')
        }
        writes = self._rows("SELECT changed, stamp FROM writes ORDER BY changed")
        assert {changed for changed, *_ in log} == {changed for changed, _ in writes}
        assert [stamp for _, stamp in writes] == sorted({stamp for _, stamp in writes})


TestRosters = Rosters.TestCase
TestRosters.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
