"""A run that was undone: no page takes the undoing for a reading, nor the roster for one that was never read."""

import pytest

from bridge.upkeep import undo_run
from tests.admin.conftest import words


@pytest.fixture
def undone(site, context):
    run = site.wiring.sync(context)
    site.clock.turn(minutes=1)
    return undo_run(site.wiring, run.id, made_by="ada").run


def test_context_says_that_its_reading_was_undone(operator, undone, context_path):
    page = words(operator.get(context_path))

    assert "Run 2: what run 1 had done was undone." in page
    assert ", and undone since" in page
    assert "Last full pull not since it was undone" in page
    assert "never" not in page.split("Members")[0]
    assert "by ada: run 1 was undone" in page


def test_context_says_so_still_when_a_later_reading_has_failed(site, lms, operator, context, undone, context_path):
    del lms.members["Course-1"]
    site.clock.turn(minutes=1)
    site.wiring.sync(context)

    page = words(operator.get(context_path))

    assert ", and undone since" in page
    assert "Last full pull not since it was undone" in page


def test_runs_tell_an_undoing_from_a_reading(operator, undone):
    assert "applied what run 1 had done was undone" in words(operator.get("/admin/runs/"))
    assert "applied what run 1 had done was undone" in words(operator.get(f"/admin/runs/{undone.id}"))
    assert "applied read, and what had changed was taken over" in words(operator.get("/admin/runs/1"))
