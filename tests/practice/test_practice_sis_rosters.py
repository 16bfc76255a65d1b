"""What the practice SIS knows: a made-up district, rosters from CSV, and how they change."""

import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from bridge.practice.sis_csv import read_csv
from bridge.practice.sis_districts import make_district
from bridge.practice.sis_records import COLLECTIONS, SisRoster, reference

FIXED = datetime(2026, 11, 20, 12, tzinfo=UTC)

NEWER = {
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "D,,,District,district,1,\nS,,,School,school,2,D\n",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    "Y,,,Year,schoolYear,2026-08-01,2027-07-01,,2027\nT,,,Term,term,2026-08-01,2027-01-01,Y,2027\n",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,"
    'subjectCodes\nC,,,Y,Course,C1,"09,10",S,Maths,\n',
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    'schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\nK,,,Class,09,C,1A,scheduled,,S,"Y,T",,,\n',
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,"
    "preferredFamilyName,primaryOrgSourcedId,pronouns\n"
    'U,,,true,u,"{LDAP:a},{LTI:b}",Ada,Lovelace,,,ada@example.org,,,,,secret,,Countess,,,S,\n',
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId\nR1,,,U,primary,teacher,2026-08-01,,S,\nR2,,,U,secondary,aide,,,D,\n",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate\nE,,,K,S,U,teacher,true,2026-08-01,\n",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex,asian,metadata.note\n"
    "U,,,1815-12-10,female,true,x\n",
}
OLDER_USERS = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,"
    'identifier,email,sms,phone,agentSourcedIds,grades,password\nU,,,true,"D,S",administrator,u,,Ada,Lovelace,,,,,,V,,\n'
)


def written(tmp_path, files):
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_district_is_the_same_in_every_run():
    first, second = (make_district(clock=lambda: FIXED) for _ in range(2))

    assert all(first.records(name) == second.records(name) for name in COLLECTIONS)


def test_references_of_a_district_lead_somewhere():
    roster = make_district()
    plural = {singular: name for name, singular in COLLECTIONS.items()}

    def references(value):
        if isinstance(value, dict) and value.keys() == {"sourcedId", "type"}:
            yield plural[value["type"]], value["sourcedId"]
        elif isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                yield from references(one)

    found = {one for name in COLLECTIONS for record in roster.records(name).values() for one in references(record)}

    assert {one for one in found if one[1] not in roster.records(one[0])} == set()
    assert {name for name, _ in found} == {"orgs", "academicSessions", "courses", "classes", "users"}


def test_guardians_and_children_are_each_others_agents():
    users = make_district().records("users")
    guardians = [user for user in users.values() if user["roles"][0]["role"] == "guardian"]

    assert len(guardians) == 40
    for guardian in guardians:
        (child,) = guardian["agents"]
        assert users[child["sourcedId"]]["agents"] == [reference("user", guardian["sourcedId"])]


def test_a_district_of_awkward_people_has_all_of_them():
    users = make_district(schools=1, students_per_school=200, awkward_every=1, guardian_every=0).records("users")

    assert len(users) == 205
    assert {"true", "false"} == {user["enabledUser"] for user in users.values()}
    assert {user["familyName"] for user in users.values()} >= {"", "steinhausen-" * 50}


def test_classes_larger_than_their_school_are_refused():
    with pytest.raises(ValueError, match="more than 60"):
        make_district(students_per_class=61)


def test_what_changes_is_stamped_and_what_does_not_is_not():
    now = FIXED
    roster = make_district(clock=lambda: now)
    student, other, *_ = roster.records("users")
    now += timedelta(minutes=1)

    roster.rename(student, given_name="New")

    assert roster.record("users", student)["givenName"] == "New"
    assert roster.record("users", student)["dateLastModified"] == "2026-11-20T12:01:00.000Z"
    assert roster.record("users", other)["dateLastModified"] == "2026-11-20T12:00:00.000Z"


