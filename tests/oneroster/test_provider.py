"""What a OneRoster consumer gets: records, pages, links, and who may see them."""

import http.client
import json
import tracemalloc
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests

from bridge.oneroster.scopes import ROSTER, ROSTER_CORE, ROSTER_DEMOGRAPHICS
from bridge.practice.server import PracticeServer
from bridge.roster.model import ACADEMIC_SESSIONS, CLASSES, ENROLLMENTS, ORGS, USERS
from bridge.roster.references import ROSTERING_PATH
from tests.oneroster.served import (
    AWKWARD_IDS,
    COLLECTION_BUILDERS,
    PUBLIC_URL,
    Served,
    class_,
    enrollment,
    org,
    refusal,
    session,
    user,
)

COUNTERS = {"totalCount", "pageCount", "pageNumber", "offset", "limit"}


@pytest.fixture
def consumer(served):
    return served.consumer()


@pytest.fixture
def people(served):
    """Twenty-five enrollments: every fifth a teacher, every seventh over."""
    served.put(
        ENROLLMENTS,
        *(
            enrollment(
                f"e{number:02}",
                "teacher" if number % 5 == 0 else "student",
                status="tobedeleted" if number % 7 == 0 else "active",
                who=f"u{number % 4}",
            )
            for number in range(1, 26)
        ),
    )


def rels(answer):
    """The targets of a ``Link`` header by their relation."""
    links = requests.utils.parse_header_links(answer.headers["Link"])
    return {link["rel"]: link["url"] for link in links}


def follow(consumer, answer):
    """The page behind ``next``, as a consumer that uses the address as it stands."""
    parts = urlsplit(rels(answer)["next"])
    return consumer.get(parts.path, parts.query)


def walk(consumer, path, **parameters):
    """Every record of every page, by following ``next``."""
    answer = consumer.get(path, **parameters)
    while True:
        assert answer.status_code == 200
        yield answer
        if "next" not in rels(answer):
            return
        answer = follow(consumer, answer)


def walked(consumer, path, key, **parameters):
    return [record for page in walk(consumer, path, **parameters) for record in page.get_json()[key]]


# What is where.


@pytest.mark.parametrize("path", ["enrollments", "enrollments/"])
def test_collection_has_its_records_under_its_own_name(served, consumer, path):
    served.put(ENROLLMENTS, enrollment("e1"), enrollment("e2", "teacher"))

    answer = consumer.get(path)

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    first, second = answer.get_json()["enrollments"]
    assert first == {**enrollment("e1"), "dateLastModified": "2026-11-20T08:00:00.001Z"}
    assert second["role"] == "teacher"


@pytest.mark.parametrize("path", ["orgs", "schools", "terms", "gradingPeriods", "students", "teachers", "classes"])
def test_collection_without_records_is_an_empty_list_and_no_error(consumer, path):
    answer = consumer.get(path)
    key = {"schools": "orgs", "terms": "academicSessions", "gradingPeriods": "academicSessions"}.get(path, path)
    key = {"students": "users", "teachers": "users"}.get(key, key)

    assert answer.get_json() == {key: [], "totalCount": 0, "pageCount": 0, "pageNumber": 1, "offset": 0, "limit": 100}
    assert answer.headers["X-Total-Count"] == "0"
    assert list(rels(answer)) == ["first"]


