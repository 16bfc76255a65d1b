"""Courses that say what a test wants, and the mirror that they are reconciled into.

The courses live in memory; the mirror is a real one in a temporary file, and members become documents by the same rules
as an LMS's.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge.mirror.decisions import DecisionKind
from bridge.mirror.mirror import Mirror
from bridge.mirror.runs import Mandate, Run
from bridge.nrps.schemas import load_context, load_member, merge_members
from bridge.roster.calendar import school_year_of
from bridge.roster.derive import MembershipDerivation, Origin, Reading
from bridge.roster.identity import (
    ContextKey,
    LtiUserId,
    class_sourced_id,
    context_key,
    course_sourced_id,
    enrollment_sourced_id,
    user_sourced_id,
)
from bridge.roster.memberships import Context
from bridge.roster.ports import FactKind, Listed, Said, Stated
from bridge.roster.references import References
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.supplied import Surroundings
from bridge.sync.guards import Guards
from bridge.sync.reconciler import Approval, Preview, Reconciler

PUBLIC_URL = "https://bridge.example.org"
ISSUER = "https://lms.example.org"

_MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
LEARNER = f"{_MEMBERSHIP}#Learner"
INSTRUCTOR = f"{_MEMBERSHIP}#Instructor"
PRIMARY = f"{_MEMBERSHIP}/Instructor#PrimaryInstructor"
MENTOR = f"{_MEMBERSHIP}#Mentor"
"""A role without an enrollment in the role mapping ``compat``."""

Entry = Said | Exception


def stated(user_id: str, *roles: str, **properties: Any) -> Stated:
    """One member as a platform lists her."""
    body = {"user_id": user_id, "roles": roles or (LEARNER,), **properties}
    return Stated(FactKind.MEMBER, user_id, json.dumps(body).encode())


@dataclass
class Course:
    """A course of an LMS; a test changes it between two readings.

    :ivar complete: whether the LMS lists everybody.
    :ivar also: what it says after its members, in this order; an exception is raised there.
    """

    context_id: str
    title: str | None = None
    source: str = "north"
    complete: bool = True
    members: dict[str, Stated] = field(default_factory=dict)
    also: list[Entry] = field(default_factory=list)

    @property
    def key(self) -> ContextKey:
        return context_key(self.context_id)

    def enrol(self, user_id: str, *roles: str, **properties: Any) -> None:
        """A new member, or another role or name for one who is there."""
        self.members[user_id] = stated(user_id, *roles, **properties)

    def leave(self, *user_ids: str) -> None:
        for user_id in user_ids:
            del self.members[user_id]

    def snapshot(self) -> "Snapshot":
        return Snapshot(self)


class Snapshot:
    """What a course says now: a :class:`bridge.roster.ports.Snapshot`."""

    bookmark = None

    def __init__(self, course: Course) -> None:
        self.source = course.source
        self.context = course.key
        self.complete = course.complete
        about = {"id": course.context_id} | ({"title": course.title} if course.title is not None else {})
        context = Stated(FactKind.CONTEXT, "", json.dumps(about).encode())
        members = list(course.members.values())
        subjects, raws = [each.subject for each in members], [each.raw for each in members]
        listed = Listed(FactKind.MEMBER, subjects, raws, members.__getitem__)
        self._entries: list[Entry] = [context, listed, *course.also]

    def __iter__(self) -> Iterator[Said]:
        for entry in self._entries:
            if isinstance(entry, Exception):
                raise entry
            yield entry

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        return merge_members(earlier, later)


class TurnedClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


class School:
    """A mirror, and the reconciler that keeps courses in it.

    :ivar reading: how what the courses say is read: a test may change it between two runs.
    :ivar today: the day whose school year is supplied; likewise.
    """

    def __init__(self, path: Path, guards: Guards = Guards()) -> None:  # noqa: B008 - it cannot be changed
        self.path = path
        self.clock = TurnedClock()
        self.mirror = Mirror.open(path)
        self.mirror.rebase(PUBLIC_URL)
        self.reconciler = Reconciler(self.mirror, guards, self.clock)
        self.runs = self.reconciler.runs
        self.reading = Reading(table=RoleTable.default(), mapping=RoleMapping.COMPAT)
        self.today = date(2026, 11, 20)

    def close(self) -> None:
        self.mirror.close()

    def derivation(self, course: Course) -> MembershipDerivation:
        return MembershipDerivation(
            tenant=course.source,
            tenant_issuer=ISSUER,
            origin=Origin(
                key=course.key,
                issuer=ISSUER,
                deployment_id="1",
                context=Context(context_id=course.context_id, label=course.context_id),
            ),
            surroundings=Surroundings(
                tenant=course.source,
                school_name="North High",
                school_identifier="north-1",
                school_year=school_year_of(self.today, (8, 1)),
                references=References(PUBLIC_URL),
            ),
            reading=self.reading,
            reading_elsewhere=lambda _: self.reading,
            load_member=load_member,
            load_context=load_context,
        )

    def reconcile(
        self,
        course: Course,
        *,
        approved: Collection[str] | None = None,
        except_removals: bool = False,
        about: int | None = None,
    ) -> Run:
        """Reconcile a course; a person has approved that these go, if they are given.

        :param about: the held run that she was asked about.
        """
        kind = DecisionKind.APPROVED_REST if except_removals else DecisionKind.APPROVED
        mandate = Mandate(kind=kind, made_by="operator", run=about)
        approval = None if approved is None else Approval(mandate=mandate, removals=frozenset(approved))
        return self.reconciler.reconcile(course.snapshot(), self.derivation(course), approval=approval)

    def preview(self, course: Course) -> Preview:
        return self.reconciler.preview(course.snapshot(), self.derivation(course))

    # What the mirror holds.

    def document(self, collection: str, sourced_id: str) -> Any:
        """A record's document as it is stored, read as JSON; ``None`` if there is no such record."""
        row = self.row(collection, sourced_id)
        return json.loads(row["document"]) if row else None

    def row(self, collection: str, sourced_id: str) -> dict[str, Any] | None:
        return next(
            self.mirror.db.query(
                f'SELECT seq, source, changed, status, document FROM "{collection}" WHERE sourcedId = ?', [sourced_id]
            ),
            None,
        )

    def user(self, user_id: str, source: str = "north") -> Any:
        return self.document("users", user_sourced_id(source, LtiUserId(user_id)))

    def enrollment(self, user_id: str, course: Course) -> Any:
        return self.document("enrollments", enrollment_sourced_id(course.source, course.key, LtiUserId(user_id)))

    def class_(self, course: Course) -> Any:
        return self.document("classes", class_sourced_id(course.source, course.key))

    def course(self, course: Course) -> Any:
        return self.document("courses", course_sourced_id(course.source, course.key))

    def count(self, table: str, where: str = "TRUE") -> int:
        return int(self.mirror.db.execute(f'SELECT count(*) FROM "{table}" WHERE {where}').fetchone()[0])

    def marks(self) -> dict[tuple[str, str], int]:
        """The write that last changed anything of a source's collection."""
        rows = self.mirror.db.execute(
            "SELECT name, collection, changed FROM marks JOIN sources ON sources.id = marks.source"
        )
        return {(source, collection): changed for source, collection, changed in rows}

    def dump(self, *, without: Collection[str] = ()) -> dict[str, list[Any]]:
        """Every row of every table."""
        tables = self.mirror.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        return {
            name: sorted(self.mirror.db.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for (name,) in tables
            if name not in without
        }


RUN_RECORDS = (
    "runs",
    "run_totals",
    "quarantine",
    "held",
    "contexts",
    "attempts",
    "decisions",
    "fact_changes",
    "sqlite_sequence",
)
"""The tables that say that a run took place, not what the rosters are."""
