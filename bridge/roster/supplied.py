"""The records around a roster that LTI does not speak of: school, calendar, course, class.

OneRoster requires them, so the bridge supplies them, one school and one calendar per tenant and one course and one
class per context. Each says in ``metadata`` which of its fields were supplied (``bridge.supplied``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bridge.roster.calendar import SchoolYear
from bridge.roster.identity import (
    ContextKey,
    SourcedId,
    class_sourced_id,
    course_sourced_id,
    org_sourced_id,
    session_sourced_id,
)
from bridge.roster.memberships import Context
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, COURSES, ORGS
from bridge.roster.ports import Derived
from bridge.roster.references import References

SUPPLIED = "bridge.supplied"
"""The metadata key that lists, comma-separated, the fields that no source said."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The school and the calendar of one tenant.

    :param school_name: what to call the school; the tenant's name unless configured.
    :param school_identifier: its official number; the tenant's name unless configured.
    """

    tenant: str
    school_name: str
    school_identifier: str
    school_year: SchoolYear
    references: References

    @cached_property
    def school(self) -> Mapping[str, str]:
        """The reference to the school."""
        return self.references.to(ORGS, org_sourced_id(self.tenant))

    @cached_property
    def term(self) -> Mapping[str, str]:
        """The reference to the term that classes are in."""
        return self.references.to(ACADEMIC_SESSIONS, self._session_id("term"))

    def _session_id(self, session_type: str) -> SourcedId:
        year = self.school_year
        return session_sourced_id(self.tenant, session_type, year.name, year.start.isoformat())

    def records(self) -> list[Derived]:
        """The school, the school year, its term and its grading period."""
        org_id = org_sourced_id(self.tenant)
        org = {
            "sourcedId": org_id,
            "status": "active",
            "name": self.school_name,
            "type": "school",
            "identifier": self.school_identifier,
            "metadata": {SUPPLIED: "name,type,identifier"},
        }
        return [
            Derived(ORGS.name, org_id, org),
            self._session("schoolYear", parent=None, child="term"),
            self._session("term", parent="schoolYear", child="gradingPeriod"),
            self._session("gradingPeriod", parent="term", child=None),
        ]

    def _session(self, session_type: str, *, parent: str | None, child: str | None) -> Derived:
        year = self.school_year
        sourced_id = self._session_id(session_type)
        body: dict[str, Any] = {
            "sourcedId": sourced_id,
            "status": "active",
            "title": year.name,
            "startDate": year.start.isoformat(),
            "endDate": year.end.isoformat(),
            "type": session_type,
        }
        if parent is not None:
            body["parent"] = self.references.to(ACADEMIC_SESSIONS, self._session_id(parent))
        if child is not None:
            body["children"] = [self.references.to(ACADEMIC_SESSIONS, self._session_id(child))]
        body["schoolYear"] = str(year.ends_in)
        body["metadata"] = {SUPPLIED: "title,startDate,endDate,type,schoolYear"}
        return Derived(ACADEMIC_SESSIONS.name, sourced_id, body)

    def class_of(self, key: ContextKey, context: Context, metadata: Mapping[str, str]) -> list[Derived]:
        """The class that a context is, and the course that the class is of.

        :param metadata: where the context comes from, for the class's own metadata.
        """
        title = context.title or context.label or context.context_id
        code = context.label or context.context_id
        title_supplied = () if context.title else ("title",)
        course_id = course_sourced_id(self.tenant, key)
        course = {
            "sourcedId": course_id,
            "status": "active",
            "title": title,
            "schoolYear": self.references.to(ACADEMIC_SESSIONS, self._session_id("schoolYear")),
            "courseCode": code,
            "org": self.school,
            "metadata": {SUPPLIED: ",".join((*title_supplied, "schoolYear", "courseCode", "org"))},
        }
        class_id = class_sourced_id(self.tenant, key)
        class_: dict[str, Any] = {"sourcedId": class_id, "status": "active", "title": title}
        if context.label:
            class_["classCode"] = context.label
        class_ |= {
            "classType": "scheduled",
            "course": self.references.to(COURSES, course_id),
            "school": self.school,
            "terms": [self.term],
            "metadata": {**metadata, SUPPLIED: ",".join((*title_supplied, "classType", "course", "school", "terms"))},
        }
        return [Derived(COURSES.name, course_id, course), Derived(CLASSES.name, class_id, class_)]
