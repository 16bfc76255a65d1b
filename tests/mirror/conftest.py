"""A mirror in a temporary file, and courses to reconcile into it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.sync.guards import Guards
from tests.mirror.rosters_in_memory import INSTRUCTOR, Course, School


@pytest.fixture
def make_school(tmp_path: Path) -> Iterator[Callable[..., School]]:
    """Makes one, with guards of its own if need be."""
    with ExitStack() as stack:

        def make(guards: Guards = Guards()) -> School:  # noqa: B008 - it cannot be changed
            school = School(tmp_path / "mirror.sqlite", guards)
            stack.callback(school.close)
            return school

        yield make


@pytest.fixture
def school(make_school: Callable[..., School]) -> School:
    return make_school()


@pytest.fixture
def biology() -> Course:
    """Two students and a teacher."""
    course = Course("biology", "Biology")
    course.enrol("ann", given_name="Ann", family_name="Abara")
    course.enrol("ben", given_name="Ben", family_name="Berg")
    course.enrol("tea", INSTRUCTOR, name="Tea Tamm")
    return course


@pytest.fixture
def chemistry() -> Course:
    """Shares one student with biology."""
    course = Course("chemistry", "Chemistry")
    course.enrol("ann", given_name="Ann", family_name="Abara")
    course.enrol("cem")
    return course
