"""The practice SIS in every manner: what the mirror then holds is what a strict and complete provider would give."""

import json
from collections import deque

import pytest

from bridge.mirror.runs import Outcome
from bridge.practice.links import LinkForm
from bridge.practice.manners import Failure
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_server import PracticeSis
from bridge.practice.sis_vendor_manners import SIS_VENDORS, sis_manners_of
from bridge.registry.sources import RegisteredSource
from bridge.roster.model import COLLECTIONS
from bridge.transport.client_secret import Auth, Credentials
from tests.sources.reading_bridge import ReadingBridge

DISTRICT = {"schools": 1, "classes_per_school": 4, "students_per_class": 10, "students_per_school": 40}


def register(bridge, sis, *, version="1.2", auth=Auth.BASIC, **fields):
    given = sis.register_consumer()
    scopes = tuple(
        f"https://purl.imsglobal.org/spec/or/v{version.replace('.', 'p')}/scope/roster{name}.readonly"
        for name in ("-core", "", "-demographics")
    )
    credentials = Credentials(
        client_id=given["client_id"],
        secret=given["client_secret"],
        token_url="" if auth in (Auth.OAUTH1_SHA1, Auth.OAUTH1_SHA256) else given["token_url"],
        auth=auth,
        scopes=scopes,
    )
    source = RegisteredSource(
        name="north",
        version=version,
        base_url=sis.base_url(version),
        credentials=credentials,
        demographics=True,
        **{"page_limit": 25, **fields},
    )
    return bridge.wiring.registry.sources.add(source)


def read(folder, manners, /, **fields):
    """What a bridge holds that has read the district in these manners once, and its run."""
    bridge = ReadingBridge(folder)
    try:
        with PracticeSis(make_district(**DISTRICT), manners=manners) as sis:
            register(bridge, sis, **fields)
            run = bridge.sync()
            return run, bridge.everything()
    finally:
        bridge.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    run, held = read(tmp_path_factory.mktemp("expected"), SisManners())
    assert (run.outcome, run.complete, run.quarantined) == (Outcome.APPLIED, True, 0)
    assert all(held[name] for name in COLLECTIONS)
    return held


ANY_WAY = {
    "clamped": {"largest_limit": 10},
    "clamped silently": {"largest_limit": 10, "over_limit": "clamped silently"},
    "clamped silently without headers": {
        "largest_limit": 10, "over_limit": "clamped silently", "total": "absent", "links": "absent",
    },
    "large limits refused": {"largest_limit": 10_000, "fails_above": 50},
    "short pages": {"short_pages": {25: 3}},
    "rows that come again": {"repeats": 2},
    "no total": {"total": "absent"},
    "total that is no number": {"total": "no number"},
    "next alone": {"links": "next"},
    "no links": {"links": "absent"},
    "no headers": {"links": "absent", "total": "absent"},
    "counters in the body": {"counters_in_body": True},
    "relative hrefs": {"hrefs": "relative"},
    "no hrefs": {"hrefs": "absent"},
    "bare ids": {"hrefs": "bare ids"},
    "booleans": {"json_booleans": True},
    "numbers": {"school_year_as_number": True},
    "nulls": {"nulls": True},
    "blank stamps": {"stamps": "blank"},
    "no stamps": {"stamps": "absent"},
    "stamps with an offset": {"stamps": "offset"},
    "own fields": {"also": {"vendorField": {"a": [1]}}},
    "text/html": {"media_type": "text/html"},
    "bare lists": {"envelope": "bare list"},
    "byte order mark": {"byte_order_mark": True},
    "form only": {"client_authentication": "form", "auth": Auth.FORM},
    "basic only": {"client_authentication": "basic"},
    "no lifetime": {"expires_in": None},
    "lifetime as text": {"expires_in": "3600"},
    "token type in lower case": {"token_type": "bearer"},
    "token that expires on the way": {"expire_at": 50},
    "every third request too many": {"throttle_every": 3},
    "failures now and then": {"fail_next": [Failure(500), Failure(503), Failure(429)]},
    "answer that breaks off": {"cut_connection_at": ("users", 25)},
    "signed with SHA-256": {"auth": Auth.OAUTH1_SHA256, "version": "1.1"},
    "signed with SHA-1": {"auth": Auth.OAUTH1_SHA1, "version": "1.1"},
    "1.1": {"version": "1.1"},
    "fields of 1.1": {"fields_1p1": True},
    **{f"next link {form.name}": {"links": "next", "link_form": form} for form in LinkForm},
}  # fmt: skip