def test_record_stands_alone_under_its_singular_name(served, consumer):
    served.put(USERS, user("ada"))

    assert consumer.get("users/ada").get_json() == {
        "user": {**user("ada"), "dateLastModified": "2026-11-20T08:00:00.001Z"}
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("students", ["ada", "both"]),
        ("teachers", ["bob", "both"]),
        ("users", ["ada", "bob", "both", "gus"]),
    ],
)
def test_users_are_seen_by_any_of_their_roles(served, consumer, path, expected):
    both = [*user("x", "student")["roles"], {**user("x", "teacher")["roles"][0], "roleType": "secondary"}]
    served.put(USERS, user("ada"), user("bob", "teacher"), user("both", roles=both), user("gus", "guardian"))

    assert consumer.ids(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("terms", ["t"]), ("gradingPeriods", ["g"]), ("academicSessions", ["y", "s", "t", "g"])],
)
def test_sessions_are_seen_by_their_type(served, consumer, path, expected):
    served.put(
        ACADEMIC_SESSIONS,
        session("y", "schoolYear"),
        session("s", "semester"),
        session("t"),
        session("g", "gradingPeriod"),
    )

    assert consumer.ids(path) == expected


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("students/ada", True, id="a student among the students"),
        pytest.param("teachers/ada", False, id="a student among the teachers"),
        pytest.param("schools/north-high", True, id="a school among the schools"),
        pytest.param("schools/district", False, id="a district among the schools"),
        pytest.param("orgs/district", True, id="a district among the orgs"),
        pytest.param("terms/t", True, id="a term among the terms"),
        pytest.param("gradingPeriods/t", False, id="a term among the grading periods"),
        pytest.param("classes/ada", False, id="a user among the classes"),
    ],
)
def test_record_is_found_in_the_views_that_it_belongs_to_alone(served, consumer, path, found):
    served.put(USERS, user("ada"))
    served.put(ORGS, org("north-high"), org("district", "district"))
    served.put(ACADEMIC_SESSIONS, session("t"))

    answer = consumer.get(path)

    assert answer.status_code == (200 if found else 404)
    if not found:
        assert refusal(answer)[1] == "unknownobject"


@pytest.mark.parametrize("path", ["users/nobody", "classes/a/students", "enrollments/%00", "orgs/%FF", "terms/x/"])
def test_unknown_sourced_id_is_an_unknown_object(consumer, path):
    assert refusal(consumer.get(path))[:2] == (404, "unknownobject")


def test_long_paths_that_lead_nowhere_leave_little_behind(consumer):
    def ask(number):
        assert consumer.get("users/" + quote(f"\N{GRINNING FACE}{number}" + "\1" * 15_000)).status_code == 404

    ask(0)
    tracemalloc.start()
    try:
        for number in range(1, 11):
            ask(number)
        assert tracemalloc.get_traced_memory()[0] < 4_000_000  # what remembers addresses here is the test's own client
    finally:
        tracemalloc.stop()


def test_record_that_has_ended_is_still_served(served, consumer):
    served.put(ENROLLMENTS, enrollment("e1"))
    served.put(ENROLLMENTS, enrollment("e1", status="tobedeleted"))

    record = consumer.get("enrollments/e1").get_json()["enrollment"]

    assert (record["status"], record["dateLastModified"]) == ("tobedeleted", "2026-11-20T08:00:00.002Z")
    assert consumer.ids("enrollments") == ["e1"]


# sourcedIds, over a real connection: clients and servers each have their ways with paths.


@pytest.fixture(scope="module")
def awkward(tmp_path_factory):
    """A bridge on a port, with every awkward sourcedId in every collection, and a token for it."""
    opened = Served(tmp_path_factory.mktemp("awkward"))
    for collection, build in COLLECTION_BUILDERS.items():
        opened.put(collection, *map(build, AWKWARD_IDS.values()))
    with PracticeServer(opened.app) as server:
        yield server, opened.consumer().headers
    opened.close()


def fetch(awkward, target):
    server, headers = awkward
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer, body


@pytest.mark.parametrize("sourced_id", AWKWARD_IDS.values(), ids=list(AWKWARD_IDS))
@pytest.mark.parametrize("collection", COLLECTION_BUILDERS, ids=lambda collection: collection.name)
def test_awkward_sourced_id_is_read_as_one_percent_encoded_segment(awkward, collection, sourced_id):
    answer, body = fetch(awkward, f"{ROSTERING_PATH}/{collection.name}/{quote(sourced_id, safe='')}")

    assert answer.status == 200
    assert body[collection.singular]["sourcedId"] == sourced_id
    assert body[collection.singular]["dateLastModified"].startswith("2026-11-20T08:00:00")


@pytest.mark.parametrize("sourced_id", AWKWARD_IDS.values(), ids=list(AWKWARD_IDS))
def test_awkward_sourced_id_is_found_by_filter(awkward, sourced_id):
    wanted = quote("sourcedId='" + sourced_id.replace("'", "''") + "'", safe="")

    _, body = fetch(awkward, f"{ROSTERING_PATH}/users?filter={wanted}")

    assert [record["sourcedId"] for record in body["users"]] == [sourced_id]


