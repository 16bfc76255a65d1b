"""The whole way of a roster over real sockets: a practice LMS, the bridge launched there, and what it serves."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from joserfc.jwk import RSAKey

from bridge.lti.platform import Platform
from bridge.lti.vendors import profile_of
from bridge.mirror.runs import Run
from bridge.mirror.standings import Standing, Standings
from bridge.practice.browser import Browser
from bridge.practice.people import INSTRUCTOR, LEARNER, Person
from bridge.practice.rosters import Roster
from bridge.practice.server import PracticeLms
from bridge.registry.contexts import RegisteredContext
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from tests.journeys.running_bridge import RunningBridge

COURSE = "Course-1"
TEACHER = "tea"


def person(user_id: str, **known: Any) -> Person:
    """Somebody with names and an address, if nothing else is said."""
    names = {"given_name": user_id.title(), "family_name": "Example", "name": f"{user_id.title()} Example"}
    return Person(user_id=user_id, **{**names, "email": f"{user_id}@example.org", **known})


def course_of(learners: Iterable[str | Person], context_id: str = COURSE) -> Roster:
    """A course with one teacher, who can launch the bridge, and these learners."""
    roster = Roster()
    add_course(roster, learners, context_id)
    return roster


def add_course(roster: Roster, learners: Iterable[str | Person], context_id: str) -> None:
    roster.add_course(context_id, label=f"{context_id}-L", title=f"Title of {context_id}")
    roster.enroll(context_id, person(TEACHER), [INSTRUCTOR])
    for each in learners:
        roster.enroll(context_id, each if isinstance(each, Person) else person(each), [LEARNER])


class TurnedClock:
    """Runs as it should, but elsewhere in time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def turn(self, **by: float) -> None:
        self.ahead += timedelta(**by)


class WholeWay:
    """Everything, running. Use as a context manager.

    :ivar waits: the seconds that the bridge would have waited for a busy LMS.
    """

    def __init__(self, folder: Path, roster: Roster, *, vendor: str = "generic", key: RSAKey, **options: Any) -> None:
        self._stack = ExitStack()
        self.roster = roster
        self.clock = TurnedClock()
        self.lms = self._stack.enter_context(PracticeLms(roster, vendor=vendor, key=key, clock=self.clock))
        self.manners = self.lms.manners
        self._bridge = self._stack.enter_context(RunningBridge(folder, self.clock))
        self.wiring = self._bridge.wiring
        self.waits = self._bridge.waits
        registration = self._bridge.register_tool(self.lms)
        self.deployment_id = registration.pop("deployment_id")
        self.platform: Platform = self.wiring.registry.platforms.add(
            **registration, tenant="school", vendor=vendor, options=options
        )
        self._consumer = self._bridge.consumer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # From the LMS to the mirror.

    def launch(self, context_id: str = COURSE, user_id: str = TEACHER) -> RegisteredContext:
        """Launch the bridge from a course, as one of its members; the context that it knows then."""
        with Browser() as browser:
            page = browser.launch(self.lms.launch_url(context_id, user_id))
        assert page.status_code == 200, page.text
        return self.context(context_id)

    def add(self, context_id: str = COURSE) -> RegisteredContext:
        """Register a course without a launch."""
        scope = self.deployment_id if profile_of(self.platform).contexts_by_deployment else None
        return self.wiring.registry.contexts.add(
            self.platform,
            context_key(context_id, scope),
            Context(context_id=context_id),
            memberships_url=self.lms.memberships_url(context_id),
            deployment_id=self.deployment_id,
        )

    def context(self, context_id: str = COURSE) -> RegisteredContext:
        return self.wiring.registry.contexts.find(context_id)

    def sync(self, context_id: str = COURSE, **options: Any) -> Run:
        run = self.wiring.sync(self.context(context_id), **options)
        assert run is not None
        return run

    def set(self, **options: Any) -> None:
        """Change options of the platform, as ``bridge platforms set`` does."""
        platforms = self.wiring.registry.platforms
        present = platforms.by_id(self.platform.id)
        self.platform = platforms.update(
            Platform(
                **{name: getattr(present, name) for name in present.__slots__ if name != "options"}, options=options
            )
        )

    def standing(self, context_id: str = COURSE) -> Standing:
        context = self.context(context_id)
        standing = Standings(self.wiring.mirror).of(context.tenant, context.key)
        assert standing is not None
        return standing

    # What is served.

    def served(self, collection: str) -> list[dict[str, Any]]:
        """Every record of a collection, as a consumer is served it."""
        return self._consumer.all(collection)

    def enrollments(self) -> dict[str, dict[str, Any]]:
        """The enrollments that are served, by the LMS's user ids."""
        return self._consumer.by_lti_user("enrollments")

    def roles(self) -> dict[str, str]:
        """The roles of those who are enrolled now, by the LMS's user ids."""
        return {user: one["role"] for user, one in self.enrollments().items() if one["status"] == "active"}

    def told_roles(self) -> dict[str, list[str]]:
        """What the LMS said their roles are, by its user ids."""
        return {user: json.loads(one["metadata"]["lti.roles"]) for user, one in self.enrollments().items()}

    def users(self) -> dict[str, dict[str, Any]]:
        """The users that are served, by the LMS's user ids."""
        return self._consumer.by_lti_user("users")
