"""A bridge read by our own client, over real HTTP: what the second one holds is what the first one serves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.mirror.runs import Outcome
from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.practice.server import PracticeServer
from bridge.registry.sources import RegisteredSource
from bridge.roster.model import COLLECTIONS
from bridge.transport.client_secret import Credentials
from tests.conformance.awkward import fill
from tests.conformance.world import World, ref


class ServedWorld(World):
    """A bridge that holds what a test puts there, on a real socket."""

    def __init__(self, directory: Path) -> None:
        self._server = PracticeServer()
        super().__init__(directory, public_url=self._server.url)
        self._server.app = self.app

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()
        super().close()

    def as_source(self, *, prefix: str = "", body_style: str | None = None, sources=None) -> RegisteredSource:
        client, secret = self.wiring.registry.clients.add(
            "bridge", scopes=ONEROSTER_SCOPES, sources=sources, body_style=body_style
        )
        root = self.settings.server.public_url
        return RegisteredSource(
            name="first",
            base_url=f"{root}/ims/oneroster/rostering/v1p2",
            credentials=Credentials(client_id=client.client_id, secret=secret, token_url=f"{root}/oauth2/token"),
            demographics=True,
            prefix=prefix,
            page_limit=25,
        )

    def served(self, collection: str) -> dict[str, dict[str, object]]:
        """Everything that it serves of a collection, as the first consumer sees it."""
        return {
            record["sourcedId"]: record
            for record in self.consumer().get(collection, limit=10_000).get_json()[collection]
        }


@pytest.fixture
def first(tmp_path: Path) -> Iterator[ServedWorld]:
    world = ServedWorld(tmp_path / "first")
    world.start()
    yield world
    world.close()


def comparable(records, root):
    """The records without the time of their last change, and with addresses on one root."""
    text = json.dumps(records).replace(root, "ROOT")
    return {
        key: {name: value for name, value in record.items() if name != "dateLastModified"}
        for key, record in json.loads(text).items()
    }


def on_one_root(world):
    return {name: comparable(world.served(name), world.settings.server.public_url) for name in COLLECTIONS}


def held(bridge):
    return {
        name: comparable(records, bridge.settings.server.public_url) for name, records in bridge.everything().items()
    }


@pytest.mark.parametrize("body_style", ["counters", "strict"])
def test_second_bridge_holds_every_record_of_the_first(first, bridge, body_style):
    """Odd sourcedIds, every optional field, words of one's own, tombstones, demographics, metadata."""
    fill_without_long_ids(first)
    bridge.wiring.registry.sources.add(first.as_source(body_style=body_style))

    run = bridge.sync("first")

    assert (run.outcome, run.complete, run.quarantined) == (Outcome.APPLIED, True, 0)
    assert held(bridge) == on_one_root(first)


def fill_without_long_ids(world):
    # The awkward world is written on another root: its addresses are not the served ones.
    fill(world)
    db = world.wiring.mirror.db
    for name in COLLECTIONS:
        db.execute(
            f"UPDATE \"{name}\" SET document = replace(document, 'https://rosters.example.org/bridge', ?)",
            (world.settings.server.public_url,),
        )


def test_changes_and_tombstones_of_the_first_reach_the_second(first, bridge):
    base = first.settings.server.public_url
    school = {"sourcedId": "school", "status": "active", "name": "North", "type": "school", "identifier": "1"}
    first.add("orgs", school, {**school, "sourcedId": "gone"})
    bridge.wiring.registry.sources.add(first.as_source())
    bridge.sync("first")
    first.add("orgs", {**school, "name": "North High"})
    first.retire("orgs", "gone")

    run = bridge.sync("first")

    assert (run.changed, run.removed, run.complete) == (1, 1, False)
    assert held(bridge)["orgs"] == comparable(first.served("orgs"), base)


def test_third_bridge_behind_prefixes_refers_to_its_own_records(first, bridge):
    fill_without_long_ids(first)
    bridge.wiring.registry.sources.add(first.as_source(prefix="p-"))

    run = bridge.sync("first")

    assert run.outcome is Outcome.APPLIED
    enrollment = bridge.records("enrollments")["p-plain"]
    assert enrollment["user"]["sourcedId"] in bridge.records("users")


def test_what_nested_operations_answer_survives_references_to_nothing(tmp_path, bridge):
    world = ServedWorld(tmp_path / "dangling")
    world.start()
    root = world.settings.server.public_url
    school = {"sourcedId": "school", "status": "active", "name": "North", "type": "school", "identifier": "1"}
    world.add("orgs", school)
    dangling = {
        "sourcedId": "e",
        "status": "active",
        "user": ref("users", "nobody"),
        "class": ref("classes", "nothing"),
        "school": ref("orgs", "school"),
        "role": "student",
    }
    world.add("enrollments", dangling)
    bridge.wiring.registry.sources.add(world.as_source())
    assert bridge.sync("first").outcome is Outcome.APPLIED
    world.close()

    second = World(bridge.settings.storage.directory, public_url="https://bridge.example.org")
    consumer = second.consumer()
    assert consumer.ids("schools/school/enrollments") == ["e"]
    assert consumer.ids("schools/school/students") == []
    assert consumer.refused("classes/nothing/students") == (404, "unknownobject")
    assert consumer.refused("users/nobody/classes") == (404, "unknownobject")
    assert root not in consumer.get("enrollments").text
    second.close()