@pytest.mark.parametrize("sort", ["", "&sort=sourcedId", "&sort=sourcedId&orderBy=desc"])
def test_walk_over_awkward_sourced_ids_meets_each_once(awkward, sort):
    met, target = [], f"{ROSTERING_PATH}/users?limit=3{sort}"
    while target:
        answer, body = fetch(awkward, target)
        met += [record["sourcedId"] for record in body["users"]]
        links = {link["rel"]: link["url"] for link in requests.utils.parse_header_links(answer.getheader("Link"))}
        target = links.get("next", "").removeprefix(PUBLIC_URL)

    assert sorted(met) == sorted(AWKWARD_IDS.values())


def test_unescaped_slash_in_a_sourced_id_is_understood_too(awkward):
    _, body = fetch(awkward, f"{ROSTERING_PATH}/classes/a/students")

    assert body["class"]["sourcedId"] == "a/students"


def test_href_of_a_reference_leads_to_the_record(served, consumer):
    served.put(USERS, user("a/b c"))
    served.put(ENROLLMENTS, enrollment("e1", who="a/b c"))
    href = consumer.get("enrollments/e1").get_json()["enrollment"]["user"]["href"]

    assert href.startswith(f"{PUBLIC_URL}{ROSTERING_PATH}/users/")
    assert consumer.get(href.removeprefix(PUBLIC_URL)).get_json()["user"]["sourcedId"] == "a/b c"


# Parameters.


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("filter=role%3D%27teacher%27", ["e05", "e10", "e15", "e20", "e25"], id="an equality"),
        pytest.param("filter=role='teacher'", ["e05", "e10", "e15", "e20", "e25"], id="with nothing escaped"),
        pytest.param("filter=role='teacher'+AND+sourcedId>'e15'", ["e20", "e25"], id="plus for a blank"),
        pytest.param(
            "filter=(role='teacher'%20OR%20role='student')%20AND%20status='tobedeleted'",
            ["e07", "e14", "e21"],
            id="two roles in parentheses and a status",
        ),
        pytest.param("filter=user.sourcedId='u3'&limit=2", ["e03", "e07"], id="a reference"),
        pytest.param("filter=role='proctor'", [], id="a role that nobody has"),
        pytest.param("offset=23", ["e24", "e25"], id="offset"),
        pytest.param("offset=100", [], id="offset behind the end"),
        pytest.param("limit=2&orderBy=desc", ["e25", "e24"], id="backwards"),
        pytest.param("limit=2&sort=sourcedId&orderBy=desc", ["e25", "e24"], id="sorted backwards"),
        pytest.param("limit=3&sort=role&orderBy=desc", ["e25", "e20", "e15"], id="sorted by role"),
        pytest.param("limit=2&sort=nonsense&orderBy=desc", ["e01", "e02"], id="an unknown sort field"),
        pytest.param("limit=2&search=E1", ["e10", "e11"], id="search, ignoring case"),
        pytest.param("limit=1&_=1763625600&debug=yes", ["e01"], id="unknown parameters"),
    ],
)
@pytest.mark.usefixtures("people")
def test_query_selects(consumer, query, expected):
    answer = consumer.get("enrollments", query)

    assert answer.status_code == 200
    assert [record["sourcedId"] for record in answer.get_json()["enrollments"]] == expected


