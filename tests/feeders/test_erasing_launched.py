"""A person of whom launches tell can be shown and erased, and no launch that is handed in brings her back."""

import json

import pytest

from bridge.errors import UnknownObject
from bridge.people import erase_person, export_person
from bridge.roster.identity import LtiUserId, user_sourced_id
from tests.feeders.test_handing_in import claims_of

HERS = [b"Quillfeather", b"zora-4711", b"zora@example.org"]
ID = user_sourced_id("school", LtiUserId("zora-4711"))
SAID = {"given_name": "Zora", "family_name": "Quillfeather", "email": "zora@example.org"}


@pytest.fixture
def hand_in(vendor, lms):
    """Hands in a launch of hers as plain claims; without a context if that is said."""

    def hand_in(user_id="zora-4711", **more):
        claims = claims_of(vendor, lms, user_id, **{**(SAID if user_id == "zora-4711" else {}), **more})
        return vendor.hand_in({name: value for name, value in claims.items() if value is not None})

    return hand_in


def bytes_of(bridge):
    directory = bridge.settings.storage.directory
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def left(bridge):
    held = bytes_of(bridge)
    return [text for text in HERS if text in held]


def test_export_shows_the_launch_what_waits_and_what_was_taken_up(bridge, hand_in):
    assert hand_in().status_code == 201
    bridge.take_inbox()
    assert hand_in(locale="de").status_code == 201

    shown = export_person(bridge.wiring, ID)

    assert {each["collection"] for each in shown["records"]} == {"users", "enrollments"}
    assert [fact["kind"] for fact in shown["facts"]] == ["fed"]
    assert [json.loads(each["claims"])["email"] for each in shown["launches"]] == ["zora@example.org"] * 2
    assert "Quillfeather" in shown["inbox"][0]["payload"]


def test_no_file_holds_anything_of_her_afterwards(bridge, hand_in):
    hand_in()
    bridge.take_inbox()
    hand_in(locale="de")
    hand_in("42")
    assert left(bridge) == HERS

    erase_person(bridge.wiring, ID)

    assert left(bridge) == []
    assert b"Mira" in bytes_of(bridge)


CONTEXT = "https://purl.imsglobal.org/spec/lti/claim/context"


def test_somebody_of_whom_there_is_but_a_launch_from_no_course_can_be_shown_and_erased(bridge, hand_in):
    assert hand_in(**{CONTEXT: None}).status_code == 201

    assert [json.loads(each["claims"])["sub"] for each in export_person(bridge.wiring, ID)["launches"]] == ["zora-4711"]
    erase_person(bridge.wiring, ID)

    assert left(bridge) == []
    with pytest.raises(UnknownObject):
        export_person(bridge.wiring, ID)


def test_her_next_launch_is_refused_and_nothing_of_it_is_kept(bridge, hand_in):
    hand_in()
    bridge.take_inbox()
    erase_person(bridge.wiring, ID)

    answer = hand_in(locale="de")

    assert answer.status_code == 400
    assert "erased" in answer.json()["detail"]
    assert left(bridge) == []


def test_her_ltik_is_good_no_more(bridge, vendor, hand_in):
    ltik = hand_in().json()["ltik"]
    bridge.take_inbox()
    assert vendor.ask(vendor.with_ltik(ltik), "idtoken").status_code == 200

    erase_person(bridge.wiring, ID)

    assert vendor.ask(vendor.with_ltik(ltik), "idtoken").status_code == 401


def test_what_comes_into_the_inbox_after_her_erasing_is_not_taken_up(bridge, hand_in):
    hand_in()
    [item] = bridge.wiring.registry.inbox.take()
    erase_person(bridge.wiring, ID)

    bridge.wiring.registry.inbox.put(item.kind, item.payload)  # by a process that had checked the launch before
    bridge.take_inbox()

    with pytest.raises(UnknownObject):
        export_person(bridge.wiring, ID)
    assert b"Quillfeather" not in bridge.settings.storage.mirror.read_bytes()
    assert ID not in {user["sourcedId"] for user in bridge.consumer().all("users")}


def test_launch_that_is_handed_on_is_kept_no_more(bridge, lms, vendor, register):
    platform = register()
    bridge.wiring.registry.applications.set(vendor.tool, "https://app.example.org/start")
    bridge.wiring.registry.applications.hand_on(platform.id, vendor.tool)
    first = lms.roster.members("Course-1")[0].person
    bridge.wiring.registry.erased.add(user_sourced_id("school", LtiUserId(first.user_id)))

    answer = bridge.launch(lms)

    assert answer.status_code == 400
    assert "erased" in answer.text
    assert "given_name" not in bytes_of(bridge).decode(errors="replace")
