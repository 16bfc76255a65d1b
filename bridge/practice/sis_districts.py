"""A made-up school district, the same in every run but for its stamps.

People are those of :mod:`bridge.practice.people`, each used once, in this order: school after school its principal, its
teachers, its students, and then their guardians. SourcedIds say what a record is, except for people.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bridge.clock import Clock, utc_now
from bridge.practice.people import Awkward, Person, invent_person
from bridge.practice.sis_records import SisRoster, reference

DISTRICT = "district"

_SUBJECTS = (
    ("Algebra I", "Mathematics"), ("Русская литература", "Literature"), ("日本語 2", "Languages"),
    ("Histoire & géographie", "Social studies"), ("C++ <Templates>", "Computing"), ("Biología celular", "Science"),
)  # fmt: skip
_SEXES = ("female", "male", "unspecified", "other")


@dataclass(slots=True)
class _Making:
    roster: SisRoster
    year: int
    people: Iterator[Person]
    terms: list[str] = field(default_factory=list)

    def sessions(self) -> None:
        """A school year with two terms of two grading periods each."""
        year = f"year-{self.year}"
        days = [
            (self.year - 1, 8, 17),
            (self.year - 1, 10, 19),
            (self.year, 1, 11),
            (self.year, 3, 22),
            (self.year, 6, 19),
        ]
        edges = [f"{y}-{month:02d}-{day:02d}" for y, month, day in days]
        self._session(year, "schoolYear", edges[0], edges[4], None)
        for term in (1, 2):
            self.terms.append(f"{year}-term-{term}")
            self._session(self.terms[-1], "term", edges[2 * term - 2], edges[2 * term], year)
            for period in (2 * term - 1, 2 * term):
                self._session(
                    f"{year}-period-{period}", "gradingPeriod", edges[period - 1], edges[period], self.terms[-1]
                )

    def _session(self, sourced_id: str, type_: str, start: str, end: str, parent: str | None) -> None:
        more = {} if parent is None else {"parent": reference("academicSession", parent)}
        title = sourced_id.replace("-", " ").capitalize()
        self.roster.add(
            "academicSessions", sourced_id, title=title, startDate=start, endDate=end, type=type_,
            schoolYear=str(self.year), **more,
        )  # fmt: skip

    def user(self, role: str, org: str, *, child: str | None = None) -> str:
        """The next person, with one role.

        :param child: whose guardian she is; each is made the other's agent.
        """
        person = next(self.people)
        sourced_id = person.user_id
        email = {} if person.email is None else {"email": person.email}
        fields: dict[str, Any] = {
            "username": f"user.{sourced_id}",
            "enabledUser": "false" if person.awkward is Awkward.INACTIVE else "true",
            "givenName": person.name or "" if person.given_name is None else person.given_name,
            "familyName": person.family_name or "",
            "roles": [{"roleType": "primary", "role": role, "org": reference("org", org)}],
            "primaryOrg": reference("org", org),
            **email,
        }
        if person.middle_name:
            fields["middleName"] = person.middle_name
        if person.lis_person_sourcedid:
            fields["identifier"] = person.lis_person_sourcedid
            fields["userIds"] = [{"type": "SIS", "identifier": person.lis_person_sourcedid}]
        if child is not None:
            fields["agents"] = [reference("user", child)]
            self.roster.change("users", child, agents=[reference("user", sourced_id)])
        self.roster.add("users", sourced_id, **fields)
        return sourced_id

    def student(self, org: str, number: int) -> str:
        """The next person as a student, with demographics."""
        sourced_id = self.user("student", org)
        self.roster.change("users", sourced_id, grades=[f"{9 + number % 4:02d}"])
        self.roster.add(
            "demographics", sourced_id, birthDate=f"{self.year - 16}-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
            sex=_SEXES[number % len(_SEXES)], asian="false" if number % 5 else "true",
            hispanicOrLatinoEthnicity="false",
        )  # fmt: skip
        return sourced_id


def make_district(
    *,
    schools: int = 2,
    classes_per_school: int = 6,
    students_per_class: int = 20,
    students_per_school: int = 60,
    teachers_per_school: int = 4,
    guardian_every: int = 3,
    school_year: int = 2027,
    awkward_every: int = 10,
    clock: Clock = utc_now,
) -> SisRoster:
    """A district, its schools ``school-1`` to ``school-N``, a school year, courses, and classes with people in them.

    The classes of a school are ``school-1-class-1`` and so on, in the first term, the second term, both, and so on.
    Each has a primary teacher, every fourth a second one. The students of a school sit in a circle, and its classes are
    filled by going round it: everybody is used before anybody is used again.

    :param guardian_every: how often a student has a guardian; 0 is never.
    :param school_year: the year in which it ends.
    :param awkward_every: see :func:`~bridge.practice.people.invent_person`; only what is awkward about the person
        herself shows, and ``INACTIVE`` as a user who is not enabled.
    :raises ValueError: if a class would hold more students than its school has.
    """
    if students_per_class > students_per_school:
        raise ValueError(f"{students_per_class} students in a class are more than {students_per_school} in a school")
    roster = SisRoster(clock)
    making = _Making(roster, school_year, (invent_person(index, every=awkward_every) for index in count()))
    making.sessions()
    roster.add("orgs", DISTRICT, name="Practice district", type="district", identifier="0000")
    terms = [[making.terms[0]], [making.terms[1]], making.terms]
    for number in range(1, schools + 1):
        school = f"school-{number}"
        roster.add(
            "orgs", school, name=f"School {number}", type="school", identifier=f"{number:04d}",
            parent=reference("org", DISTRICT),
        )  # fmt: skip
        making.user("principal", school)
        teachers = [making.user("teacher", school) for _ in range(teachers_per_school)]
        students = [making.student(school, seat) for seat in range(students_per_school)]
        for student in students[::guardian_every] if guardian_every else ():
            making.user("guardian", school, child=student)
        for index, (title, subject) in enumerate(_SUBJECTS[:classes_per_school], 1):
            roster.add(
                "courses", f"{school}-course-{index}", title=title, courseCode=f"C{index:03d}", grades=["09", "10"],
                subjects=[subject], org=reference("org", school),
                schoolYear=reference("academicSession", f"year-{school_year}"),
            )  # fmt: skip
        for index in range(classes_per_school):
            class_id = f"{school}-class-{index + 1}"
            title, subject = _SUBJECTS[index % len(_SUBJECTS)]
            roster.add(
                "classes", class_id, title=f"{title} / {index + 1}", classCode=f"{number}.{index + 1}",
                classType="scheduled", location=f"Room {index + 1}", grades=["09"], subjects=[subject],
                course=reference("course", f"{school}-course-{index % len(_SUBJECTS) + 1}"),
                school=reference("org", school), periods=[str(index % 8 + 1)],
                terms=[reference("academicSession", term) for term in terms[index % 3]],
            )  # fmt: skip
            roster.enroll(teachers[index % teachers_per_school], class_id, "teacher", primary="true")
            if index % 4 == 3 and teachers_per_school > 1:
                roster.enroll(teachers[(index + 1) % teachers_per_school], class_id, "teacher", primary="false")
            for seat in range(index * students_per_class, (index + 1) * students_per_class):
                roster.enroll(students[seat % students_per_school], class_id)
    return roster