@pytest.mark.parametrize(
    ("query", "minor", "named"),
    [
        pytest.param("limit=0", "invaliddata", "limit", id="limit zero"),
        pytest.param("limit=-1", "invaliddata", "limit", id="limit below zero"),
        pytest.param("limit=", "invaliddata", "limit", id="limit empty"),
        pytest.param("limit=ten", "invaliddata", "limit", id="limit in words"),
        pytest.param("limit=1_000", "invaliddata", "limit", id="limit as Python writes it"),
        pytest.param("limit=%EF%BC%91", "invaliddata", "limit", id="limit in full-width digits"),
        pytest.param("limit=5&limit=5", "invaliddata", "limit", id="limit twice"),
        pytest.param("offset=-1", "invaliddata", "offset", id="offset below zero"),
        pytest.param("offset=1.5", "invaliddata", "offset", id="offset between two records"),
        pytest.param("offset=99999999999999999999", "invaliddata", "offset", id="offset out of bounds"),
        pytest.param("offset=0&offset=1", "invaliddata", "offset", id="offset twice"),
        pytest.param("orderBy=down", "invaliddata", "orderBy", id="orderBy"),
        pytest.param("sort=role&sort=status", "invaliddata", "sort", id="sort twice"),
        pytest.param("search=" + "x" * 300, "invaliddata", "search", id="search too long"),
        pytest.param("cursor=x", "invaliddata", "cursor", id="a cursor out of thin air"),
        pytest.param("cursor=", "invaliddata", "cursor", id="an empty cursor"),
        pytest.param("filter=", "invalid_filter_field", "filter", id="filter empty"),
        pytest.param("filter=role", "invalid_filter_field", "filter", id="filter without predicate"),
        pytest.param("filter=role='teacher", "invalid_filter_field", "filter", id="filter without closing quote"),
        pytest.param("filter=rolle='x'", "invalid_filter_field", "rolle", id="filter on an unknown field"),
        pytest.param("filter=role='a'&filter=role='b'", "invaliddata", "filter", id="filter twice"),
        pytest.param("filter=dateLastModified>'soon'", "invalid_filter_field", "dateLastModified", id="no date"),
        pytest.param("filter=%FF", "invaliddata", "filter", id="filter not UTF-8"),
        pytest.param("fields=rolle", "invalid_selection_field", "rolle", id="fields unknown"),
        pytest.param("fields=", "invalid_selection_field", "fields", id="fields empty"),
        pytest.param("fields=role,", "invalid_selection_field", "fields", id="fields with a blank name"),
        pytest.param("fields=user.sourcedId", "invalid_selection_field", "user", id="fields dotted"),
    ],
)
def test_wrong_parameter_is_refused_by_name(consumer, query, minor, named):
    status, code_minor, description = refusal(consumer.get("enrollments", query))

    assert (status, code_minor) == (400, minor)
    assert named in description


def test_limit_above_the_maximum_is_cut_and_the_walk_goes_on(tmp_path):
    served = Served(tmp_path / "var", max_limit=10)
    served.put(ENROLLMENTS, *(enrollment(f"e{number:02}") for number in range(25)))
    consumer = served.consumer()

    first = consumer.get("enrollments", limit=5000)

    assert len(first.get_json()["enrollments"]) == 10
    assert first.get_json()["limit"] == 10
    assert len(walked(consumer, "enrollments", "enrollments", limit=5000)) == 25
    served.close()


@pytest.mark.usefixtures("people")
def test_fields_chooses_and_adds_nothing(consumer):
    answer = consumer.get("enrollments", fields="role,status", limit=1)

    assert answer.get_json()["enrollments"] == [{"status": "active", "role": "student"}]


def test_fields_chooses_on_a_single_record_too(served, consumer):
    served.put(USERS, user("ada", givenName="Ada"))

    assert consumer.get("users/ada", "fields=givenName&fields=dateLastModified").get_json() == {
        "user": {"dateLastModified": "2026-11-20T08:00:00.001Z", "givenName": "Ada"}
    }
    assert refusal(consumer.get("users/ada", fields="nickname"))[:2] == (400, "invalid_selection_field")


def test_what_changed_since_is_found_by_date_last_modified(served, consumer):
    served.put(ENROLLMENTS, enrollment("e1"), enrollment("e2"))
    seen = consumer.get("enrollments/e2").get_json()["enrollment"]["dateLastModified"]
    served.put(ENROLLMENTS, enrollment("e1", status="tobedeleted"))

    assert consumer.ids("enrollments", filter=f"dateLastModified>'{seen}'") == ["e1"]


# Pages.


@pytest.mark.usefixtures("people")
def test_counters_say_where_the_page_lies(consumer):
    body = consumer.get("enrollments", limit=10, offset=10, filter="status='active'").get_json()

    assert {key: body[key] for key in COUNTERS} == {
        "totalCount": 22,
        "pageCount": 3,
        "pageNumber": 2,
        "offset": 10,
        "limit": 10,
    }
    assert next(iter(body)) == "enrollments"


@pytest.mark.parametrize(
    ("setting", "registered", "shown"),
    [
        ("counters", None, True),
        ("strict", None, False),
        ("counters", "strict", False),
        ("strict", "counters", True),
    ],
)
def test_counters_are_as_the_client_is_registered_or_else_as_configured(tmp_path, setting, registered, shown):
    served = Served(tmp_path / "var", body=setting)
    served.put(USERS, user("ada"))

    answer = served.consumer(body=registered).get("users")

    assert answer.get_json().keys() == ({"users"} | (COUNTERS if shown else set()))
    assert answer.headers["X-Total-Count"] == "1"
    served.close()