def test_a_transfer_leaves_a_tombstone_and_makes_an_enrollment():
    roster = make_district()
    old, one = next(
        (sourced_id, one)
        for sourced_id, one in roster.records("enrollments").items()
        if one["class"]["sourcedId"] == "school-1-class-1" and one["role"] == "student"
    )
    user = one["user"]["sourcedId"]

    new = roster.transfer(user, leaves="school-1-class-1", joins="school-1-class-6")

    assert roster.record("enrollments", old)["status"] == "tobedeleted"
    assert roster.record("enrollments", new)["class"] == reference("class", "school-1-class-6")
    roster.enroll(user, "school-1-class-1")
    assert roster.record("enrollments", old)["status"] == "active"


def test_leaving_removes_everything_about_a_person():
    roster = make_district()
    user = next(iter(roster.records("demographics")))

    roster.leave(user)

    gone = [record for name in ("users", "demographics") for record in [roster.record(name, user)]]
    gone += [one for one in roster.records("enrollments").values() if one["user"]["sourcedId"] == user]
    assert len(gone) > 2
    assert {record["status"] for record in gone} == {"tobedeleted"}


def test_what_is_erased_leaves_no_trace():
    roster = make_district()

    roster.erase("courses", "school-1-course-1")

    with pytest.raises(KeyError):
        roster.record("courses", "school-1-course-1")


@pytest.mark.parametrize(
    "change",
    [
        lambda roster: roster.enroll("nobody", "school-1-class-1"),
        lambda roster: roster.drop("nobody", "school-1-class-1"),
        lambda roster: roster.rename("nobody", given_name="A"),
        lambda roster: roster.remove("orgs", "nowhere"),
        lambda roster: roster.erase("orgs", "nowhere"),
    ],
    ids=["enroll", "drop", "rename", "remove", "erase"],
)
def test_changing_what_is_not_there_is_an_error(change):
    with pytest.raises(KeyError):
        change(make_district())


def test_a_sourced_id_is_used_once():
    roster = SisRoster()
    roster.add("orgs", "A", name="A")

    with pytest.raises(ValueError, match="orgs already"):
        roster.add("orgs", "A", name="B")


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_set_of_the_newer_csv_is_read(tmp_path, packed):
    path = written(tmp_path, NEWER)
    if packed:
        path = tmp_path / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in tmp_path.glob("*.csv"):
                archive.write(file, file.name)

    roster = read_csv(path, lambda: FIXED)

    assert {name: len(roster.records(name)) for name in COLLECTIONS} == {
        "orgs": 2, "academicSessions": 2, "courses": 1, "classes": 1, "users": 1, "enrollments": 1, "demographics": 1,
    }  # fmt: skip
    assert roster.record("orgs", "D")["children"] == [reference("org", "S")]
    assert roster.record("courses", "C")["grades"] == ["09", "10"]
    assert roster.record("classes", "K")["terms"] == [reference("academicSession", one) for one in ("Y", "T")]
    assert roster.record("demographics", "U")["metadata"] == {"note": "x"}
    assert roster.record("users", "U") == {
        "sourcedId": "U",
        "status": "active",
        "dateLastModified": "2026-11-20T12:00:00.000Z",
        "enabledUser": "true",
        "username": "u",
        "userIds": [{"type": "LDAP", "identifier": "a"}, {"type": "LTI", "identifier": "b"}],
        "givenName": "Ada",
        "familyName": "Lovelace",
        "email": "ada@example.org",
        "preferredFirstName": "Countess",
        "primaryOrg": reference("org", "S"),
        "roles": [
            {"roleType": "primary", "role": "teacher", "org": reference("org", "S"), "beginDate": "2026-08-01"},
            {"roleType": "secondary", "role": "aide", "org": reference("org", "D")},
        ],
    }


def test_a_set_of_the_older_csv_is_read(tmp_path):
    files = {name: text for name, text in NEWER.items() if name != "roles"}

    user = read_csv(written(tmp_path, files | {"users": OLDER_USERS})).record("users", "U")

    assert [(one["role"], one["org"]["sourcedId"]) for one in user["roles"]] == [
        ("siteAdministrator", "D"),
        ("siteAdministrator", "S"),
    ]
    assert user["agents"] == [reference("user", "V")]


def test_a_folder_without_users_is_no_set(tmp_path):
    with pytest.raises(FileNotFoundError, match="users"):
        read_csv(tmp_path)
