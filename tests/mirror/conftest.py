"""A mirror in a temporary file, and courses to reconcile into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mirror.rosters_in_memory import INSTRUCTOR, Course, School


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    opened = School(tmp_path / "mirror.sqlite")
    yield opened
    opened.close()


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
