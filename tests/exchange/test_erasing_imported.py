"""A person of whom imported files tell can be erased, and no later import brings her back."""

import json

import pytest

from bridge.errors import Busy
from bridge.mirror.runs import Outcome
from bridge.people import erase_person, export_person
from tests.exchange.conftest import Bridge
from tests.exchange.csv_sets import SMALL, changed

HERS = [b"Anna", b"anna@example.org", b"2011-02-03"]


def left(bridge: Bridge) -> list[bytes]:
    files = sorted((bridge.folder / "var").rglob("*"))
    held = b"".join(path.read_bytes() for path in files if path.is_file())
    return [text for text in HERS if text in held]


@pytest.fixture(params=[None, "d-"], ids=["without a prefix", "with a prefix"])
def prefix(request: pytest.FixtureRequest) -> str | None:
    return request.param  # type: ignore[no-any-return]  # one of the two above


@pytest.fixture
def her(bridge: Bridge, prefix: str | None) -> str:
    bridge.load(bridge.write(), prefix=prefix)
    return f"{prefix or ''}s1"


def test_export_shows_her_rows_of_every_file(bridge: Bridge, her: str) -> None:
    shown = export_person(bridge.wiring, her)

    assert {fact["subject"].partition("/")[0] for fact in shown["facts"]} == {"users", "demographics", "enrollments"}
    assert "anna@example.org" in json.dumps(shown["facts"])


def test_no_file_of_the_bridge_holds_anything_of_her_afterwards(bridge: Bridge, her: str) -> None:
    assert left(bridge) == HERS

    erase_person(bridge.wiring, her)

    assert left(bridge) == []


def test_importing_the_same_set_again_leaves_her_out(bridge: Bridge, her: str) -> None:
    erase_person(bridge.wiring, her)

    imported = bridge.load(bridge.write())

    assert imported.run.outcome is Outcome.UNCHANGED
    assert bridge.statuses("users")[her] == "tobedeleted"
    assert left(bridge) == []


def test_a_set_of_changes_leaves_her_out_too(bridge: Bridge, her: str) -> None:
    erase_person(bridge.wiring, her)
    stamped = "active,2026-11-20T08:00:00.000Z"
    path = bridge.write(
        {
            "users": [f"s1,{stamped},true,anna,,Anna,Berg,Maria,,anna@example.org,,,,09,,,,,,,"],
            "roles": [f"r3,{stamped},s1,primary,student,,,S,"],
            "enrollments": [f"e9,{stamped},K,S,s1,student,,,"],
        },
        mode="delta",
    )

    bridge.load(path)

    assert bridge.statuses("users")[her] == "tobedeleted"
    assert her not in {
        each["user"]["sourcedId"] for each in bridge.records("enrollments").values() if each["status"] == "active"
    }
    assert left(bridge) == []


def test_previewing_a_set_does_not_count_her(bridge: Bridge, her: str) -> None:
    erase_person(bridge.wiring, her)

    assert bridge.plan(bridge.write()).preview.plan.is_empty


def test_bad_rows_behind_hers_are_still_found_in_their_lines(bridge: Bridge, her: str) -> None:
    erase_person(bridge.wiring, her)
    enrollments = [*SMALL["enrollments"], "e4,,,K,S,s2,,,,"]

    imported = bridge.load(bridge.write(changed(SMALL, enrollments=enrollments)))

    assert [(row.file, row.line) for row in imported.bad_rows] == [("enrollments.csv", 5)]


def test_while_files_of_her_source_are_read_nothing_is_erased(bridge: Bridge, her: str) -> None:
    source = bridge.wiring.registry.csv_sources.find("sis")
    assert source is not None

    with bridge.wiring.holding(source), pytest.raises(Busy, match="sis"):
        erase_person(bridge.wiring, her)
