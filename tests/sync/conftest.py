"""The mirror's school and courses, here too."""

from tests.mirror.conftest import biology, chemistry, school

__all__ = ["biology", "chemistry", "school"]
