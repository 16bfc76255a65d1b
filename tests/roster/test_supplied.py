from datetime import date

import pytest

from bridge.roster.calendar import school_year_of
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from tests.roster.derivation_world import make_surroundings
from tests.roster.oneroster_schema import stamped, violations

KEY = context_key("2")
SUPPLIED = "bridge.supplied"


def records(**options):
    return {
        f"{derived.collection} {derived.body.get('type', '')}".strip(): derived.body
        for derived in make_surroundings(**options).records()
    }


def class_and_course(label=None, title=None):
    context = Context(context_id="2", label=label, title=title)
    course, class_ = make_surroundings().class_of(KEY, context, {"lti.contextId": "2"})
    assert (course.collection, class_.collection) == ("courses", "classes")
    return class_.body, course.body


def test_tenant_has_a_school_and_a_calendar():
    assert list(records()) == [
        "orgs school",
        "academicSessions schoolYear",
        "academicSessions term",
        "academicSessions gradingPeriod",
    ]


def test_school_is_called_as_configured_and_says_that_it_is_supplied():
    school = records(school_name="Hillside", school_identifier="4711")["orgs school"]

    assert (school["name"], school["identifier"], school["status"]) == ("Hillside", "4711", "active")
    assert school["metadata"] == {SUPPLIED: "name,type,identifier"}


def test_sessions_are_nested_and_span_the_school_year():
    made = records()
    year, term, period = (made[f"academicSessions {kind}"] for kind in ("schoolYear", "term", "gradingPeriod"))

    assert "parent" not in year
    assert [each["sourcedId"] for each in year["children"]] == [term["sourcedId"]]
    assert term["parent"]["sourcedId"] == year["sourcedId"]
    assert [each["sourcedId"] for each in term["children"]] == [period["sourcedId"]]
    assert period["parent"]["sourcedId"] == term["sourcedId"]
    assert "children" not in period
    assert {
        (each["startDate"], each["endDate"], each["schoolYear"], each["title"]) for each in (year, term, period)
    } == {("2026-08-01", "2027-08-01", "2027", "2026-2027")}


def test_next_school_year_has_sessions_of_its_own():
    later = records(school_year=school_year_of(date(2027, 8, 1), (8, 1)))
    now = records()

    assert later["orgs school"] == now["orgs school"]
    assert later["academicSessions term"]["sourcedId"] != now["academicSessions term"]["sourcedId"]


def test_class_is_the_context_and_names_its_course_school_and_term():
    class_, course = class_and_course("MIX101", "Mixed roles")
    made = records()

    assert (class_["title"], class_["classCode"], class_["classType"]) == ("Mixed roles", "MIX101", "scheduled")
    assert class_["course"]["sourcedId"] == course["sourcedId"]
    assert class_["school"]["sourcedId"] == course["org"]["sourcedId"] == made["orgs school"]["sourcedId"]
    assert [term["sourcedId"] for term in class_["terms"]] == [made["academicSessions term"]["sourcedId"]]
    assert course["schoolYear"]["sourcedId"] == made["academicSessions schoolYear"]["sourcedId"]


@pytest.mark.parametrize(
    ("label", "title", "expected"),
    [
        pytest.param("MIX101", "Mixed roles", ("Mixed roles", "MIX101", "MIX101"), id="all"),
        pytest.param("MIX101", None, ("MIX101", "MIX101", "MIX101"), id="label-only"),
        pytest.param(None, "Mixed roles", ("Mixed roles", None, "2"), id="title-only"),
        pytest.param(None, None, ("2", None, "2"), id="nothing"),
    ],
)
def test_title_and_codes_fall_back_to_what_is_known(label, title, expected):
    class_, course = class_and_course(label, title)

    assert (class_["title"], class_.get("classCode"), course["courseCode"]) == expected
    assert course["title"] == class_["title"]


@pytest.mark.parametrize(
    ("title", "flagged"), [pytest.param("Mixed roles", False, id="said"), pytest.param(None, True, id="not-said")]
)
def test_title_is_flagged_where_the_platform_said_none(title, flagged):
    for body in class_and_course("MIX101", title):
        assert ("title" in body["metadata"][SUPPLIED].split(",")) is flagged


def test_class_says_where_it_comes_from_and_which_fields_were_supplied():
    class_, _ = class_and_course("MIX101", "Mixed roles")

    assert class_["metadata"] == {"lti.contextId": "2", SUPPLIED: "classType,course,school,terms"}


def test_everything_supplied_is_valid_oneroster():
    made = [
        *make_surroundings().records(),
        *make_surroundings().class_of(KEY, Context(context_id="2"), {"lti.contextId": "2"}),
    ]

    assert [violations(each.collection, stamped(each.body)) for each in made] == [[]] * len(made)
    assert [each.body["sourcedId"] for each in made] == [each.sourced_id for each in made]
