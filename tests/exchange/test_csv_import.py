"""Importing sets of OneRoster CSV files."""

import pytest

from bridge.errors import InvalidRequest, SourceRefused, UnknownObject
from bridge.mirror.runs import Outcome
from bridge.oneroster.csv.manifest import Mode
from bridge.upkeep import undo_run
from tests.exchange.csv_sets import HEADERS, SMALL, USERS_1_1, USERS_1_2_0, changed, write_zip

STAMP = "2026-11-20T10:00:00.000Z"


def reasons(bad_rows):
    return [(one.file, one.line, one.subject, one.reason) for one in bad_rows]


TWICE = "is listed more than once, in ways that do not go together"


def nowhere(field, collection):
    return f"{field}: refers to a record that {collection}.csv does not hold"


@pytest.mark.clause("OneRoster CSV Binding 1.2 section 4")
def test_every_field_finds_its_place(bridge):
    assert bridge.load(bridge.write()).run.outcome is Outcome.APPLIED

    user = bridge.records("users")["t1"]
    names = ("givenName", "familyName", "email", "phone", "pronouns", "identifier")
    assert [user[name] for name in names] == ["Ada", "Lovelace", "ada@example.org", "+47 1", "she", "T-1"]
    assert (user["preferredFirstName"], user["userMasterIdentifier"]) == ("Countess", "M1")
    assert user["primaryOrg"]["sourcedId"] == "S"
    assert user["userIds"] == [{"type": "LDAP", "identifier": "a"}, {"type": "LTI", "identifier": "b:c"}]
    assert [(one["roleType"], one["role"], one.get("beginDate")) for one in user["roles"]] == [
        ("primary", "teacher", "2026-08-01"), ("secondary", "aide", None),
    ]  # fmt: skip
    assert bridge.records("users")["s1"]["agents"][0]["sourcedId"] == "g1"
    class_ = bridge.records("classes")["K"]
    assert [one["sourcedId"] for one in class_["terms"]] == ["Y", "T"]
    assert (class_["periods"], class_["subjectCodes"], class_["location"]) == (["1", "2"], ["M1"], "Room 1")
    assert bridge.records("courses")["C"]["grades"] == ["09", "10"]
    assert bridge.records("orgs")["S"]["parent"]["sourcedId"] == "D"
    assert [one["sourcedId"] for one in bridge.records("orgs")["D"]["children"]] == ["S"]
    enrollment = bridge.records("enrollments")["e1"]
    assert (enrollment["primary"], enrollment["beginDate"]) == ("true", "2026-08-01")
    assert bridge.records("demographics")["s1"]["cityOfBirth"] == "Oslo"


def test_the_second_import_changes_nothing(bridge):
    bridge.load(bridge.write())

    run = bridge.load(bridge.write()).run

    assert (run.outcome, run.unchanged, run.added, run.changed) == (Outcome.UNCHANGED, 14, 0, 0)


def test_a_plan_changes_nothing(bridge):
    planned = bridge.plan(bridge.write())

    assert {name: part.added for name, part in planned.preview.plan.parts.items()} == {
        "orgs": 2, "academicSessions": 2, "courses": 1, "classes": 1, "users": 4, "enrollments": 3, "demographics": 1,
    }  # fmt: skip
    assert bridge.records("users") == {}
    assert bridge.wiring.mirror.source_ids() == {}


@pytest.mark.clause("OneRoster CSV Binding 1.2 section 2")
def test_what_a_bulk_set_no_longer_holds_has_ended(bridge):
    bridge.load(bridge.write())

    bridge.load(bridge.write(changed(SMALL, enrollments=SMALL["enrollments"][:2])))

    assert bridge.statuses("enrollments") == {"e1": "active", "e2": "active", "e3": "tobedeleted"}


def test_a_file_that_a_bulk_set_does_not_have_says_nothing(bridge):
    bridge.load(bridge.write())

    run = bridge.load(bridge.write(changed(SMALL, demographics=None, roles=None))).run

    assert run.outcome is Outcome.UNCHANGED
    assert bridge.statuses("demographics") == {"s1": "active"}
    assert len(bridge.records("users")["t1"]["roles"]) == 2


