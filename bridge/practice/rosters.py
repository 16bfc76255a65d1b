"""The practice LMS's courses and who is in them, in memory, to be changed while it is being read.

Memberships keep the order in which they were made, each with a number that is never used again: a walk that goes on
"after this number" meets everybody who was there all along exactly once, whoever comes and goes meanwhile.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock
from typing import NamedTuple

from bridge.practice.members import Member
from bridge.practice.people import AWKWARD_ROLES, AWKWARD_STATUS, INSTRUCTOR, LEARNER, Person, invent_person

_TITLES = (
    "Algebra I", "Русская литература", "日本語 2", "Histoire & géographie", "اللغة العربية", "C++ <Templates>",
    "Biología celular", "Ελληνική ιστορία", "Deutsch für Anfänger", "世界历史",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Course:
    """One context, with its one resource link to the tool."""

    context_id: str
    label: str
    title: str

    @property
    def resource_link_id(self) -> str:
        return f"link-of-{self.context_id}"


class Change(NamedTuple):
    """The latest change of one membership.

    :ivar number: its place in the order of all changes of the course.
    """

    number: int
    member: Member
    left: bool


class Roster:
    """All courses of one LMS. Safe to read and change from several threads.

    Its methods raise ``KeyError`` for a context, or a member of it, that does not exist.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._courses: dict[str, Course] = {}
        self._members: dict[str, dict[str, Member]] = {}  # by user_id, in the order of their numbers
        self._changes: dict[str, dict[str, Change]] = {}  # by user_id, the latest each
        self._listed: dict[str, list[Member]] = {}  # the same as lists, made when read, dropped when changed

    def courses(self) -> tuple[Course, ...]:
        """Every course, in the order in which they were added."""
        with self._lock:
            return tuple(self._courses.values())

    def course(self, context_id: str) -> Course:
        """The course with this context id."""
        with self._lock:
            return self._courses[context_id]

    def member(self, context_id: str, user_id: str) -> Member:
        """One membership."""
        with self._lock:
            return self._members[context_id][user_id]

    def members(self, context_id: str) -> tuple[Member, ...]:
        """Every membership of a course as it is now, in the order of enrolling."""
        with self._lock:
            return tuple(self._list(context_id))

    def page(
        self, context_id: str, *, after: int, limit: int, wanted: Callable[[Member], bool] | None = None
    ) -> tuple[list[Member], bool]:
        """Up to ``limit`` wanted members with numbers above ``after``, and whether more of them follow."""
        found: list[Member] = []
        with self._lock:
            members = self._list(context_id)
            for place in range(bisect_right(members, after, key=lambda member: member.number), len(members)):
                member = members[place]
                if wanted is None or wanted(member):
                    if len(found) == limit:
                        return found, True
                    found.append(member)
        return found, False

    def changes(self, context_id: str, *, after: int) -> list[Change]:
        """The latest change of everybody who changed behind the change with this number, in order; 0 is all."""
        with self._lock:
            found = [change for change in self._changes[context_id].values() if change.number > after]
        return sorted(found, key=lambda change: change.number)

    def add_course(self, context_id: str, *, label: str, title: str) -> Course:
        """Open a course with nobody in it."""
        course = Course(context_id, label, title)
        with self._lock:
            if context_id in self._courses:
                raise ValueError("there is a course with this context id already")
            self._courses[context_id] = course
            self._members[context_id] = {}
            self._changes[context_id] = {}
        return course

    def retitle(self, context_id: str, title: str) -> None:
        """Give a course another title."""
        with self._lock:
            self._courses[context_id] = replace(self._courses[context_id], title=title)

    def enroll(
        self,
        context_id: str,
        person: Person,
        roles: Sequence[str] | None = (LEARNER,),
        *,
        status: str | None = "Active",
    ) -> None:
        """Put somebody into a course, last in order. ``None`` leaves the key out of what is sent.

        :raises ValueError: if the person is in it already.
        """
        with self._lock:
            members = self._members[context_id]
            if person.user_id in members:
                raise ValueError("the person is a member of this course already")
            member = Member(next(self._numbers), person, None if roles is None else tuple(roles), status)
            members[person.user_id] = member
            self._changed(context_id, member)

    def drop(self, context_id: str, user_id: str) -> None:
        """Take somebody out of a course without a trace, as most LMSs do."""
        with self._lock:
            self._changed(context_id, self._members[context_id].pop(user_id), left=True)

    def change_roles(self, context_id: str, user_id: str, roles: Sequence[str] | None) -> None:
        """Give a member other roles."""
        with self._lock:
            member = self._members[context_id][user_id]
            self._replace(context_id, member, member.person, None if roles is None else tuple(roles), member.status)

    def change_status(self, context_id: str, user_id: str, status: str | None) -> None:
        """Give a membership another status."""
        with self._lock:
            member = self._members[context_id][user_id]
            self._replace(context_id, member, member.person, member.roles, status)

    def rename(self, user_id: str, **changes: str | None) -> None:
        """Change what is known of a person, in all her courses.

        :param changes: fields of :class:`Person`.
        :raises KeyError: if she is in no course.
        """
        with self._lock:
            contexts = [context_id for context_id, members in self._members.items() if user_id in members]
            if not contexts:
                raise KeyError(user_id)
            person = replace(self._members[contexts[0]][user_id].person, **changes)  # type: ignore[arg-type]  # the names come from the caller
            for context_id in contexts:
                member = self._members[context_id][user_id]
                self._replace(context_id, member, person, member.roles, member.status)

    def _replace(
        self, context_id: str, member: Member, person: Person, roles: tuple[str, ...] | None, status: str | None
    ) -> None:
        replaced = Member(member.number, person, roles, status)
        self._members[context_id][member.person.user_id] = replaced
        self._changed(context_id, replaced)

    def _changed(self, context_id: str, member: Member, *, left: bool = False) -> None:
        self._changes[context_id][member.person.user_id] = Change(next(self._numbers), member, left)
        self._listed.pop(context_id, None)

    def _list(self, context_id: str) -> list[Member]:
        if context_id not in self._listed:
            self._listed[context_id] = list(self._members[context_id].values())
        return self._listed[context_id]


