"""Exporting the mirror as sets of OneRoster CSV files."""

import csv
import io
import stat
import zipfile
from datetime import datetime

import pytest

from bridge.clock import to_stamp
from bridge.csv_export import ExportFailed, export_csv
from bridge.errors import InvalidRequest, UnknownObject
from bridge.oneroster.csv.tables import DATA_FILES
from bridge.oneroster.scopes import ONEROSTER_SCOPES, ROSTER_CORE
from bridge.roster.privacy import PersonDetail
from tests.exchange.csv_sets import HEADERS, SMALL, USERS_1_2_0, changed, read_set

pytestmark = pytest.mark.clause("OneRoster CSV Binding 1.2")


def header(path, name):
    with zipfile.ZipFile(path) as archive:
        return archive.read(f"{name}.csv").decode().partition("\r\n")[0]


@pytest.fixture
def filled(bridge):
    bridge.load(bridge.write())
    return bridge


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_the_bindings(filled, name):
    assert header(filled.export(), name) == HEADERS[name]


def test_the_header_of_1_2_0_may_be_asked_for(filled):
    assert header(filled.export(with_resources=True), "users") == USERS_1_2_0


def test_what_came_in_goes_out(filled):
    exported = read_set(filled.export())

    for name, lines in SMALL.items():
        expected = list(csv.DictReader([HEADERS[name], *lines]))
        if name == "roles":
            for row in (*exported[name], *expected):
                del row["sourcedId"]
        key = sorted(expected, key=lambda row: list(row.values()))
        assert sorted(exported[name], key=lambda row: list(row.values())) == key, name


def test_the_manifest_names_every_file_of_the_binding(filled):
    rows = {row["propertyName"]: row["value"] for row in read_set(filled.export())["manifest"]}

    assert (rows["manifest.version"], rows["oneroster.version"]) == ("1.0", "1.2")
    assert {name: rows[f"file.{name}"] for name in DATA_FILES} == {
        name: "bulk" if name in SMALL else "absent" for name in DATA_FILES
    }
    assert len(DATA_FILES) == 21


def test_a_file_without_rows_is_absent(bridge):
    bridge.load(bridge.write({"orgs": SMALL["orgs"]}))

    exported = read_set(bridge.export())

    assert set(exported) == {"orgs", "manifest"}


def test_an_empty_mirror_gives_a_manifest_alone(bridge):
    assert set(read_set(bridge.export())) == {"manifest"}


def test_ended_records_are_in_no_bulk_set(filled):
    filled.load(filled.write(changed(SMALL, enrollments=SMALL["enrollments"][:2])))

    exported = read_set(filled.export())

    assert [row["sourcedId"] for row in exported["enrollments"]] == ["e1", "e2"]
    assert {row["status"] for rows in exported.values() for row in rows if "status" in row} == {""}


def test_a_bulk_set_is_closed_under_references(filled):
    db = filled.wiring.mirror.db
    for collection, sourced_id in (("users", "s2"), ("academicSessions", "Y"), ("orgs", "D")):
        db.execute(
            f"UPDATE \"{collection}\" SET document = json_set(document, '$.status', 'tobedeleted') WHERE sourcedId = ?",
            (sourced_id,),
        )

    report = export_csv(filled.wiring, filled.folder / "out.zip")
    exported = read_set(filled.folder / "out.zip")

    assert report.left_out == {"enrollments.csv": 1}
    assert [row["sourcedId"] for row in exported["enrollments"]] == ["e1", "e2"]
    assert [row["termSourcedIds"] for row in exported["classes"]] == ["T"]
    assert [row["parentSourcedId"] for row in exported["orgs"] + exported["academicSessions"]] == ["", ""]
    assert [row["schoolYearSourcedId"] for row in exported["courses"]] == [""]


def test_what_needs_a_record_that_is_left_out_is_left_out_too(filled):
    filled.wiring.mirror.db.execute(
        "UPDATE courses SET document = json_set(document, '$.status', 'tobedeleted') WHERE sourcedId = 'C'"
    )

    report = export_csv(filled.wiring, filled.folder / "out.zip")

    assert report.left_out == {"classes.csv": 1, "enrollments.csv": 3}


def test_what_the_binding_requires_and_json_does_not_is_supplied(bridge):
    user = "s1,,,true,,,Anna,Berg,,,,,,,,,,,,,,"
    courses, classes = ["C,,,,Course,C1,,,,"], ["K,,,Class,,C,,,,S,T,,,"]
    bridge.load(
        bridge.write(
            changed(
                SMALL,
                courses=courses,
                classes=classes,
                users=[user],
                roles=SMALL["roles"][2:3],
                enrollments=SMALL["enrollments"][1:2],
            )
        )
    )

    exported = read_set(bridge.export())

    assert exported["users"][0]["username"] == "s1"
    assert exported["classes"][0]["classType"] == "scheduled"
    assert exported["courses"][0]["orgSourcedId"] == "S"