def test_an_emptied_set_is_held_and_let_through_by_the_operator(bridge):
    many = [f"x{number},,,K,S,s1,student,,," for number in range(30)]
    bridge.load(bridge.write(changed(SMALL, enrollments=[*SMALL["enrollments"], *many])))

    held = bridge.load(bridge.write(SMALL)).run

    assert held.outcome is Outcome.HELD
    assert f"'bridge import csv' with '--approve {held.id}'" in held.message
    assert set(bridge.statuses("enrollments").values()) == {"active"}
    assert bridge.load(bridge.write(SMALL), approve=held.id).run.outcome is Outcome.APPLIED
    assert list(bridge.statuses("enrollments").values()).count("active") == 3


def test_an_import_is_undone_like_every_run(bridge):
    bridge.load(bridge.write())
    run = bridge.load(bridge.write(changed(SMALL, orgs=["D,,,Renamed,district,1,", SMALL["orgs"][1]]))).run

    undo_run(bridge.wiring, run.id, made_by="operator")

    assert bridge.records("orgs")["D"]["name"] == "District"


def test_only_held_imports_of_the_source_can_be_approved(bridge):
    run = bridge.load(bridge.write()).run

    with pytest.raises(InvalidRequest, match=f"run {run.id} is not held, it is applied"):
        bridge.load(bridge.write(), approve=run.id)
    with pytest.raises(UnknownObject, match="no run 99"):
        bridge.load(bridge.write(), approve=99)


class TestDelta:
    """A delta set changes what it names and nothing else."""

    def test_rows_are_added_changed_and_ended(self, bridge):
        bridge.load(bridge.write())

        lines = {
            "courses": [f"C2,active,{STAMP},Y,Other,C2,,S,,"],
            "enrollments": [f"e3,tobedeleted,{STAMP},K,S,s2,student,,,", f"e2,active,{STAMP},K,S,s1,proctor,,,"],
        }
        run = bridge.load(bridge.write(lines, mode="delta")).run

        assert run.outcome is Outcome.APPLIED
        assert bridge.statuses("enrollments") == {"e1": "active", "e2": "active", "e3": "tobedeleted"}
        assert bridge.records("enrollments")["e2"]["role"] == "proctor"
        assert set(bridge.statuses("courses").values()) == {"active"}
        assert len(bridge.records("users")) == 4

    def test_a_user_keeps_the_roles_that_it_does_not_name(self, bridge):
        bridge.load(bridge.write())

        user = SMALL["users"][0].replace("t1,,,", f"t1,active,{STAMP},").replace("Lovelace", "King")
        bridge.load(bridge.write({"users": [user]}, mode="delta"))

        record = bridge.records("users")["t1"]
        assert (record["familyName"], [one["role"] for one in record["roles"]]) == ("King", ["teacher", "aide"])

    def test_roles_change_without_their_users(self, bridge):
        bridge.load(bridge.write())

        roles = [f"r2,tobedeleted,{STAMP},t1,secondary,aide,,,S,", f"r9,active,{STAMP},t1,secondary,counselor,,,S,"]
        bridge.load(bridge.write({"roles": roles}, mode="delta"))

        record = bridge.records("users")["t1"]
        assert (record["familyName"], [one["role"] for one in record["roles"]]) == (
            "Lovelace",
            ["teacher", "counselor"],
        )

    def test_an_org_keeps_its_children(self, bridge):
        bridge.load(bridge.write())

        bridge.load(bridge.write({"orgs": [f"D,active,{STAMP},Renamed,district,1,"]}, mode="delta"))

        org = bridge.records("orgs")["D"]
        assert (org["name"], [one["sourcedId"] for one in org["children"]]) == ("Renamed", ["S"])

    def test_a_role_of_nobody_is_a_bad_row(self, bridge):
        imported = bridge.load(bridge.write({"roles": [f"r9,active,{STAMP},x,primary,aide,,,S,"]}, mode="delta"))

        assert reasons(imported.bad_rows) == [
            ("roles.csv", 2, "users/x", "names a user who is neither in users.csv nor known already")
        ]

    def test_a_manifest_alone_changes_nothing(self, bridge):
        bridge.load(bridge.write())

        assert bridge.load(bridge.write({})).run.outcome is Outcome.UNCHANGED

    def test_rows_that_are_dated_go_before_a_manifest_that_says_bulk(self, bridge):
        bridge.load(bridge.write())

        planned = bridge.plan(bridge.write(changed(SMALL, enrollments=[f"e1,active,{STAMP},K,S,t1,teacher,true,,"])))

        assert (planned.preview.plan.complete, planned.preview.plan.removals) == (False, 0)

    def test_the_operators_word_goes_before_both(self, bridge):
        bridge.load(bridge.write())
        path = bridge.write(changed(SMALL, enrollments=[f"e1,active,{STAMP},K,S,t1,teacher,true,,"]))

        assert bridge.plan(path, told=Mode.BULK).preview.plan.removals == 2
        assert bridge.plan(bridge.write(changed(SMALL, enrollments=[])), told=Mode.DELTA).preview.plan.removals == 0

    def test_a_set_that_mixes_both_ends_nobody_by_silence(self, bridge):
        bridge.load(bridge.write())
        path = bridge.write(changed(SMALL, enrollments=SMALL["enrollments"][:1]), modes={"orgs": "delta"})

        assert bridge.plan(path).preview.plan.removals == 0


