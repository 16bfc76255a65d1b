"""A person of whom a SIS tells can be shown and erased like one of whom an LMS does."""

import json
from pathlib import Path

import pytest

from bridge.backups import back_up, restore
from bridge.errors import Busy
from bridge.mirror.runs import Outcome, Runs
from bridge.people import erase_person, export_person
from bridge.registry.registry import Registry
from bridge.upkeep import undo_run
from tests.sources.reading_bridge import ReadingBridge
from tests.sources.scripted_sis import Sis, enrollment, record, ref, user

HERS = [b"Zora", b"Quillfeather", b"zora@example.org", b"2011-02-03", b"Fernweh"]
ZORA = {
    "givenName": "Zora",
    "familyName": "Quillfeather",
    "email": "zora@example.org",
    "metadata": {"nickname": "Fernweh"},
}


@pytest.fixture(params=["", "n-"], ids=["sourcedIds as they come", "sourcedIds behind a prefix"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def read(bridge: ReadingBridge, sis: Sis, prefix: str) -> ReadingBridge:
    """A SIS that has told of her, has changed what it tells, has dropped her, and tells of her again."""
    sis.has_class("k1", ["s1", "s2", "s3"])
    sis.data["users"] = [user("zora", **ZORA), user("mother", agents=[ref("user", "zora")]), *sis.data["users"]]
    sis.data["enrollments"].append(enrollment("zora", "k1"))
    sis.has("demographics", record("zora", birthDate="2011-02-03"))
    bridge.register(sis, prefix=prefix, demographics=True)
    bridge.sync()
    told = dict(sis.data)
    sis.data = told | {"users": [user("zora", **ZORA | {"givenName": "Zora Maria"}), *told["users"][1:]]}
    bridge.sync(full=True)
    sis.data = told | {
        "users": told["users"][1:],
        "demographics": [],
        # An enrollment is given to somebody else.
        "enrollments": [*told["enrollments"][:-1], told["enrollments"][-1] | {"user": ref("user", "mother")}],
    }
    bridge.sync(full=True)
    sis.data = told
    bridge.sync(full=True)
    return bridge


def bytes_of(bridge: ReadingBridge) -> bytes:
    directory = bridge.settings.storage.directory
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def left(bridge: ReadingBridge) -> list[bytes]:
    held = bytes_of(bridge)
    return [text for text in HERS if text in held]


def test_export_shows_all_her_records_and_who_names_her(read: ReadingBridge, prefix: str) -> None:
    shown = export_person(read.wiring, f"{prefix}zora")

    assert {each["collection"] for each in shown["records"]} == {"users", "enrollments", "demographics"}
    assert {fact["subject"] for fact in shown["facts"]} == {
        f"users/{prefix}zora",
        f"demographics/{prefix}zora",
        f"enrollments/{prefix}k1-zora",
    }
    assert "Zora Maria" in json.dumps(shown["formerFacts"])
    assert shown["namedAsAgentBy"] == [f"{prefix}mother"]
    assert "Number s1" not in json.dumps(shown)


def test_no_file_holds_anything_of_her_afterwards(read: ReadingBridge, prefix: str) -> None:
    assert left(read) == HERS

    erase_person(read.wiring, f"{prefix}zora")

    assert left(read) == []
    assert b"Number s1" in bytes_of(read)


def test_later_readings_leave_her_and_her_enrollments_out(read: ReadingBridge, prefix: str) -> None:
    erase_person(read.wiring, f"{prefix}zora")

    outcomes = [read.sync(full=full).outcome for full in (False, True)]

    assert outcomes == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert f"{prefix}zora" not in read.records("users")
    assert f"{prefix}zora" not in read.records("demographics")
    assert f"{prefix}zora" not in {each["user"]["sourcedId"] for each in read.records("enrollments").values()}
    assert left(read) == []


def test_undoing_brings_back_neither_her_nor_her_enrollment(read: ReadingBridge, sis: Sis, prefix: str) -> None:
    sis.data["enrollments"] = [
        each | ({"user": ref("user", "mother")} if each["sourcedId"] == "k1-zora" else {})
        for each in sis.data["enrollments"]
    ]
    given_away = read.sync(full=True)
    erase_person(read.wiring, f"{prefix}zora")

    for run in [given_away, *Runs(read.wiring.mirror, read.wiring.clock).latest()]:
        if run.outcome is Outcome.APPLIED:
            undo_run(read.wiring, run.id, "operator")

    assert f"{prefix}zora" not in read.records("users")
    assert f"{prefix}zora" not in {each["user"]["sourcedId"] for each in read.records("enrollments").values()}
    assert left(read) == []


def test_an_enrollment_that_was_given_to_somebody_else_stays_hers(read: ReadingBridge, sis: Sis, prefix: str) -> None:
    sis.data["enrollments"] = [
        each | ({"user": ref("user", "mother")} if each["sourcedId"] == "k1-zora" else {})
        for each in sis.data["enrollments"]
    ]
    read.sync(full=True)

    erase_person(read.wiring, f"{prefix}zora")

    assert read.records("enrollments")[f"{prefix}k1-zora"]["user"]["sourcedId"] == f"{prefix}mother"


def test_restored_backup_is_made_to_forget_her(read: ReadingBridge, prefix: str, tmp_path: Path) -> None:
    files, clock = read.settings.storage, read.wiring.clock
    back_up(files, tmp_path / "before.zip", clock)
    erase_person(read.wiring, f"{prefix}zora")
    read.wiring.close()

    for path in restore(files, tmp_path / "before.zip", clock).set_aside:
        path.unlink()

    assert left(read) == []
    with Registry.open(files.registry, clock) as registry:
        assert registry.erased.holds(f"{prefix}zora")  # type: ignore[arg-type]  # a plain text is a sourcedId too


def test_while_her_source_is_being_read_nothing_is_erased(read: ReadingBridge, prefix: str) -> None:
    with read.wiring.holding(read.wiring.registry.sources.get("north")), pytest.raises(Busy, match="north"):
        erase_person(read.wiring, f"{prefix}zora")

    assert left(read) == HERS