def test_the_same_records_give_the_same_bytes(filled, make_bridge):
    other = make_bridge("two")
    lines = {name: rows[::-1] for name, rows in SMALL.items() if name != "roles"}
    other.clock.turn(hours=5)
    other.load(other.write({**lines, "roles": SMALL["roles"]}))

    assert other.export().read_bytes() == filled.export().read_bytes()


def test_line_breaks_and_commas_are_kept_out_of_cells(bridge):
    orgs = ['D,,,"A\r\nB",district,1,', SMALL["orgs"][1]]
    bridge.load(bridge.write(changed(SMALL, orgs=orgs)))
    bridge.wiring.mirror.db.execute(
        "UPDATE classes SET document = json_set(document, '$.subjects', json('[\"Reading, writing\"]'))"
    )

    exported = read_set(bridge.export())

    assert exported["orgs"][0]["name"] == "A B"
    assert exported["classes"][0]["subjects"] == "Reading; writing"


def test_cells_that_look_like_formulas_are_counted_and_not_altered(bridge):
    bridge.load(bridge.write(changed(SMALL, orgs=["D,,,=1+1,district,1,", SMALL["orgs"][1]])))

    report = export_csv(bridge.wiring, bridge.folder / "out.zip")

    assert report.formulas == 2  # the name of the org, and a telephone number
    assert read_set(bridge.folder / "out.zip")["orgs"][0]["name"] == "=1+1"


def test_metadata_come_last_in_their_order(bridge):
    orgs = ["D,,,District,district,1,,b,a", "S,,,School,school,2,D,,c"]
    columns = HEADERS["orgs"] + ",metadata.b,metadata.a"
    bridge.load(bridge.write(changed(SMALL, orgs=orgs), headers={"orgs": columns}))

    assert header(bridge.export(), "orgs") == HEADERS["orgs"] + ",metadata.a,metadata.b"
    assert [row["metadata.a"] for row in read_set(bridge.export())["orgs"]] == ["a", "c"]


def test_one_sources_records_alone_may_be_asked_for(filled):
    filled.load(filled.write(), source="other", prefix="o-")

    exported = read_set(filled.export(sources=["other"]))

    assert {row["sourcedId"] for row in exported["orgs"]} == {"o-D", "o-S"}
    assert len(read_set(filled.export())["orgs"]) == 4
    with pytest.raises(InvalidRequest, match="nothing of nobody"):
        filled.export(sources=["nobody"])


class TestDelta:
    """What has changed since a moment, with its tombstones and dates."""

    @pytest.fixture
    def since(self, filled):
        (stamp,) = filled.wiring.mirror.db.execute("SELECT max(stamp) FROM writes").fetchone()
        filled.clock.turn(hours=1)
        return stamp

    def test_holds_what_has_changed_and_nothing_else(self, filled, since):
        rows = ["e1,,,K,S,t1,teacher,false,2026-08-01,", SMALL["enrollments"][1]]
        filled.load(filled.write(changed(SMALL, enrollments=rows)))

        exported = read_set(filled.export(since=since))

        assert set(exported) == {"enrollments", "manifest"}
        assert {row["sourcedId"]: (row["status"], row["primary"]) for row in exported["enrollments"]} == {
            "e1": ("active", "false"), "e3": ("tobedeleted", ""),
        }  # fmt: skip
        stamps = [row["dateLastModified"] for row in exported["enrollments"]]
        assert all(datetime.fromisoformat(stamp) > datetime.fromisoformat(since) for stamp in stamps)
        modes = {row["propertyName"]: row["value"] for row in exported["manifest"]}
        assert (modes["file.enrollments"], modes["file.users"]) == ("delta", "absent")

    def test_ends_the_roles_that_a_user_has_lost(self, filled, since):
        filled.load(filled.write(changed(SMALL, roles=[SMALL["roles"][0], *SMALL["roles"][2:]])))

        roles = read_set(filled.export(since=since))["roles"]

        assert [(row["role"], row["status"]) for row in sorted(roles, key=lambda row: row["role"])] == [
            ("aide", "tobedeleted"), ("teacher", "active"),
        ]  # fmt: skip

    def test_of_a_moment_after_the_last_change_is_empty(self, filled):
        assert set(read_set(filled.export(since="2999-01-01T00:00:00.000Z"))) == {"manifest"}

    def test_carries_another_bridge_along(self, filled, since, make_bridge):
        other = make_bridge("two")
        other.load(filled.export("bulk.zip"))
        users = [SMALL["users"][0].replace("Lovelace", "King"), *SMALL["users"][1:]]
        roles = [SMALL["roles"][0], *SMALL["roles"][2:]]
        filled.load(filled.write(changed(SMALL, users=users, roles=roles, enrollments=SMALL["enrollments"][:2])))

        other.load(filled.export("delta.zip", since=since))

        assert other.export().read_bytes() == filled.export().read_bytes()


