"""A SIS's page: how reading it goes, having it read, pausing it, and what a plan of it that waits would end."""

from dataclasses import replace

import pytest

from bridge.mirror.runs import Outcome
from bridge.oneroster.scopes import ROSTER, ROSTER_CORE
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_server import PracticeSis
from bridge.registry.sources import RegisteredSource
from bridge.transport.client_secret import Credentials
from tests.admin.conftest import words

PATH = "/admin/sources/district/"


@pytest.fixture
def sis():
    district = make_district(schools=1, classes_per_school=2, students_per_class=15, students_per_school=30)
    with PracticeSis(district) as sis:
        yield sis


@pytest.fixture
def source(site, sis):
    """The SIS, registered; nothing has been read yet."""
    given = sis.register_consumer()
    credentials = Credentials(
        client_id=given["client_id"],
        secret=given["client_secret"],
        token_url=given["token_url"],
        scopes=(ROSTER_CORE, ROSTER),
    )
    return site.wiring.registry.sources.add(
        RegisteredSource(name="district", base_url=sis.base_url("1.2"), credentials=credentials)
    )


def test_source_is_read_from_its_page_and_led_to_from_the_dashboard(site, operator, source):
    operator.post(f"{PATH}sync", shown_at=PATH)

    site.carry_out()

    assert "read, and what had changed was taken over" in words(operator.get(PATH))
    assert operator.get(f"{PATH}progress").json()["busy"] is False
    assert f'href="{PATH}"' in operator.get("/admin/").text
    assert "all of it" in words(operator.get("/admin/runs/"))
    assert f'href="{PATH}"' in operator.get("/admin/runs/1").text


def test_source_is_paused_and_read_again(site, operator, source):
    operator.post(f"{PATH}pause", shown_at=PATH, reason="year end")
    site.carry_out()
    paused = words(operator.get(PATH))

    operator.post(f"{PATH}resume", shown_at=PATH)
    site.carry_out()

    assert "by ada: year end" in paused
    assert "year end" not in words(operator.get(PATH))


def test_source_is_asked_for_one_record(site, sis, operator, source):
    operator.post(f"{PATH}check", shown_at=PATH)
    assert "It answers" in words(operator.page)

    site.wiring.registry.sources.remove("district")
    assert operator.get(PATH).status_code == 404


def test_secret_that_the_sis_has_changed_is_given_on_its_page(site, operator, source):
    secret = source.credentials.secret
    site.wiring.registry.sources.set_secret("district", "the one before")
    assert "It cannot be read" in words(operator.post(f"{PATH}check", shown_at=PATH))

    changed = operator.post(f"{PATH}secret", shown_at=PATH, secret=f" {secret}\n")

    assert "asked with the new secret" in words(changed)
    assert "It answers" in words(operator.post(f"{PATH}check", shown_at=PATH))
    assert secret not in changed.text + operator.get(PATH).text
    assert "ada changed the secret of source district" in words(operator.get("/admin/activity"))


@pytest.mark.parametrize("given", [{}, {"secret": "  "}, {"secret": "x" * 2049}], ids=["none", "blanks", "too long"])
def test_secret_that_can_be_none_is_refused_and_not_shown(site, operator, source, given):
    answer = operator.post(f"{PATH}secret", shown_at=PATH, **given)

    assert answer.status_code == 400
    assert '<details class="mt-3" open>' in answer.text
    assert f'value="{given.get("secret")}"' not in answer.text
    assert site.wiring.registry.sources.get("district").credentials == source.credentials


def test_dashboard_tells_how_a_source_does_as_of_a_platform(site, sis, stranger, source, clock):
    site.wiring.sync(source)
    clock.turn(hours=2)
    stranger.sign_in()
    well = words(stranger.get("/admin/"))
    site.wiring.registry.sources.update(replace(source, base_url=f"{sis.base_url('1.2')}/nowhere"))
    clock.turn(hours=1)
    site.wiring.sync(site.wiring.registry.sources.get("district"))
    clock.turn(hours=1)
    stranger.sign_in()
    ill = words(stranger.get("/admin/"))

    row = well.partition("district SIS ")[2]
    assert row.startswith("well It was read the last time it was asked for. 2 ")
    assert " 2 hours ago in " in row[:90]
    assert "district SIS failing At the last attempt: it " in ill
    assert "Since 1 hour ago ." in ill


def test_held_plan_of_a_source_lists_the_records_that_would_end(site, sis, operator, source):
    site.wiring.sync(source)
    gone = sorted(sis.roster.records("enrollments"))
    for sourced_id in gone:
        sis.roster.erase("enrollments", sourced_id)

    run = site.wiring.sync(source, full=True)
    operator.post("/admin/personal", shown_at=f"/admin/held/{run.id}", page=f"/held/{run.id}", show="yes")
    page = words(operator.page)

    assert run.outcome is Outcome.HELD
    assert f"It would end {len(gone)} records" in page
    assert f"enrollments {gone[0]} " in page
    operator.post("/admin/held/", shown_at=f"/admin/held/{run.id}", run=str(run.id), decision="approve")
    site.carry_out()
    assert site.wiring.reconciler().runs.latest(1)[0].outcome is Outcome.APPLIED
