"""Data quality: each question finds what it asks for and nothing else."""

import pytest

from bridge.mirror import quality as questions
from bridge.mirror.quality import Quality
from bridge.roster.identity import context_key
from bridge.roster.memberships import Context
from bridge.roster.visibility import Visibility
from tests.admin.conftest import student, words


@pytest.fixture
def add(site, lms):
    """Registers a course of a tenant of its own, and reads it."""

    def add(tenant, *members, context_id="Course-9"):
        registry = site.wiring.registry
        platform = next(iter(registry.platforms.of_tenant(tenant)), None) or registry.platforms.add(
            issuer=f"https://{tenant}.example.org",
            client_id="bridge-9",
            auth_login_url=f"{lms.url}/auth",
            token_url=f"{lms.url}/token",
            jwks_url=f"{lms.url}/jwks",
            tenant=tenant,
        )
        lms.members[f"{tenant}-{context_id}"] = list(members)
        context = registry.contexts.add(
            platform,
            context_key(context_id),
            Context(context_id=context_id, title=f"{tenant} {context_id}"),
            memberships_url=f"{lms.url}/members?course={tenant}-{context_id}",
        )
        site.wiring.sync(context)
        return context

    return add


def test_class_without_teacher_is_found(operator, site, context, add):
    site.wiring.sync(context)
    alone = add("north", student(1))

    page = words(operator.get("/admin/quality/teachers"))

    assert alone.class_sourced_id in page
    assert context.class_sourced_id not in page


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        pytest.param({"email": None}, "no e-mail address", id="no address"),
        pytest.param({"name": None, "given_name": None, "family_name": None}, "no name", id="no name"),
        pytest.param({"given_name": None, "family_name": None}, None, id="a name in one piece"),
        pytest.param({"family_name": None}, None, id="a given name alone"),
        pytest.param({}, None, id="everything"),
    ],
)
def test_person_without_name_or_address_is_found(operator, add, lacking, said):
    add("north", student(1, **lacking))

    page = words(operator.get("/admin/quality/people"))

    assert ("None among 1 person" in page) == (said is None)
    assert said is None or said in page


def test_people_are_looked_at_in_windows(site, add, monkeypatch):
    add("north", *(student(number, email=None if number == 5 else "a@example.org") for number in range(6)))
    monkeypatch.setattr(questions, "LOOKED_AT", 4)

    quality = Quality(site.wiring.mirror, Visibility.of_all())
    first = quality.incomplete_people()
    second = quality.incomplete_people(int(first.next))

    assert (list(first.rows), first.looked_at) == ([], 4)
    assert (len(second.rows), second.next, second.looked_at) == (1, None, 2)


def test_unknown_roles_are_counted(operator, add):
    add("north", *(student(number, roles=["Learner", "urn:x:Wizard"]) for number in range(3)), student(9))

    page = words(operator.get("/admin/quality/roles"))

    assert "north urn:x:Wizard 3" in page
    assert "Learner" not in page


def test_person_of_two_platforms_is_found_by_her_address_in_any_case(operator, add):
    add("north", student(1, email="Sunniva@example.org"), student(2, email="alone@example.org"))
    add("south", student(1, email="sunniva@EXAMPLE.org"))

    page = operator.get("/admin/quality/duplicates")

    assert words(page).count(" north ") == 1
    assert words(page).count(" south ") == 1
    assert "example.org" not in words(page).lower()


def test_two_people_of_one_platform_are_no_duplicate(operator, add):
    add("north", student(1, email="shared@example.org"), student(2, email="shared@example.org"))

    assert "None." in words(operator.get("/admin/quality/duplicates"))


def test_address_stands_in_no_link(operator, add):
    for tenant in ("north", "south"):
        add(tenant, *(student(number, email=f"person-{number:03d}@example.org") for number in range(60)))

    page = operator.get("/admin/quality/duplicates")

    following = page.text.split('rel="next" href="')[1].split('"')[0]
    assert "example" not in page.text.split("<main")[1]
    assert words(operator.get(following)).count(" north ") == 10


def test_sealed_place_that_was_made_up_is_not_found(operator):
    assert operator.get("/admin/quality/duplicates?after=made-up").status_code == 404


def test_context_that_was_not_synced_for_long_is_found(stranger, add, clock):
    add("north", student(1))
    clock.turn(days=3)
    add("south", student(1))
    stranger.sign_in()

    page = words(stranger.get("/admin/quality/stale"))

    assert "north Course-9" in page
    assert "south Course-9" not in page


@pytest.mark.parametrize("question", ["without_teacher", "incomplete_people", "shared_addresses"])
def test_question_answers_of_what_the_caller_may_see(site, add, question):
    add("north", student(1, email=None), student(2))
    add("south", student(1, email=None), student(2))

    assert list(getattr(Quality(site.wiring.mirror, Visibility.of("elsewhere")), question)().rows) == []


def test_question_that_nobody_asks_is_not_found(operator):
    assert operator.get("/admin/quality/weather").status_code == 404
