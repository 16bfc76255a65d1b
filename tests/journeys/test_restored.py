"""What clients hold of a bridge, across a restart and across a restore: nothing given before it is good afterwards.

A restored mirror is an earlier one, in which the same numbers come to mean other things. So it has a new epoch, and
every place, tag and cursor is made of that.
"""

import json
from functools import partial

import pytest
import requests

from bridge.api.scopes import RUNS_READ
from bridge.backups import back_up, restore
from bridge.clock import utc_now
from bridge.nrps.schemas import MEMBERSHIP_CONTAINER
from bridge.oneroster.scopes import ROSTER
from bridge.practice.nrps_tool import PracticeTool
from bridge.practice.people import INSTRUCTOR, LEARNER
from bridge.practice.rosters import Roster, make_roster
from bridge.roster.roles import RoleMapping
from bridge.settings import Storage
from bridge.transport.links import find_link, parse_links
from tests.journeys.test_two_bridges import person
from tests.journeys.two_bridges import TwoBridges, who

ROSTERING = "ims/oneroster/rostering/v1p2"


class Clients:
    """A OneRoster consumer, who reads events and runs too, and an LTI tool; both were there before the backup."""

    def __init__(self, bridge, tool):
        self._url = bridge.url
        client, secret = bridge.wiring.registry.clients.add("consumer", scopes=[ROSTER, RUNS_READ])
        grant = {"grant_type": "client_credentials", "scope": f"{ROSTER} {RUNS_READ}"}
        answer = requests.post(f"{bridge.url}/oauth2/token", grant, auth=(client.client_id, secret), timeout=10)
        self._consumer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        tool.client_id = bridge.wiring.registry.tools.add("t", key_set=json.dumps(tool.public_key_set)).client_id
        self._tool = {"Authorization": f"Bearer {tool.fetch_token()}", "Accept": MEMBERSHIP_CONTAINER}
        (context,) = bridge.wiring.registry.contexts.all()
        self._memberships = f"{bridge.url}/lti/contexts/{context.class_sourced_id}/memberships"

    def take(self):
        """Whatever is given to be handed back later: how each is, by its name, and what it is answered now."""
        page = self._get(f"{ROSTERING}/users", self._consumer, limit=2)
        events = self._get("api/events", self._consumer, limit=2).json()["next"]
        runs = self._get("api/runs", self._consumer, limit=1).json()["next"]
        members = self._get(self._memberships, self._tool, limit=2)
        whole = self._get(self._memberships, self._tool)
        conditional = partial(self._get, f"{ROSTERING}/users", limit=2)
        return {
            "a page of NRPS": partial(self._get, _link(members, "next"), self._tool),
            "differences of NRPS": partial(self._get, _link(members, "differences"), self._tool),
            "an entity tag of NRPS": partial(
                self._get, self._memberships, {**self._tool, "If-None-Match": whole.headers["ETag"]}
            ),
            "a page of OneRoster": partial(self._get, _link(page, "next"), self._consumer),
            "an entity tag of OneRoster": partial(
                conditional, {**self._consumer, "If-None-Match": page.headers["ETag"]}
            ),
            "a cursor of events": partial(self._get, "api/events", self._consumer, after=events),
            "a cursor of runs": partial(self._get, "api/runs", self._consumer, limit=1, after=runs),
        }

    def _get(self, where, headers, **asked):
        url = where if where.startswith("http") else f"{self._url}/{where}"
        return requests.get(url, params=asked, headers=headers, timeout=10)


def _link(answer, rel):
    assert answer.status_code == 200, answer.text
    return find_link(parse_links([answer.headers["Link"]], answer.url), rel).target


def restart_from(backup, bridge):
    """Restore a backup into an empty installation, and go on with that."""
    directory = backup.with_name("restored")
    restore(Storage(directory=directory), backup, utc_now)
    bridge.restart(directory)


def answers(taken):
    return {name: ask().status_code for name, ask in taken.items()}


@pytest.fixture
def tool(bridge, platform_key):
    with PracticeTool(f"{bridge.url}/oauth2/token", key=platform_key) as tool:
        yield tool


@pytest.fixture
def served(bridge, start_lms):
    """A bridge with a course of eight that was read twice."""
    lms = start_lms(make_roster(courses=1, members_per_course=8, people=8, awkward_every=0))
    bridge.register_at(lms, "school")
    bridge.take_up(lms)
    bridge.sync()
    return bridge


GOOD = {
    "a page of NRPS": 200,
    "differences of NRPS": 200,
    "an entity tag of NRPS": 304,
    "a page of OneRoster": 200,
    "an entity tag of OneRoster": 304,
    "a cursor of events": 200,
    "a cursor of runs": 200,
}
OVER = {
    "a page of NRPS": 410,
    "differences of NRPS": 410,
    "an entity tag of NRPS": 200,
    "a page of OneRoster": 400,  # OneRoster has no 410
    "an entity tag of OneRoster": 200,
    "a cursor of events": 410,
    "a cursor of runs": 410,
}


def test_all_of_it_is_good_after_a_restart(served, tool):
    taken = Clients(served, tool).take()
    assert answers(taken) == GOOD

    served.restart()

    assert answers(taken) == GOOD


def test_none_of_it_is_good_after_a_restore(served, tool, tmp_path):
    clients, backup = Clients(served, tool), tmp_path / "backup.zip"
    back_up(served.settings.storage, backup, utc_now)
    before = clients.take()

    restart_from(backup, served)

    assert answers(before) == OVER
    assert answers(clients.take()) == GOOD


def test_what_was_given_before_the_backup_is_not_good_either(served, tool, tmp_path):
    before, backup = Clients(served, tool).take(), tmp_path / "backup.zip"
    back_up(served.settings.storage, backup, utc_now)

    restart_from(backup, served)

    assert answers(before) == OVER


def test_second_bridge_is_put_right_by_its_next_reading_when_the_first_was_restored(tmp_path, platform_key):
    roster = Roster()
    roster.add_course("Course-1", label="C1", title="Course 1")
    roster.enroll("Course-1", person("host"), [INSTRUCTOR])
    roster.enroll("Course-1", person("leaves"), [LEARNER])
    with TwoBridges(tmp_path, platform_key, roster) as bridges:
        backup = tmp_path / "backup.zip"
        bridges.launch("Course-1", RoleMapping.COMPAT)
        back_up(bridges.first.settings.storage, backup, utc_now)
        roster.drop("Course-1", "leaves")
        bridges.first.sync("Course-1")
        bridges.pass_on()
        url = bridges.memberships_url("Course-1", "compat")
        assert who(bridges.told(url)).keys() == {"host"}
        since = bridges.differences(url)

        restart_from(backup, bridges.first)
        run = bridges.pass_on()

        assert not run.complete
        assert who(bridges.told(since)) == {"leaves": ([LEARNER], "Active")}
        assert who(bridges.told(url)).keys() == {"host", "leaves"}
