"""Personal data is masked until it is asked for, and that it was asked for is recorded."""

import pytest
import structlog

from bridge.admin.personal import masked_container
from tests.admin.conftest import words

NAMES = ("Sunniva", "Testdatter", "@example.org", "student-0")


@pytest.fixture
def paths(context_path, held):
    return [context_path, f"/admin/held/{held.id}", "/admin/runs/1", f"/admin/runs/{held.id}"]


@pytest.fixture
def unmask(operator):
    """Has a page show personal data, as its button does."""

    def unmask(path):
        return operator.post("/admin/personal", shown_at=path, page=path.removeprefix("/admin"), show="yes")

    return unmask


@pytest.fixture
def looked_at(site):
    def looked_at():
        deeds = site.wiring.registry.activity.latest(50)
        return [deed.subject for deed in deeds if deed.action == "looked at personal data of"]

    return looked_at


def test_pages_mask_who_somebody_is(operator, paths, looked_at):
    for path in paths:
        page = operator.get(path).text
        assert [name for name in NAMES if name in page] == [], path
    assert looked_at() == []


def test_who_asks_for_it_sees_it_and_is_recorded(unmask, context, paths, looked_at, held):
    for path in paths[:3]:
        assert "Sunniva" in unmask(path).text, path

    assert looked_at() == ["run 1", f"held plan {held.id}", f"class {context.class_sourced_id}"]


def test_look_is_in_the_log_without_anybody_s_name(unmask, context_path, context):
    with structlog.testing.capture_logs() as logged:
        unmask(context_path)

    looks = [line for line in logged if line["event"] == "personal_data_shown"]
    assert [(line["operator"], line["subject"]) for line in looks] == [(1, f"class {context.class_sourced_id}")]


def test_link_that_somebody_sends_shows_nobody(operator, paths, looked_at):
    for path in paths:
        page = operator.get(f"{path}?personal=yes&show=yes").text
        assert [name for name in NAMES if name in page] == [], path
    assert looked_at() == []


def test_it_is_shown_on_the_page_that_was_chosen_and_on_no_other(operator, unmask, paths):
    unmask(paths[0])

    assert "Sunniva" not in operator.get(paths[1]).text
    assert "Sunniva" in operator.get(paths[0]).text


def test_every_look_is_recorded(operator, unmask, context_path, context, looked_at):
    unmask(context_path)
    operator.get(f"{context_path}?offset=1")

    assert looked_at() == [f"class {context.class_sourced_id}"] * 2


def test_it_is_masked_again_when_that_is_chosen_and_after_a_quarter_of_an_hour(
    operator, unmask, clock, held, context_path
):
    unmask(context_path)
    masked = operator.post("/admin/personal", shown_at=context_path, page=context_path.removeprefix("/admin")).text
    unmask(context_path)
    clock.turn(minutes=16)

    assert "Sunniva" not in masked
    assert "Sunniva" not in operator.get(context_path).text


@pytest.mark.parametrize(
    "page", ["//elsewhere.example.org/", "https://elsewhere.example.org/", "/\\elsewhere.example.org"]
)
def test_whoever_asks_for_it_is_led_nowhere_else(site, operator, context_path, page):
    answer = operator.post("/admin/personal", shown_at=context_path, page=page, show="yes")

    assert answer.url == f"{site.url}/admin/"


def test_record_is_shown(operator, unmask, context_path, context):
    unmask(context_path)

    page = words(operator.get("/admin/activity"))
    assert f"ada looked at personal data of class {context.class_sourced_id}" in page


def test_inspector_shows_what_the_platform_returns_masked(operator, context_path, lms):
    page = words(operator.post(f"{context_path}inspect/"))

    assert [name for name in NAMES if name in page] == []
    assert "membership#Learner" in page
    assert "Content-Type" in page
    assert "Authorization Bearer •••• (masked)" in page
    assert "Members on this page: 13." in page


def test_inspector_shows_personal_data_when_asked_but_never_the_token(operator, context_path, looked_at, context):
    page = words(operator.post(f"{context_path}inspect/", personal="yes"))

    assert "sunniva.3@example.org" in page
    assert "Bearer •••• (masked)" in page
    assert looked_at() == [f"class {context.class_sourced_id} at its platform"]


def test_inspector_asks_nothing_before_it_is_told_to(operator, context_path, lms):
    operator.get(f"{context_path}inspect/")

    assert lms.asked == []


def test_inspector_tells_what_a_platform_in_trouble_answers(operator, context_path, lms):
    del lms.members["Course-1"]

    page = words(operator.post(f"{context_path}inspect/"))

    assert "The status is 500" in page


def test_inspector_goes_through_the_one_outgoing_door(site, operator, context_path, context):
    db = site.wiring.registry.db
    db.execute("UPDATE contexts SET memberships_url = 'http://10.1.2.3/members'")

    page = words(operator.post(f"{context_path}inspect/"))

    assert "10.1.2.3" in page
    assert "outgoing.allowed_hosts" in page


@pytest.mark.parametrize(
    ("container", "secret"),
    [
        pytest.param({"members": [{"user_id": "u", "custom": {"nick": "Sunny"}}]}, "Sunny", id="a custom property"),
        pytest.param({"members": [{"roles": [{"held_by": "Sunny"}]}]}, "Sunny", id="roles that are none"),
        pytest.param({"members": ["Sunny"]}, "Sunny", id="a member that is none"),
        pytest.param({"members": [{"message": [{"given_name": "Sunny"}]}]}, "Sunny", id="a message section"),
        pytest.param({"people": [{"given_name": "Sunny"}]}, "Sunny", id="another list"),
        pytest.param(["Sunny"], "Sunny", id="no container"),
        pytest.param({"context": {"teacher": "Sunny"}}, "Sunny", id="within the context"),
        pytest.param({"members": [{"phone": 5551234}]}, "5551234", id="a number"),
    ],
)
def test_what_nobody_has_heard_of_is_masked(container, secret):
    assert secret not in repr(masked_container(container))


def test_roles_status_and_context_are_shown():
    container = {
        "id": "https://lms.example.org/m",
        "context": {"id": "c", "label": "ALG", "title": "Algebra"},
        "members": [{"status": "Active", "roles": ["Learner"]}],
    }

    assert masked_container(container) == container