@pytest.mark.parametrize("manner", ANY_WAY)
def test_read_in_any_manner_the_district_is_the_same(tmp_path, expected, manner):
    manners = dict(ANY_WAY[manner])
    fields = {name: manners.pop(name) for name in ("auth", "version") if name in manners}
    if manner == "large limits refused":
        fields["page_limit"] = 200
    if "fail_next" in manners:
        manners["fail_next"] = deque(manners["fail_next"])

    run, held = read(tmp_path, SisManners(**manners), **fields)

    assert (run.outcome, run.message, run.quarantined) == (Outcome.APPLIED, "", 0)
    assert held == (in_1p1(expected) if fields.get("version") == "1.1" or manner == "fields of 1.1" else expected)


def in_1p1(held):
    """The same as 1.1 can say it: of administrators it does not tell which."""
    return json.loads(json.dumps(held).replace('"role": "principal"', '"role": "siteAdministrator"'))


@pytest.mark.parametrize("vendor", SIS_VENDORS)
def test_read_in_a_vendors_manners_the_district_is_the_same(tmp_path, expected, vendor):
    manners = sis_manners_of(vendor)
    signed = not manners.oauth2_for_1p1
    fields = {} if "1.2" in manners.versions else {"version": "1.1"}
    if signed:
        fields["auth"] = Auth.OAUTH1_SHA256

    run, held = read(tmp_path, manners, **fields)

    assert (run.outcome, run.message, run.quarantined) == (Outcome.APPLIED, "", 0)
    assert held == (in_1p1(expected) if fields else expected)


@pytest.mark.parametrize(
    "manners",
    [{"next_leads": "here"}, {"next_leads": "elsewhere"}, {"unserved": frozenset({"users"})}],
    ids=["circle", "another host", "no users"],
)
def test_provider_that_cannot_be_trusted_is_refused_as_a_whole(tmp_path, manners):
    run, held = read(tmp_path, SisManners(**manners))

    assert run.outcome is Outcome.REFUSED
    assert not any(held.values())


def test_rows_withheld_from_pages_make_nobody_be_missed(tmp_path, expected):
    withheld = frozenset(sorted(expected["users"])[:3])

    run, held = read(tmp_path, SisManners(withheld=withheld))

    assert (run.complete, held["users"].keys() & withheld) == (False, set())


@pytest.mark.parametrize("told", ["told", "inactive"])
def test_what_is_removed_and_changed_at_the_provider_is_so_by_the_next_night(tmp_path, told):
    bridge = ReadingBridge(tmp_path)
    roster = make_district(**DISTRICT)
    with PracticeSis(roster, manners=SisManners(tombstones=told)) as sis:
        register(bridge, sis)
        bridge.sync()
        gone, *_ = bridge.records("enrollments")
        roster.remove("enrollments", gone)
        roster.change("orgs", "school-1", name="North High")

        run = bridge.sync()

    assert (run.complete, run.removed, run.changed) == (False, 1, 1)
    assert gone not in bridge.records("enrollments")
    assert bridge.records("orgs")["school-1"]["name"] == "North High"
    bridge.close()


def test_removal_that_is_not_told_is_found_by_a_full_reading(tmp_path):
    bridge = ReadingBridge(tmp_path)
    roster = make_district(**DISTRICT)
    with PracticeSis(roster, manners=SisManners(tombstones="untold")) as sis:
        register(bridge, sis)
        bridge.sync()
        gone, *_ = bridge.records("enrollments")
        roster.remove("enrollments", gone)
        assert bridge.sync().removed == 0

        run = bridge.sync(full=True)

    assert run.removed == 1
    bridge.close()


@pytest.mark.parametrize("filters", ["bare dates", "passed over", "refused"])
def test_provider_that_cannot_tell_changes_by_instants_is_read_all_the_same(tmp_path, filters):
    bridge = ReadingBridge(tmp_path)
    roster = make_district(**DISTRICT)
    with PracticeSis(roster, manners=SisManners(filters=filters)) as sis:
        register(bridge, sis)
        bridge.sync()
        roster.change("orgs", "school-1", name="North High")

        run = bridge.sync()

    assert (run.outcome, bridge.records("orgs")["school-1"]["name"]) == (Outcome.APPLIED, "North High")
    bridge.close()