@pytest.mark.usefixtures("people")
def test_total_is_of_what_matches_on_all_pages(consumer):
    answer = consumer.get("enrollments", filter="role='teacher' AND status='active'", limit=2)

    assert answer.headers["X-Total-Count"] == "5"
    assert consumer.get("enrollments", search="e1", limit=1).headers["X-Total-Count"] == "10"


@pytest.mark.usefixtures("people")
def test_links_lead_to_the_pages_around(consumer):
    links = rels(consumer.get("enrollments", limit=10, offset=10, filter="role='student'"))

    offsets = {rel: parse_qs(urlsplit(url).query)["offset"] for rel, url in links.items()}
    assert offsets == {"first": ["0"], "prev": ["0"], "last": ["10"]}
    assert {parse_qs(urlsplit(url).query)["filter"][0] for url in links.values()} == {"role='student'"}
    assert rels(consumer.get("enrollments", limit=10, offset=0)).keys() == {"first", "next", "last"}


@pytest.mark.parametrize("host", ["evil.example.org", "127.0.0.1:8080", "bridge.example.org:8443"])
@pytest.mark.usefixtures("people")
def test_links_are_on_the_public_address_whatever_the_host_header_says(consumer, host):
    consumer.headers["Host"] = host
    consumer.headers["X-Forwarded-Host"] = host

    links = rels(consumer.get("enrollments", limit=10, offset=10))

    assert {url.partition("?")[0] for url in links.values()} == {f"{PUBLIC_URL}{ROSTERING_PATH}/enrollments"}


@pytest.mark.parametrize("limit", [1, 7, 10, 24, 25, 26])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"orderBy": "desc"},
        {"sort": "role"},
        {"sort": "role", "orderBy": "desc"},
        {"sort": "user.sourcedId"},
        {"sort": "primary"},
        {"filter": "role='student'"},
        {"filter": "role='student' AND status='active'", "sort": "sourcedId", "orderBy": "desc"},
        {"search": "E", "sort": "role"},
        {"fields": "sourcedId,user", "filter": "user.sourcedId~'u'"},
    ],
    ids=lambda parameters: " ".join(f"{key} {value}" for key, value in parameters.items()) or "plain",
)
@pytest.mark.usefixtures("people")
def test_following_next_gives_what_one_page_would(consumer, parameters, limit):
    whole = consumer.get("enrollments", **parameters).get_json()

    pages = list(walk(consumer, "enrollments", limit=limit, **parameters))

    assert [record for page in pages for record in page.get_json()["enrollments"]] == whole["enrollments"]
    assert len(pages) == -(-len(whole["enrollments"]) // limit)
    assert {page.headers["X-Total-Count"] for page in pages} == {str(whole["totalCount"])}
    assert [page.get_json()["offset"] for page in pages] == [limit * at for at in range(len(pages))]


@pytest.mark.usefixtures("people")
def test_newcomer_during_a_walk_comes_last_and_nobody_is_lost_or_repeated(served, consumer):
    pages = walk(consumer, "enrollments", limit=10)
    met = [record["sourcedId"] for record in next(pages).get_json()["enrollments"]]
    served.put(ENROLLMENTS, enrollment("a-newcomer"), enrollment("e03", status="tobedeleted"))
    met += [record["sourcedId"] for page in pages for record in page.get_json()["enrollments"]]

    assert met == [f"e{number:02}" for number in range(1, 26)] + ["a-newcomer"]


@pytest.mark.usefixtures("people")
def test_leaver_during_a_filtered_walk_takes_nobody_along(served, consumer):
    pages = walk(consumer, "enrollments", limit=5, filter="status='active'")
    met = [record["sourcedId"] for record in next(pages).get_json()["enrollments"]]
    served.put(ENROLLMENTS, *(enrollment(sourced_id, status="tobedeleted") for sourced_id in met))
    rest = list(pages)
    met += [record["sourcedId"] for page in rest for record in page.get_json()["enrollments"]]

    assert met == [f"e{number:02}" for number in range(1, 26) if number % 7]
    assert {page.headers["X-Total-Count"] for page in rest} == {"22"}


@pytest.mark.usefixtures("people")
def test_next_goes_on_when_the_mirror_is_read_by_another_process(served, consumer):
    first = consumer.get("enrollments", limit=20)
    other = Served(served.settings.storage.directory)
    consumer.http = other.app.test_client()

    assert len(follow(consumer, first).get_json()["enrollments"]) == 5
    other.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("role", "status"),
        lambda query: query + "&orderBy=desc",
        lambda query: query + "&search=e",
    ],
    ids=["another filter", "another order", "a search"],
)
@pytest.mark.usefixtures("people")
def test_cursor_is_good_for_its_own_query_only(consumer, change):
    target = urlsplit(rels(consumer.get("enrollments", limit=5, filter="role!='x'"))["next"])

    answer = consumer.get(target.path, change(target.query))

    assert refusal(answer)[:2] == (400, "invaliddata")
    assert "cursor" in refusal(answer)[2]


