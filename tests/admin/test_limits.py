"""Operators who see some of the sources: what is of the others is not there for them, on any page and by any form."""

import pytest

from bridge.admin.limits import FOR_ALL, LETS_OTHERS_READ, OF_WHAT_IS_SEEN
from bridge.mirror.runs import Runs
from bridge.oneroster.scopes import ROSTER
from bridge.roster.identity import context_key
from tests.admin.conftest import words

TELLING = ("school", "Algebra", "Course-1", "Testdatter", "lms.example.org")
"""What only pages about the source say."""


def addresses(site):
    """Every page and form, of the one source that there is."""
    values = {"tenant": "school", "key": context_key("Course-1"), "run_id": 2, "platform_id": 1, "registration_id": 1}
    names = {"client_id": "x", "vendor": "canvas", "question": "roles", "filename": "admin.css", "name": "school"}
    for rule in site.admin.url_map.iter_rules():
        yield rule, "/admin" + rule.build({name: (values | names)[name] for name in rule.arguments})[1]


@pytest.fixture
def limit(site):
    def limit(*sources, unmasks=True):
        site.wiring.registry.operators.limit("ada", sources=frozenset(sources), unmasks=unmasks)

    return limit


def test_no_page_shows_anything_of_a_source_that_is_not_seen(site, operator, held, limit):
    limit("elsewhere")
    shown = set()
    for rule, path in addresses(site):
        if "GET" not in rule.methods or rule.endpoint in FOR_ALL:
            continue
        answer = operator.get(path)
        found = [word for word in TELLING if word in answer.text]
        assert (answer.status_code in {403, 404} or rule.endpoint in OF_WHAT_IS_SEEN, found) == (True, []), rule
        if answer.status_code == 200:
            shown.add(rule.endpoint)
    assert shown == {"dashboard.show", "plans.show_all", "runs.show_all", "quality.show", "quality.answer"}


@pytest.mark.parametrize("question", ["teachers", "people", "roles", "duplicates", "stale"])
def test_no_question_is_answered_with_what_is_not_seen(operator, held, limit, question):
    everything = words(operator.get(f"/admin/quality/{question}"))
    limit("elsewhere")

    page = words(operator.get(f"/admin/quality/{question}"))

    assert [word for word in TELLING if word in page] == []
    assert "Wizard" not in page
    assert ("Wizard" in everything) is (question == "roles")


def test_no_form_does_anything_to_a_source_that_is_not_seen(site, operator, held, limit):
    limit("elsewhere")
    before = site.wiring.registry.db.execute("SELECT count(*) FROM inbox").fetchone()
    for rule, path in addresses(site):
        if "POST" in rule.methods and rule.endpoint not in FOR_ALL:
            answer = operator.post(path, shown_at="/admin/", decision="approve", run=held.id)
            assert answer.status_code in {403, 404}, rule
            assert [word for word in TELLING if word in answer.text] == []
    assert site.wiring.registry.db.execute("SELECT count(*) FROM inbox").fetchone() == before
    assert [run.id for run in Runs(site.wiring.mirror, site.wiring.clock).waiting()] == [held.id]


@pytest.mark.parametrize("path", ["runs/2", "held/2", "platforms/1", "sources/school/"])
def test_what_is_not_seen_answers_as_what_is_not_there(operator, held, limit, path):
    limit("elsewhere")
    missing = path.replace("1", "99").replace("2", "99").replace("school", "nobody")

    hidden, nowhere = operator.get(f"/admin/{path}"), operator.get(f"/admin/{missing}")

    assert hidden.status_code == nowhere.status_code == 404
    assert words(hidden) == words(nowhere)


def test_what_is_seen_is_shown_and_decided_as_ever(site, operator, held, limit, context_path):
    limit("school")

    assert "Algebra I" in words(operator.get(context_path))
    assert f"Run {held.id} of school" in words(operator.get("/admin/"))
    operator.post("/admin/held/", shown_at=f"/admin/held/{held.id}", decision="reject", run=held.id)
    site.carry_out()
    assert Runs(site.wiring.mirror, site.wiring.clock).waiting() == []


def test_pages_of_the_whole_bridge_are_for_whoever_sees_all_of_it(operator, held, limit):
    limit("school")

    answer = operator.get("/admin/clients/")

    assert answer.status_code == 403
    assert "your account is limited to some of its sources" in words(answer)
    assert "/admin/clients/" not in operator.get("/admin/").text


def test_account_that_is_shown_no_personal_data_cannot_ask_for_it(site, operator, held, limit, context_path):
    limit("school", unmasks=False)

    for path in (context_path, f"{context_path}inspect/", f"/admin/held/{held.id}"):
        assert "Show personal data" not in operator.get(path).text
    page = context_path.removeprefix("/admin")
    shown = operator.post("/admin/personal", shown_at=context_path, page=page, show="yes")
    inspected = operator.post(f"{context_path}inspect/", shown_at=context_path, personal="yes")

    assert (shown.status_code, inspected.status_code) == (403, 403)
    assert "Testdatter" not in shown.text + inspected.text
    assert "Testdatter" not in operator.get(context_path).text


def test_account_that_is_shown_no_personal_data_lets_nobody_else_read_it(site, operator):
    registry = site.wiring.registry
    client, secret = registry.clients.add("consumer", scopes=[ROSTER])
    registry.operators.limit("ada", sources=None, unmasks=False)
    seen = 0
    for rule, path in addresses(site):
        if rule.endpoint in LETS_OTHERS_READ:
            answer = operator.post(
                path.replace("/x", f"/{client.client_id}"), shown_at="/admin/", name="mine", scopes=ROSTER
            )
            assert (answer.status_code, "not shown personal data" in words(answer)) == (403, True), rule
            seen += 1

    assert seen == len(LETS_OTHERS_READ)
    assert [each.name for each in registry.clients.all()] == ["consumer"]
    assert registry.clients.authenticate(client.client_id, secret) is not None
    assert operator.get(f"/admin/clients/{client.client_id}").status_code == 200
