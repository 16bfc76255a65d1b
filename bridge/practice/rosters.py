"""The practice LMS's courses and who is in them, in memory, to be changed while it is being read.

Memberships keep the order in which they were made, each with a number that is never used again: a walk that goes on
"after this number" meets everybody who was there all along exactly once, whoever comes and goes meanwhile.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from bridge.practice.people import AWKWARD_ROLES, AWKWARD_STATUS, INSTRUCTOR, LEARNER, Person, invent_person

_PRINCIPAL = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
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


class Style(NamedTuple):
    """How members are written: which personal data are shared, and whether core roles go by their short names."""

    names: bool = True
    email: bool = True
    short_roles: bool = False


@dataclass(slots=True, eq=False)
class Member:
    """One membership. It is never changed: what changes is replaced, and with it the text kept here.

    :param number: its place in the order of enrolling.
    :param roles: full URIs; ``None`` is no ``roles`` key.
    :param status: ``None`` is no ``status`` key.
    """

    number: int
    person: Person
    roles: tuple[str, ...] | None
    status: str | None
    _text: tuple[Style, bytes] | None = field(default=None, init=False, repr=False)

    def to_nrps(self, style: Style) -> dict[str, Any]:
        """The member object of NRPS 2.0, without the keys that have nothing to say."""
        person, roles = self.person, self.roles
        if roles is not None and style.short_roles:
            roles = tuple(role.removeprefix(_PRINCIPAL) for role in roles)
        member = {
            "status": self.status,
            "user_id": person.user_id,
            "roles": roles,
            "email": person.email if style.email else None,
        }
        if style.names:
            for key in ("name", "given_name", "family_name", "middle_name", "picture", "lis_person_sourcedid"):
                member[key] = getattr(person, key)
        return {key: value for key, value in member.items() if value is not None}

    def to_json(self, style: Style) -> bytes:
        """The same as JSON text, written once per style."""
        if self._text is None or self._text[0] != style:
            self._text = (style, msgspec.json.encode(self.to_nrps(style)))
        return self._text[1]


class Roster:
    """All courses of one LMS. Safe to read and change from several threads.

    Its methods raise ``KeyError`` for a context, or a member of it, that does not exist.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._courses: dict[str, Course] = {}
        self._members: dict[str, dict[str, Member]] = {}  # by user_id, in the order of their numbers
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

    def add_course(self, context_id: str, *, label: str, title: str) -> Course:
        """Open a course with nobody in it."""
        course = Course(context_id, label, title)
        with self._lock:
            if context_id in self._courses:
                raise ValueError("there is a course with this context id already")
            self._courses[context_id] = course
            self._members[context_id] = {}
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
            members[person.user_id] = Member(
                next(self._numbers), person, None if roles is None else tuple(roles), status
            )
            self._listed.pop(context_id, None)

    def drop(self, context_id: str, user_id: str) -> None:
        """Take somebody out of a course without a trace, as most LMSs do."""
        with self._lock:
            del self._members[context_id][user_id]
            self._listed.pop(context_id, None)

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
        self._members[context_id][member.person.user_id] = Member(member.number, person, roles, status)
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
