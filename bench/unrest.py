"""A practice LMS in unrest: people join, leave, move and change roles, rosters shrink, and the LMS answers badly.

It is the other side of the soak run. When the faults stop, the roster stays as it is then: the truth.
"""

import random
import threading
from collections import Counter

from bridge.practice.manners import EXPIRED, RESTING, TOO_FAST, Failure, Manners
from bridge.practice.people import INSTRUCTOR, LEARNER, Person
from bridge.practice.rosters import Roster

_FAILURES = (
    TOO_FAST,
    RESTING,
    EXPIRED,
    Failure(500),
    Failure(502),
    Failure(404),
    Failure(403, {"Content-Type": "application/json"}, '{"status":403}'),
    Failure(200, {"Content-Type": "text/html"}, "<html>Down for maintenance</html>"),
)


class UnrulyManners(Manners):
    """Answers a share of the requests badly while it is told to.

    :ivar given: how often each fault was given, by its name.
    """

    def __init__(self, *, page_size: int, hang_for: float) -> None:
        super().__init__(page_size=page_size)
        self.given: Counter[str] = Counter()
        self._hang_for = hang_for
        self._random = random.Random(1)
        self._calm = threading.Event()

    def calm_down(self) -> None:
        """Answer well from now on."""
        self._calm.set()
        self.cut_connection_on_page = None

    def next_failure(self) -> Failure | None:
        if self._calm.is_set():
            return None
        chance = self._random.random()
        if chance < 0.01:
            self.given["hangs"] += 1
            self._calm.wait(self._hang_for)
            return None
        # Read when the answer is sent, so it may be another request's that is cut.
        self.cut_connection_on_page = self._random.choice((1, 2)) if chance < 0.05 else None
        self.given["cuts"] += chance < 0.05
        if 0.05 <= chance < 0.15:
            failure = self._random.choice(_FAILURES)
            self.given[f"answers {failure.status}"] += 1
            return failure
        return None


class Unrest:
    """Changes the rosters until it is stopped.

    :param people: who may join a course.
    :ivar changes: how many changes of each kind were made.
    """

    def __init__(self, roster: Roster, people: list[Person]) -> None:
        self.changes: Counter[str] = Counter()
        self._roster = roster
        self._people = people
        self._courses = [course.context_id for course in roster.courses()]
        self._shrunk: list[tuple[str, list[Person]]] = []
        self._random = random.Random(2)
        self._kinds = (self.join, self.leave, self.move, self.change_role, self.change_status, self.rename, self.shrink)

    def change(self) -> None:
        """Make one change."""
        weights = (20, 12, 20, 20, 10, 10, 2)
        (kind,) = self._random.choices(self._kinds, weights)
        self.changes[kind.__name__.replace("_", " ")] += kind()

    def join(self) -> bool:
        course, person = self._random.choice(self._courses), self._random.choice(self._people)
        if any(member.person.user_id == person.user_id for member in self._roster.members(course)):
            return False
        self._roster.enroll(course, person, [LEARNER])
        return True

    def leave(self) -> bool:
        course, person = self._member()
        if person is None or len(self._roster.members(course)) < 5:
            return False
        self._roster.drop(course, person.user_id)
        return True

    def move(self) -> bool:
        """Somebody leaves one course and joins another."""
        return self.leave() and self.join()

    def change_role(self) -> bool:
        course, person = self._member()
        if person is None:
            return False
        self._roster.change_roles(course, person.user_id, [self._random.choice((LEARNER, LEARNER, INSTRUCTOR))])
        return True

    def change_status(self) -> bool:
        course, person = self._member()
        if person is None:
            return False
        self._roster.change_status(course, person.user_id, self._random.choice(("Active", "Active", "Inactive")))
        return True

    def rename(self) -> bool:
        _, person = self._member()
        if person is None:
            return False
        self._roster.rename(person.user_id, family_name=self._random.choice(("Abara", "Berg", "Çelik", None)))
        return True

    def shrink(self) -> bool:
        """A roster loses half of its people, as after a failed import, and gets them back when three more have."""
        if len(self._shrunk) > 3:
            course, gone = self._shrunk.pop(0)
            there = {member.person.user_id for member in self._roster.members(course)}
            for person in gone:
                if person.user_id not in there:
                    self._roster.enroll(course, person, [LEARNER])
            return True
        course = self._random.choice(self._courses)
        members = self._roster.members(course)
        gone = [member.person for member in members[: len(members) // 2]]
        for person in gone:
            self._roster.drop(course, person.user_id)
        self._shrunk.append((course, gone))
        return bool(gone)

    def _member(self) -> tuple[str, Person | None]:
        course = self._random.choice(self._courses)
        members = self._roster.members(course)
        return course, self._random.choice(members).person if members else None
