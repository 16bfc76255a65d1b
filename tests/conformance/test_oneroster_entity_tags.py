"""``ETag`` and ``If-None-Match``: RFC 9110 sections 8.8.3 and 13.1.2; docs/decisions/0012-entity-tags.md."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.awkward import records_named
from tests.conformance.world import World, links_of

pytestmark = pytest.mark.clause("MAY: entity tags; a change that a client may not see MUST NOT show in them")

PATHS = (
    "users",
    "users/n0",
    "users?filter=status%3D'active'&limit=1",
    "classes/n0/students",
    "schools/n0/terms",
    "orgs",
)


def put(world, name, source, text="t", only=None):
    world.put(
        [
            (collection, body, body["sourcedId"])
            for collection, body in records_named(name, text)
            if only in (None, collection)
        ],
        source=source,
    )


@pytest.fixture
def two(world):
    put(world, "n0", "north")
    put(world, "s0", "south")
    return world


@pytest.fixture
def consumer(two):
    return two.consumer(sources=["north"])


def tags(consumer, paths=PATHS):
    return [consumer.get(path).headers["ETag"] for path in paths]


def asked_again(consumer, path, tag):
    return consumer.ask(path, headers={"If-None-Match": tag})


@pytest.mark.parametrize("path", PATHS)
def test_unchanged_answer_is_not_sent_again(consumer, path):
    answer = consumer.get(path)
    again = asked_again(consumer, path, answer.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary"):
        assert again.headers[name] == answer.headers[name]


@pytest.mark.parametrize("form", ['{tag}, W/"other"', "{strong}", "*"], ids=["among-others", "strong", "any"])
def test_forms_of_if_none_match(consumer, form):
    tag = consumer.get("users").headers["ETag"]
    assert asked_again(consumer, "users", form.format(tag=tag, strong=tag.removeprefix("W/"))).status_code == 304


@pytest.mark.parametrize("form", ['"other"', 'W/"x"', "nonsense", ""])
def test_other_tags(consumer, form):
    assert asked_again(consumer, "users", form).status_code == 200


def test_missing_record_is_missing_whatever_the_client_has(consumer):
    assert asked_again(consumer, "users/nobody", "*").status_code == 404
    assert asked_again(consumer, "users/nobody", consumer.get("users/n0").headers["ETag"]).status_code == 404


def test_wrong_request_is_wrong_whatever_the_client_has(consumer):
    assert asked_again(consumer, "users?limit=0", "*").status_code == 400


def test_change_in_a_source_that_is_not_seen_moves_nothing(two, consumer):
    before = tags(consumer)
    put(two, "s1", "south")
    put(two, "s0", "south", text="other")
    two.retire("users", "s1", source="south")
    assert tags(consumer) == before


def test_change_that_is_seen_moves_what_it_may_change(two, consumer):
    before = dict(zip(PATHS, tags(consumer), strict=True))
    put(two, "n0", "north", text="other", only="users")
    after = dict(zip(PATHS, tags(consumer), strict=True))
    moved = {path for path in PATHS if before[path] != after[path]}
    assert moved == {path for path in PATHS if "users" in path or "students" in path}


def test_write_that_changes_nothing_moves_nothing(two, consumer):
    before = tags(consumer)
    put(two, "n0", "north")
    assert tags(consumer) == before


def test_tag_is_of_one_client_and_one_style(two, consumer):
    other = two.consumer(sources=["north"])
    strict = two.consumer(sources=["north"], body_style="strict")
    assert len({*tags(consumer, ["users"]), *tags(other, ["users"]), *tags(strict, ["users"])}) == 3
    assert asked_again(other, "users", consumer.get("users").headers["ETag"]).status_code == 200


def test_tag_survives_a_new_token(consumer):
    before = tags(consumer)
    consumer.renew_token()
    assert tags(consumer) == before


def test_tag_is_the_same_in_every_process(two, consumer):
    before = tags(consumer)
    other = World(two.settings.storage.directory)
    client = other.app.test_client()
    for path, tag in zip(PATHS, before, strict=True):
        again = client.get(f"/ims/oneroster/rostering/v1p2/{path}", headers={**consumer.headers, "If-None-Match": tag})
        assert again.status_code == 304
    other.close()


def test_page_of_a_walk_has_its_own(two):
    consumer = two.consumer(sources=["north"])
    following = links_of(consumer.get("users", limit=1))["next"]
    page = consumer.get(following)
    assert asked_again(consumer, following, page.headers["ETag"]).status_code == 304
    put(two, "n0", "north", text="other", only="users")
    assert asked_again(consumer, following, page.headers["ETag"]).status_code == 200


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("tags"))
    put(world, "n0", "north")
    put(world, "s0", "south")
    yield world, world.consumer(sources=["north"])
    world.close()


@given(
    writes=st.lists(
        st.tuples(
            st.sampled_from(["north", "south"]),
            st.sampled_from(["users", "orgs", "enrollments", "classes"]),
            st.sampled_from(["0", "1"]),
            st.sampled_from(["t", "u", None]),
        ),
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_answer_with_the_same_tag_is_the_same_answer(shared, writes):
    """Whatever is written: where the tag stays the answer stays, and other sources' writes leave it where it is."""
    world, consumer = shared
    before = {path: consumer.get(path) for path in PATHS}
    for source, collection, number, text in writes:
        name = f"{source[0]}{number}"
        if text is None:
            world.retire(collection, name, source=source)
        else:
            put(world, name, source, text, only=collection)
    for path in PATHS:
        after = consumer.ask(path)
        if after.headers.get("ETag") == before[path].headers["ETag"]:
            assert after.get_json() == before[path].get_json()
        if all(source == "south" for source, *_ in writes):
            assert after.headers["ETag"] == before[path].headers["ETag"]
    put(world, "n0", "north")