def make_roster(
    *, courses: int = 3, members_per_course: int = 30, people: int | None = None, awkward_every: int = 10
) -> Roster:
    """A school: contexts ``Course-1`` to ``Course-N``, each with one teacher and otherwise learners.

    The first 4 % of the people (at least one, and fewer where learners would run short) teach, course after course in
    turn. The others sit in a circle, and the courses are filled by going round it: everybody is used before anybody is
    used again.

    :param people: how many there are to choose from; each is in about three courses if not said.
    :param awkward_every: see :func:`~bridge.practice.people.invent_person`. What is awkward about somebody's roles
        replaces the role that she would have had.
    :raises ValueError: if there are fewer people than a course needs.
    """
    if people is None:
        people = max(2 * members_per_course, courses * members_per_course // 3)
    if people < members_per_course:
        raise ValueError(f"{members_per_course} members in a course are more than {people} people")
    seats = members_per_course - 1
    teachers = max(1, min(people // 25, people - seats))
    learners = people - teachers
    everybody = [invent_person(index, every=awkward_every) for index in range(people)]
    roster = Roster()
    for course in range(courses):
        context_id = f"Course-{course + 1}"
        roster.add_course(context_id, label=f"C{course + 1:03d}", title=_TITLES[course % len(_TITLES)])
        _enroll_as_they_are(roster, context_id, everybody[course % teachers], INSTRUCTOR)
        for seat in range(course * seats, (course + 1) * seats):
            _enroll_as_they_are(roster, context_id, everybody[teachers + seat % learners], LEARNER)
    return roster


def _enroll_as_they_are(roster: Roster, context_id: str, person: Person, role: str) -> None:
    roles: tuple[str, ...] | None = (role,)
    status: str | None = "Active"
    if person.awkward is not None:
        roles = AWKWARD_ROLES.get(person.awkward, roles)
        status = AWKWARD_STATUS.get(person.awkward, status)
    roster.enroll(context_id, person, roles, status=status)