@pytest.mark.usefixtures("people")
def test_cursor_is_good_for_its_own_collection_only(served, consumer):
    served.put(CLASSES, class_("c1"))
    target = urlsplit(rels(consumer.get("enrollments", limit=5))["next"])

    assert "cursor" in refusal(consumer.get("classes", target.query))[2]


@pytest.mark.usefixtures("people")
def test_cursor_is_good_for_its_own_client_only(served, consumer):
    first = consumer.get("enrollments", limit=5)

    assert "cursor" in refusal(follow(served.consumer(), first))[2]


@pytest.mark.usefixtures("people")
def test_page_size_may_change_on_the_way(consumer):
    target = urlsplit(rels(consumer.get("enrollments", limit=5))["next"])

    answer = consumer.get(target.path, target.query.replace("limit=5", "limit=50"))

    assert next(record["sourcedId"] for record in answer.get_json()["enrollments"]) == "e06"


# Methods.


@pytest.mark.parametrize("path", ["users", "users/ada", "users?limit=x", "users/nobody", "nonsense"])
def test_head_answers_as_get_does_without_a_body(served, consumer, path):
    served.put(USERS, user("ada"))
    head = consumer.http.head(f"{ROSTERING_PATH}/{path}", headers=consumer.headers)
    get = consumer.http.get(f"{ROSTERING_PATH}/{path}", headers=consumer.headers)

    assert head.status_code == get.status_code
    assert head.data == b""
    varying = {"X-Request-Id", "Date"}
    assert {k: v for k, v in head.headers.items() if k not in varying} == {
        k: v for k, v in get.headers.items() if k not in varying
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["users", "users/ada", "nonsense"])
def test_other_methods_are_refused_with_those_that_are_allowed(consumer, method, path):
    answer = consumer.http.open(f"{ROSTERING_PATH}/{path}", method=method, headers=consumer.headers)

    assert refusal(answer)[0] == 405
    assert answer.headers["Allow"] == "GET, HEAD"


# Who may see what.


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        pytest.param(None, 'Bearer realm="OneRoster"', id="none"),
        pytest.param("Basic YTpi", 'Bearer realm="OneRoster"', id="another scheme"),
        pytest.param("Bearer ", 'Bearer realm="OneRoster"', id="no token"),
        pytest.param("Bearer nonsense", 'Bearer realm="OneRoster", error="invalid_token"', id="an unknown token"),
        pytest.param("Bearer é", 'Bearer realm="OneRoster", error="invalid_token"', id="no ASCII"),
    ],
)
@pytest.mark.parametrize("path", ["users", "users/ada"])
@pytest.mark.clause("RFC 6750 section 3")
def test_without_a_valid_token_nothing_is_served(served, consumer, path, authorization, challenge):
    served.put(USERS, user("ada"))
    consumer.headers = {} if authorization is None else {"Authorization": authorization}

    answer = consumer.get(path)

    assert refusal(answer)[:2] == (401, "unauthorisedrequest")
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["Cache-Control"] == "no-store"


def test_token_is_taken_from_the_header_only(served, consumer):
    token = consumer.headers.pop("Authorization").removeprefix("Bearer ")

    assert refusal(consumer.get("users", access_token=token))[0] == 401


