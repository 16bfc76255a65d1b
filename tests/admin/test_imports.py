"""Sets of files: what a held import would end is seen and decided about on the pages, before the files come again."""

import pytest

from bridge.csv_import import open_import
from bridge.mirror.runs import Outcome, Runs
from tests.admin.conftest import words
from tests.exchange.csv_sets import SMALL, changed, write_set

MANY = [f"x{number},,,K,S,s1,student,,," for number in range(30)]


@pytest.fixture
def load(site, tmp_path):
    """Imports a set, as ``bridge import csv --yes`` does."""

    def load(lines):
        with open_import(site.wiring, write_set(tmp_path / "in.zip", lines), source="sis") as opened:
            return opened.apply(lambda _: None).run

    return load


@pytest.fixture
def held(load):
    load(changed(SMALL, enrollments=[*SMALL["enrollments"], *MANY]))
    run = load(SMALL)
    assert run.outcome is Outcome.HELD
    return run


def decide(operator, run, word):
    operator.post("/admin/held/", shown_at=f"/admin/held/{run.id}", run=run.id, decision=word)


def test_held_import_is_on_the_dashboard_and_lists_what_it_would_end(operator, held):
    dashboard, path = words(operator.get("/admin/")), f"/held/{held.id}"
    page = words(operator.post("/admin/personal", shown_at=f"/admin{path}", page=path, show="yes"))

    assert "1 plan waits for a person" in dashboard
    assert "sis files held It answers; 1 plan waits for a person." in dashboard
    assert "It would end 30 records" in page
    assert "enrollments x0 " in page


def test_approved_import_is_applied_when_its_files_come_again(site, operator, load, held):
    decide(operator, held, "approve")
    site.carry_out()

    shown = words(operator.get(f"/admin/held/{held.id}"))
    run = load(SMALL)

    assert "ada approved it just now" in shown
    assert "bridge import csv IN.zip --source sis" in shown
    assert (run.outcome, run.removed, run.decided_by) == (Outcome.APPLIED, 30, "ada")


def test_approved_import_waits_for_no_person(site, operator, held):
    decide(operator, held, "approve")
    site.carry_out()

    assert "for a person" not in words(operator.get("/admin/"))


def test_approval_lets_nothing_end_but_what_was_listed(site, operator, load, held):
    decide(operator, held, "approve")
    site.carry_out()

    run = load(changed(SMALL, enrollments=[], roles=[], users=[], classes=[]))

    assert run.outcome is Outcome.HELD
    assert run.id in {each.id for each in Runs(site.wiring.mirror, site.clock).waiting("sis")}


def test_import_approved_all_but_removals_ends_nothing(site, operator, load, held):
    decide(operator, held, "approve-rest")
    site.carry_out()

    run = load(changed(SMALL, orgs=["D,,,Renamed,district,1,", SMALL["orgs"][1]]))

    assert (run.outcome, run.changed) == (Outcome.HELD, 1)
    assert "Renamed" in str(site.wiring.mirror.db.execute("SELECT document FROM orgs").fetchall())


def test_rejected_import_is_held_again_when_its_files_come_again(site, operator, load, held):
    decide(operator, held, "reject")
    site.carry_out()

    assert load(SMALL).outcome is Outcome.HELD


def test_word_about_an_import_is_good_once(site, operator, load, held):
    decide(operator, held, "approve")
    site.carry_out()
    load(SMALL)
    load(changed(SMALL, enrollments=[*SMALL["enrollments"], *MANY]))

    assert load(SMALL).outcome is Outcome.HELD


def test_set_of_files_has_a_page(operator, held):
    page = words(operator.get("/admin/sources/sis/"))

    assert "1 plan waits for a person" in page
    assert "bridge import csv IN.zip --source sis" in page
    assert operator.get("/admin/sources/nobody/").status_code == 404
