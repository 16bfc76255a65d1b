"""Clients that are limited to orgs, to classes, or to a privacy level."""

import pytest

from bridge.api.scopes import RUNS_READ
from bridge.oneroster.scopes import ONEROSTER_SCOPES
from bridge.roster.privacy import PersonDetail
from bridge.roster.visibility import Visibility
from tests.conformance.world import Consumer, World, ref


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.add(
        "orgs",
        {"sourcedId": "district", "status": "active", "name": "D", "type": "district", "identifier": "1"},
        *(
            {
                "sourcedId": org,
                "status": "active",
                "name": org,
                "type": "school",
                "identifier": org,
                "parent": ref("orgs", "district"),
            }
            for org in ("north", "south")
        ),
    )
    for school in ("north", "south"):
        world.add("courses", {"sourcedId": f"course-{school}", "status": "active", "title": "C", "courseCode": "c"})
        world.add(
            "classes",
            {
                "sourcedId": f"class-{school}",
                "status": "active",
                "title": "C",
                "classType": "scheduled",
                "course": ref("courses", f"course-{school}"),
                "school": ref("orgs", school),
                "terms": [],
            },
        )
        for name in ("ada", "both"):
            user = name if name == "both" else f"{name}-{school}"
            world.add("users", _user(user, "Abara", *(("north", "south") if name == "both" else (school,))))
            world.add(
                "enrollments",
                {
                    "sourcedId": f"{user}-in-{school}",
                    "status": "active",
                    "user": ref("users", user),
                    "class": ref("classes", f"class-{school}"),
                    "school": ref("orgs", school),
                    "role": "student",
                    "metadata": {"lti.userId": "77"},
                },
            )
    yield world
    world.close()


def _user(sourced_id, family_name, *orgs):
    roles = {"north": "student", "south": "teacher"}
    return {
        "sourcedId": sourced_id,
        "status": "active",
        "username": "aabara",
        "enabledUser": "true",
        "givenName": "Ada",
        "familyName": family_name,
        "roles": [{"roleType": "primary", "role": roles[org], "org": ref("orgs", org)} for org in orgs],
        "email": f"{sourced_id}@example.org",
        "metadata": {"lti.userId": "77"},
    }


@pytest.fixture
def limited(world):
    def limited(**limits):
        client, secret = world.wiring.registry.clients.add("limited", scopes=ONEROSTER_SCOPES, **limits)
        return Consumer(world.app, world.settings.server.public_url, client.client_id, secret)

    return limited


@pytest.mark.parametrize(
    ("limits", "seen"),
    [
        pytest.param({"classes": ["class-north"]}, {"ada-north", "both"}, id="a class"),
        pytest.param({"orgs": ["north"]}, {"ada-north", "both"}, id="a school"),
        pytest.param({"orgs": ["district"]}, {"ada-north", "ada-south", "both"}, id="the district above"),
        pytest.param({"orgs": ["south"], "classes": ["class-north"]}, {"ada-north", "ada-south", "both"}, id="both"),
        pytest.param({"orgs": ["nowhere"]}, set(), id="an org that is not there"),
    ],
)
def test_exactly_the_people_within_the_limit_are_served_and_counted(limited, limits, seen):
    answer = limited(**limits).get("users")

    assert {user["sourcedId"] for user in answer.get_json()["users"]} == seen
    assert answer.headers["X-Total-Count"] == str(len(seen))


def test_record_beyond_the_limit_is_not_there(limited):
    client = limited(classes=["class-north"])

    assert client.refused("users/ada-south") == client.refused("users/nobody") == (404, "unknownobject")
    assert client.refused("classes/class-south/students") == (404, "unknownobject")
    assert client.ids("users", filter="sourcedId='ada-south'") == []


def test_reference_beyond_the_limit_is_dropped_and_cannot_be_asked_for(limited):
    client = limited(classes=["class-north"])

    (role,) = client.get("users/both").get_json()["user"]["roles"]
    assert role["org"]["sourcedId"] == "north"
    assert "parent" not in client.get("orgs/north").get_json()["org"]
    assert client.ids("users", filter="roles.org.sourcedId='south'") == []
    assert client.ids("orgs", filter="parent.sourcedId='district'") == []


def test_what_somebody_is_elsewhere_does_not_count(limited):
    client = limited(classes=["class-north"])

    assert client.ids("teachers") == []
    assert client.ids("users", filter="roles.role='teacher'") == []
    assert set(client.ids("students")) == {"ada-north", "both"}


@pytest.mark.parametrize(
    ("level", "told"),
    [
        pytest.param(PersonDetail.PUBLIC, {"givenName", "email", "username", "metadata"}, id="public"),
        pytest.param(PersonDetail.NAME_ONLY, {"givenName"}, id="name_only"),
        pytest.param(PersonDetail.EMAIL_ONLY, {"email"}, id="email_only"),
        pytest.param(PersonDetail.ANONYMOUS, set(), id="anonymous"),
    ],
)
def test_privacy_level_tells_its_fields_and_no_others(limited, level, told):
    client = limited(privacy=level)

    (user,) = client.get("users", filter="sourcedId='ada-north'").get_json()["users"]

    assert user.keys() & {"givenName", "email", "username", "metadata"} == told
    assert user["roles"]


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"filter": "email~'ada'"}, id="filter"),
        pytest.param({"filter": "metadata.lti.userId='77'"}, id="filter by metadata"),
        pytest.param({"fields": "sourcedId,email"}, id="fields"),
    ],
)
def test_hidden_field_is_refused_like_one_that_does_not_exist(limited, params):
    hidden = limited(privacy=PersonDetail.NAME_ONLY).ask("users", params).get_json()
    unknown = limited().ask("users", {key: value.replace("email", "e-mail") for key, value in params.items()})

    assert hidden["imsx_CodeMinor"] is not None
    assert "email," not in hidden["imsx_description"]
    if "metadata" not in str(params):
        assert hidden["imsx_CodeMinor"] == unknown.get_json()["imsx_CodeMinor"]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        pytest.param({"filter": "email~'ada'"}, "email", id="filter"),
        pytest.param({"filter": "metadata.lti.userId='77'"}, "metadata.lti.userId", id="filter by metadata"),
        pytest.param({"fields": "sourcedId,email"}, "email", id="fields"),
    ],
)
def test_refusal_of_a_hidden_field_says_why(limited, params, name):
    refusal = limited(privacy=PersonDetail.NAME_ONLY).ask("users", params).get_json()["imsx_description"]

    assert f"{name} is not told to this client: its privacy level hides it" in refusal


