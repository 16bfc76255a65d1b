"""The daily purge by the settings, and the scheduler's other jobs."""

from dataclasses import replace

import pytest

from bridge.registry.launches import TakenLaunch
from bridge.settings import Retention, Server, Settings, Storage
from bridge.storage import rehearse, write
from bridge.upkeep import count_purge, purge_daily
from bridge.wiring import Wiring
from tests.mirror.conftest import biology
from tests.mirror.rosters_in_memory import PUBLIC_URL, School

__all__ = ["biology"]


@pytest.fixture
def school(tmp_path):
    opened = School(tmp_path / "mirror.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def make_wiring(tmp_path, school):
    made = []

    def make(**retention):
        settings = Settings(
            server=Server(public_url=PUBLIC_URL),
            storage=Storage(directory=tmp_path),
            retention=replace(Retention(), **retention),
        )
        made.append(Wiring(settings, school.clock))
        made[-1].prepare()
        return made[-1]

    yield make
    for wiring in made:
        wiring.close()


@pytest.mark.parametrize(
    ("setting", "counted"),
    [
        ("tombstone_days", "records"),
        ("fact_days", "facts"),
        ("change_days", "changes"),
        ("event_days", "events"),
        ("run_days", "runs"),
    ],
)
def test_each_setting_decides_about_its_own(school, biology, make_wiring, setting, counted):
    kept = {f"{each}_days": 3650 for each in ("tombstone", "fact", "change", "event", "run")}
    school.reconcile(biology)
    biology.leave("ann")
    school.reconcile(biology)
    school.clock.turn(days=11)
    school.reconcile(biology)

    counts = count_purge(make_wiring(**kept | {setting: 10})).as_dict()

    assert [name for name, count in counts.items() if count] == [counted]


def test_a_purge_is_due_once_a_day(school, biology, make_wiring):
    wiring = make_wiring(event_days=1)
    purge_daily(wiring)
    school.reconcile(biology)
    school.clock.turn(hours=23)
    purge_daily(wiring)
    assert school.count("outbox") > 0
    school.clock.turn(hours=2)

    purge_daily(wiring)

    assert school.count("outbox") == 0


def test_what_was_rehearsed_was_never_written(school, biology):
    school.reconcile(biology)
    db = school.mirror.db

    with rehearse(db):
        db.execute("DELETE FROM outbox")
        assert school.count("outbox") == 0

    assert school.count("outbox") > 0
    with write(db):
        pass  # and nothing is left open


def test_purge_forgets_the_launches_that_tools_can_read_no_more(school, make_wiring):
    wiring = make_wiring()
    launches, tool = wiring.registry.launches, wiring.registry.tools.add("quiz", key_set='{"keys":[]}').client_id
    launches.take(TakenLaunch(tool=tool, tenant="school", context=None, person=None, claims={}))

    school.clock.turn(hours=25)
    purge_daily(wiring)

    assert wiring.registry.db.execute("SELECT count(*) FROM launches").fetchone() == (0,)