def test_bearer_may_be_written_in_any_case(consumer):
    consumer.headers = {"Authorization": consumer.headers["Authorization"].replace("Bearer", "bearer")}

    assert consumer.get("users").status_code == 200


@pytest.mark.parametrize("scope", [ROSTER_CORE, ROSTER])
def test_either_roster_scope_is_enough(served, scope):
    assert served.consumer(scopes=[scope]).get("enrollments").status_code == 200


@pytest.mark.parametrize("path", ["enrollments", "users/ada"])
@pytest.mark.clause("RFC 6750 section 3.1")
def test_demographics_scope_alone_opens_no_roster(served, path):
    served.put(USERS, user("ada"))

    answer = served.consumer(scopes=[ROSTER_DEMOGRAPHICS]).get(path)

    assert refusal(answer)[:2] == (403, "forbidden")
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="OneRoster", error="insufficient_scope", scope="{ROSTER_CORE} {ROSTER}"'
    )


def test_revoked_client_is_refused_at_once(served, consumer):
    assert consumer.get("users").status_code == 200
    served.registry.clients.revoke(consumer.client_id)

    answer = consumer.get("users")

    assert refusal(answer)[:2] == (401, "unauthorisedrequest")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.fixture
def two_tenants(served):
    served.put(USERS, user("ada"), user("bob", "teacher", familyName="Berg"), source="north")
    served.put(USERS, user("cem"), user("dora", "teacher", familyName="Berg"), source="south")
    served.put(USERS, user("eve"), source="west")


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("users", {}),
        ("users", {"filter": "sourcedId!='x'"}),
        ("users", {"filter": "roles.role='student' OR roles.role='teacher'"}),
        ("users", {"search": "a"}),
        ("users", {"sort": "familyName", "orderBy": "desc"}),
        ("users", {"filter": "dateLastModified>'2026-11-19'"}),
    ],
    ids=["all", "by filter", "by role", "by search", "sorted", "changed since"],
)
@pytest.mark.usefixtures("two_tenants")
def test_rows_and_totals_are_of_the_sources_that_the_client_may_see(served, path, parameters):
    north = served.consumer("north").get(path, **parameters)
    south_and_west = served.consumer("south", "west").get(path, **parameters)

    assert {record["sourcedId"] for record in north.get_json()["users"]} == {"ada", "bob"}
    assert north.headers["X-Total-Count"] == "2"
    assert {record["sourcedId"] for record in south_and_west.get_json()["users"]} == {"cem", "dora", "eve"}
    assert south_and_west.headers["X-Total-Count"] == "3"


@pytest.mark.usefixtures("two_tenants")
def test_record_of_another_source_looks_like_one_that_does_not_exist(served):
    north = served.consumer("north")

    other, none = north.get("users/cem"), north.get("users/nobody")

    assert refusal(other) == refusal(none)
    assert north.get("users/ada").status_code == 200


@pytest.mark.usefixtures("two_tenants")
def test_client_of_a_source_that_has_no_records_yet_sees_none(served):
    answer = served.consumer("east").get("users")

    assert answer.get_json()["users"] == []
    assert answer.headers["X-Total-Count"] == "0"


@pytest.mark.usefixtures("two_tenants")
def test_source_added_later_is_seen_by_a_client_without_a_limit(served, consumer):
    served.put(USERS, user("fay"), source="east")

    assert "fay" in consumer.ids("users")


# Headers.


@pytest.mark.usefixtures("people")
def test_answers_are_for_this_client_alone(consumer):
    answer = consumer.get("enrollments")

    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Authorization, Accept-Encoding"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(answer.headers["X-Request-Id"]) == 16


def test_names_of_every_script_come_as_utf_8(served, consumer):
    served.put(USERS, user("ada", givenName="Zoë 日本 \U0001f393", familyName='O\'Neil "q" \\ </script>'))

    answer = consumer.get("users/ada")

    assert answer.get_json()["user"]["givenName"] == "Zoë 日本 \U0001f393"
    assert answer.get_json()["user"]["familyName"] == 'O\'Neil "q" \\ </script>'
    assert "日本".encode() in answer.data


def test_path_that_can_be_read_in_very_many_ways_is_none(consumer):
    path = "schools/" + "a/classes/" * 30 + "b/students"

    status, _, words = refusal(consumer.get(path))

    assert status == 404
    assert "no such path" in words