def test_hidden_field_is_neither_searched_nor_sorted_by(limited):
    client = limited(privacy=PersonDetail.NAME_ONLY)

    assert client.ids("users", search="ada-south@example.org") == []
    assert client.ids("users", sort="email", orderBy="desc") == client.ids("users")


def test_change_of_the_limits_counts_at_once(limited, world):
    client = limited(classes=["class-north"])
    tag = client.get("users").headers["ETag"]

    world.wiring.registry.clients.limit(client.client_id, Visibility(None, classes=frozenset({"class-south"})))

    assert set(client.ids("users")) == {"ada-south", "both"}
    assert client.ask("users", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({}, id="as-they-came"),
        pytest.param({"sort": "familyName"}, id="by-a-field"),
        pytest.param({"sort": "sourcedId", "orderBy": "desc"}, id="backwards"),
        pytest.param({"filter": "roles.org.sourcedId='north' OR status='active'"}, id="by-a-reference"),
    ],
)
def test_what_is_remembered_of_a_query_serves_nobody_who_sees_something_else(limited, order):
    limits = [{}, {"orgs": ["north"]}, {"orgs": ["south"]}, {"classes": ["class-north"]}, {"sources": ["sis"]}]
    clients = [limited(**each) for each in [*limits, {"privacy": PersonDetail.NAME_ONLY}]]
    whole = [client.get("users", **order).get_json()["users"] for client in clients]

    for offset in (1, 0, 2, 1):
        pages = [client.get("users", limit=1, offset=offset, **order) for client in clients]

        assert [page.get_json()["users"] for page in pages] == [users[offset : offset + 1] for users in whole]
        assert [page.headers["X-Total-Count"] for page in pages] == [str(len(users)) for users in whole]


def test_known_answer_is_not_sent_again(limited):
    client = limited(classes=["class-north"])
    tag = client.get("users").headers["ETag"]

    assert client.ask("users", headers={"If-None-Match": tag}).status_code == 304


def test_change_beyond_the_limit_leaves_the_tag_alone(limited, world):
    client = limited(classes=["class-north"])
    tag = client.get("users").headers["ETag"]

    world.add("users", _user("ada-south", "Zuma", "south"))

    assert client.ask("users", headers={"If-None-Match": tag}).status_code == 304


def test_events_are_those_within_the_limit(limited, world):
    client = limited(classes=["class-north"])

    answer = world.app.test_client().get("/api/events?limit=1000", headers=client.headers).get_json()

    assert {event["sourcedId"] for event in answer["events"]} == {
        "north",
        "course-north",
        "class-north",
        "ada-north",
        "both",
        "ada-north-in-north",
        "both-in-north",
    }


def _events(world, client, after):
    return world.app.test_client().get("/api/events", query_string={"after": after}, headers=client.headers)


def test_events_of_before_a_change_of_the_limits_are_gone(limited, world):
    client = limited(classes=["class-north"])
    after = _events(world, client, "latest").get_json()["next"]
    assert _events(world, client, after).status_code == 200

    world.wiring.registry.clients.limit(client.client_id, Visibility(None, classes=frozenset({"class-south"})))

    gone = _events(world, client, after)
    assert (gone.status_code, "what this client may see has changed" in gone.text) == (410, True)


def test_class_that_leaves_the_limit_is_not_there_any_more(limited, world):
    client = limited(orgs=["north"])
    before = client.get("classes").headers["X-Total-Count"]
    (class_,) = (one for one in client.get("classes").get_json()["classes"] if one["sourcedId"] == "class-north")
    at = class_["dateLastModified"]

    moved = {**class_, "school": ref("orgs", "south")}
    del moved["dateLastModified"]
    world.add("classes", moved)

    assert client.ask("classes/class-north").status_code == 404
    assert client.ids("classes", filter=f"dateLastModified>'{at}'") == []
    assert client.get("classes").headers["X-Total-Count"] == str(int(before) - 1)
    assert client.ask("classes/class-north/students").status_code == 404


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"classes": ["class-north"]}, id="a class"),
        pytest.param({"privacy": PersonDetail.ANONYMOUS}, id="anonymous"),
    ],
)
def test_runs_which_speak_of_whole_sources_are_not_for_limited_clients(world, limits):
    client, secret = world.wiring.registry.clients.add("limited", scopes=[*ONEROSTER_SCOPES, RUNS_READ], **limits)
    headers = Consumer(world.app, world.settings.server.public_url, client.client_id, secret).headers

    assert world.app.test_client().get("/api/runs", headers=headers).status_code == 403