class TestBadRows:
    """Every bad row is named, and what is held of its record stays."""

    @pytest.mark.parametrize(
        ("file", "row", "subject", "reason"),
        [
            ("enrollments", "e9,,,K,S,s1", "enrollments/e9", "has 6 cells, the header 10"),
            ("enrollments", "e9,,,K,S,s1,student,,,,,x", "enrollments/e9", "has 12 cells, the header 10"),
            ("enrollments", ",,,K,S,s1,student,,,", None, "has no sourcedId"),
            ("enrollments", "e9,,,X,S,s1,student,,,", "enrollments/e9", nowhere("class", "classes")),
            ("enrollments", "e9,,,K,S,x,student,,,", "enrollments/e9", nowhere("user", "users")),
            ("enrollments", "e9,,,K,S,s1,,,,", "enrollments/e9", "role is missing"),
            ("classes", "k9,,,,,C,,scheduled,,S,,,,", "classes/k9", "terms is missing"),
            ("classes", "k9,,,A,,C,,scheduled,,S,Z,,,", "classes/k9", nowhere("terms", "academicSessions")),
            ("academicSessions", "z9,,,A,term,x,2027-01-01,,2027", "academicSessions/z9", "startDate cannot be used"),
            ("users", "u9,,,true,u,,A,B,,,,,,,,,,,,,,", "users/u9", "roles is missing"),
            ("roles", "r9,,,x,primary,aide,,,S,", "users/x", nowhere("user", "users")),
            ("roles", "r9,,,,primary,aide,,,S,", None, "userSourcedId is missing"),
            ("demographics", "x,,,,,,,,,,,,,,,", "demographics/x", nowhere("sourcedId", "users")),
            ("enrollments", "e1,,,K,S,s2,student,,,", "enrollments/e1", TWICE),
            ("orgs", "o\x009,,,A,school,1,", "orgs/o\x009", "holds a NUL character"),
        ],
        ids=["too few cells", "too many cells", "no id", "no such class", "no such user", "no role", "no terms",
             "no such term", "no date", "no roles", "role of nobody", "role without user", "demographics of nobody",
             "listed twice", "NUL"],
    )  # fmt: skip
    def test_are_named_by_file_and_line(self, bridge, file, row, subject, reason):
        path = bridge.write(changed(SMALL, **{file: [*SMALL[file], row]}))

        bad_rows = bridge.load(path).bad_rows

        assert reasons(bad_rows) == [(f"{file}.csv", len(SMALL[file]) + 2, subject, reason)]
        assert bridge.statuses("enrollments") == {"e1": "active", "e2": "active", "e3": "active"}

    def test_lines_are_those_of_the_file(self, bridge):
        rows = ['e2,,,K,S,s1,"stu\ndent",,,', "", 'e3,,,K,S,"s2\n\n",student,,,', "e9,,,K,S,x,student,,,"]

        bad_rows = bridge.load(bridge.write(changed(SMALL, enrollments=rows))).bad_rows

        assert [(one.line, one.subject) for one in bad_rows] == [(8, "enrollments/e9")]

    def test_keep_what_is_held_of_their_records(self, bridge):
        bridge.load(bridge.write())
        rows = [SMALL["enrollments"][0], "e2,,,K,S,s1,,,,"]

        imported = bridge.load(bridge.write(changed(SMALL, enrollments=rows)))

        assert [one.subject for one in imported.bad_rows] == ["enrollments/e2"]
        assert bridge.statuses("enrollments") == {"e1": "active", "e2": "active", "e3": "tobedeleted"}

    def test_leave_a_user_the_role_that_they_tried_to_change(self, bridge):
        bridge.load(bridge.write())
        rows = [SMALL["roles"][0], "r2,,,t1,secondary,counselor,,,NOWHERE,", *SMALL["roles"][2:]]

        bad_rows = bridge.load(bridge.write(changed(SMALL, roles=rows))).bad_rows

        assert reasons(bad_rows) == [("roles.csv", 3, "users/t1", nowhere("org", "orgs"))]
        assert [one["role"] for one in bridge.records("users")["t1"]["roles"]] == ["teacher", "aide"]

    def test_that_may_be_anybodys_end_nobody(self, bridge):
        bridge.load(bridge.write())

        planned = bridge.plan(bridge.write(changed(SMALL, enrollments=[",,,K,S,s1,student,,,"])))

        assert planned.preview.plan.removals == 0

    def test_hold_no_personal_data_in_their_reasons(self, bridge):
        path = bridge.write(changed(SMALL, users=["u9,,,true,secret-name,,Secret,Person,,,secret@example.org"]))

        assert not any("ecret" in one.reason for one in bridge.load(path).bad_rows)