def test_the_zip_is_its_owners_only(filled):
    assert stat.S_IMODE(filled.export().stat().st_mode) == 0o600


def test_a_zip_that_cannot_be_finished_leaves_nothing_behind(filled):
    (filled.folder / "out.zip").mkdir()

    with pytest.raises(ExportFailed, match=r"out\.zip: cannot be written"):
        filled.export()
    assert [path.name for path in filled.folder.iterdir() if path.name.startswith(".")] == []


def test_the_zip_is_an_ordinary_one(filled):
    with zipfile.ZipFile(io.BytesIO(filled.export().read_bytes())) as archive:
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_DEFLATED}
        assert all(b"\r\n" in archive.read(entry) for entry in archive.infolist())


@pytest.fixture
def consumer(filled):
    """Registers a consumer of the sources that are loaded, with these limits; its client id."""

    def consumer(**limits):
        client, _ = filled.wiring.registry.clients.add("consumer", **({"scopes": ONEROSTER_SCOPES} | limits))
        return client.client_id

    return consumer


def ids(exported, name):
    return [row["sourcedId"] for row in exported.get(name, ())]


def test_consumer_limited_to_a_class_gets_what_belongs_to_it(filled, consumer):
    more = changed(
        SMALL,
        classes=[*SMALL["classes"], SMALL["classes"][0].replace("K", "K2", 1)],
        enrollments=[*SMALL["enrollments"], SMALL["enrollments"][0].replace("e1", "e9", 1).replace(",K,", ",K2,", 1)],
        users=[*SMALL["users"], SMALL["users"][0].replace("t1", "t9", 1)],
    )
    filled.load(filled.write(more))

    exported = read_set(filled.export(client_id=consumer(classes={"K"})))

    assert ids(exported, "classes") == ["K"]
    assert ids(exported, "enrollments") == ["e1", "e2", "e3"]
    assert {row["classSourcedId"] for row in exported["enrollments"]} == {"K"}
    assert set(ids(exported, "users")) == {row["userSourcedId"] for row in exported["enrollments"]}
    assert set(ids(exported, "demographics")) <= set(ids(exported, "users"))


def test_consumer_limited_to_an_unknown_class_gets_a_manifest_alone(filled, consumer):
    assert set(read_set(filled.export(client_id=consumer(classes={"elsewhere"})))) == {"manifest"}


def test_consumer_of_another_source_gets_a_manifest_alone(filled, consumer):
    assert set(read_set(filled.export(client_id=consumer(sources={"elsewhere"})))) == {"manifest"}


@pytest.mark.parametrize(
    ("level", "told"),
    [(PersonDetail.NAME_ONLY, {"givenName"}), (PersonDetail.EMAIL_ONLY, {"email"}), (PersonDetail.ANONYMOUS, set())],
    ids=["names", "e-mails", "neither"],
)
def test_what_a_consumer_is_not_told_of_people_is_in_no_file(filled, consumer, level, told):
    path = filled.export(client_id=consumer(privacy=level))
    exported = read_set(path)

    everyone = exported["users"]
    assert {
        name for name in ("givenName", "email", "identifier", "phone") if any(row[name] for row in everyone)
    } == told
    assert {row["username"] == row["sourcedId"] for row in everyone} == {True}
    assert not any(row["birthDate"] or row["sex"] for row in exported["demographics"])
    assert not [name for row in everyone for name in row if name.startswith("metadata.")]


def test_consumer_without_the_scope_gets_no_demographics(filled, consumer):
    exported = read_set(filled.export(client_id=consumer(scopes=[ROSTER_CORE])))

    assert "demographics" not in exported
    assert "users" in exported


def test_delta_set_of_a_limited_consumer_tells_of_nobody_else(filled, consumer):
    since = filled.wiring.clock()
    filled.clock.turn(hours=1)
    filled.load(filled.write(changed(SMALL, enrollments=SMALL["enrollments"][:2])))

    path = filled.export(client_id=consumer(classes={"elsewhere"}), since=to_stamp(since))

    assert set(read_set(path)) == {"manifest"}


def test_export_of_an_unknown_consumer_is_refused(filled):
    with pytest.raises(UnknownObject, match="bridge clients list"):
        filled.export(client_id="nobody")


def test_export_for_a_revoked_consumer_is_refused(filled, consumer):
    client_id = consumer()
    filled.wiring.registry.clients.revoke(client_id)

    with pytest.raises(InvalidRequest, match="is revoked"):
        filled.export(client_id=client_id)


def test_sources_and_a_consumer_are_not_named_together(filled, consumer):
    with pytest.raises(InvalidRequest, match="not both"):
        filled.export(client_id=consumer(), sources=["sis"])
