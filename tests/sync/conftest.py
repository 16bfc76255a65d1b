"""The mirror's school and courses, here too."""

from tests.mirror.conftest import biology, chemistry, make_school, school

__all__ = ["biology", "chemistry", "make_school", "school"]