class TestForms:
    """Files as real systems write them."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    def test_of_unicode_are_read(self, bridge, encoding):
        rows = ["D,,,Ødegård 高校,district,1,", SMALL["orgs"][1]]
        told = {"encoding": encoding} if encoding == "utf-16-le" else {}

        bridge.load(bridge.write(changed(SMALL, orgs=rows), encoding=encoding), **told)

        assert bridge.records("orgs")["D"]["name"] == "Ødegård 高校"

    def test_in_another_encoding_need_its_name(self, bridge):
        path = bridge.write(changed(SMALL, orgs=["D,,,Ødegård,district,1,", SMALL["orgs"][1]]), encoding="windows-1252")

        with pytest.raises(SourceRefused, match=r"orgs\.csv, behind line 1: is not UTF-8: .* --encoding windows-1252"):
            bridge.plan(path)
        bridge.load(path, encoding="windows-1252")
        assert bridge.records("orgs")["D"]["name"] == "Ødegård"

    def test_with_quotes_and_line_breaks_within_are_read(self, bridge):
        rows = ['D,,,"A ""B"", C\r\nD",district,1,', SMALL["orgs"][1]]

        bridge.load(bridge.write(changed(SMALL, orgs=rows)))

        assert bridge.records("orgs")["D"]["name"] == 'A "B", C\r\nD'

    def test_whose_quote_never_ends_are_refused_by_line(self, bridge):
        rows = ["D,,,District,district,1,", 'S,,,"School,school,2,D', *["x" * 1000] * 200]

        run = bridge.load(bridge.write(changed(SMALL, orgs=rows))).run

        assert (run.outcome, "orgs.csv, line 3: cannot be read as CSV" in run.message) == (Outcome.REFUSED, True)

    def test_with_columns_in_another_order_and_case_are_read(self, bridge):
        header = "NAME,type,sourcedid,Identifier,shoeSize,metadata.note"

        bridge.load(bridge.write({"orgs": ["A,school,X,1,42,hello"]}, headers={"orgs": header}))

        org = bridge.records("orgs")["X"]
        assert (org["name"], org["metadata"]) == ("A", {"note": "hello"})

    @pytest.mark.parametrize(
        ("header", "reason"),
        [
            ("sourcedId,name", "the header lacks type"),
            ("sourcedId,name,type,name", "a column is there twice: name"),
            ("", "is empty"),
        ],
        ids=["a column missing", "a column twice", "nothing"],
    )
    def test_without_a_good_header_are_refused(self, bridge, header, reason):
        path = write_zip(bridge.folder / "in.zip", {"orgs.csv": header.encode()})

        with pytest.raises(SourceRefused, match=rf"orgs\.csv.*{reason}"):
            bridge.plan(path)

    def test_with_the_header_of_1_2_0_are_read(self, bridge):
        users = [row.replace(",M1,Countess", ",M1,res-1,Countess") for row in SMALL["users"][:1]]

        bridge.load(bridge.write({"users": users, "roles": SMALL["roles"][:1]}, headers={"users": USERS_1_2_0}))

        assert bridge.records("users")["t1"]["preferredFirstName"] == "Countess"

    @pytest.mark.clause("OneRoster 1.1 CSV tables, users")
    @pytest.mark.parametrize("version", ["1.1", "1.0"])
    def test_of_older_versions_are_read(self, bridge, version):
        users = ['u1,,,true,"S,D",teacher,u,{Fed:7},Ada,Lovelace,,,ada@example.org,,,,,secret']
        lines = {"orgs": SMALL["orgs"], "users": users}

        bridge.load(bridge.write(lines, version="1.1", headers={"users": USERS_1_1}, manifest=version == "1.1"))

        user = bridge.records("users")["u1"]
        assert [(one["role"], one["org"]["sourcedId"]) for one in user["roles"]] == [("teacher", "S"), ("teacher", "D")]

    def test_never_leave_a_password(self, bridge):
        users = [SMALL["users"][1].replace(",09,,", ",09,hunter2,")]
        assert "hunter2" in users[0]

        bridge.load(bridge.write(changed(SMALL, users=users)))

        dump = "\n".join(bridge.wiring.mirror.db.conn.iterdump())
        assert "Anna" in dump
        assert "hunter2" not in dump


class TestManifest:
    """What a set says of itself."""

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("name,value\n", "the first line must be propertyName,value"),
            ("propertyName,value\nfile.orgs,full\n", "file.orgs must be absent, bulk or delta"),
            ("propertyName,value\noneroster.version,2.0\n", "oneroster.version"),
            ("propertyName,value\nfile.orgs,bulk\n", "not in the zip: orgs.csv"),
        ],
        ids=["header", "mode", "version", "missing file"],
    )
    def test_that_makes_no_sense_is_refused(self, bridge, text, reason):
        path = write_zip(bridge.folder / "in.zip", {"manifest.csv": text.encode()})

        with pytest.raises(SourceRefused, match=f"manifest.csv.*{reason}"):
            bridge.plan(path)

    def test_that_is_missing_needs_known_files(self, bridge):
        path = write_zip(bridge.folder / "in.zip", {"Student.csv": b"SIS ID\n1\n"})

        with pytest.raises(SourceRefused, match="holds no OneRoster files"):
            bridge.plan(path)

    def test_that_calls_a_file_absent_goes_before_the_file(self, bridge):
        bridge.load(bridge.write(modes={"demographics": "absent"}))

        assert bridge.records("demographics") == {}


class TestSources:
    """Whose word an import is."""

    def test_the_prefix_of_the_first_import_stays(self, bridge):
        bridge.load(bridge.write(), prefix="north-")
        bridge.load(bridge.write())

        assert set(bridge.statuses("classes")) == {"north-K"}
        assert bridge.records("enrollments")["north-e1"]["user"]["sourcedId"] == "north-t1"
        with pytest.raises(InvalidRequest, match="another prefix"):
            bridge.plan(bridge.write(), prefix="south-")

    def test_roles_are_kept_behind_a_prefix_too(self, bridge):
        bridge.load(bridge.write(), prefix="north-")

        bridge.load(bridge.write({"roles": [f"r2,tobedeleted,{STAMP},t1,secondary,aide,,,S,"]}, mode="delta"))

        assert [one["role"] for one in bridge.records("users")["north-t1"]["roles"]] == ["teacher"]

    def test_two_sources_do_not_take_each_others_records(self, bridge):
        bridge.load(bridge.write())

        imported = bridge.load(bridge.write(), source="other")

        assert all("taken by another source" in one.reason for one in imported.bad_rows)
        assert len(imported.bad_rows) == 14
        assert {one.file for one in imported.bad_rows} == {f"{name}.csv" for name in HEADERS if name != "roles"}

    @pytest.mark.parametrize("name", ["", "Upper", "a b"])
    def test_a_name_must_be_one(self, bridge, name):
        with pytest.raises(InvalidRequest, match="source: must be"):
            bridge.plan(bridge.write(), source=name)
