"""Sets of OneRoster CSV files as a vendor would write them: by hand, and not by the code that is tested."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

FIRST = "sourcedId,status,dateLastModified,"
HEADERS = {
    "orgs": FIRST + "name,type,identifier,parentSourcedId",
    "academicSessions": FIRST + "title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": FIRST + "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
    "classes": FIRST
    + "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,"
    "periods",
    "users": FIRST
    + "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,"
    "password,userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,"
    "pronouns",
    "roles": FIRST + "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
    "enrollments": FIRST + "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
    "demographics": FIRST
    + "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,"
    "white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,"
    "cityOfBirth,publicSchoolResidenceStatus",
}
"""The headers of CSV Binding 1.2, that of users as in 1.2.1."""
USERS_1_2_0 = HEADERS["users"].replace("userMasterIdentifier,", "userMasterIdentifier,resourceSourcedIds,")
USERS_1_1 = (
    FIRST
    + "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
    "agentSourcedIds,grades,password"
)

Lines = Mapping[str, Sequence[str]]

SMALL: Lines = {
    "orgs": ["D,,,District,district,1,", "S,,,School,school,2,D"],
    "academicSessions": [
        "Y,,,Year,schoolYear,2026-08-01,2027-07-01,,2027",
        "T,,,Term,term,2026-08-01,2027-01-01,Y,2027",
    ],
    "courses": ['C,,,Y,Course,C1,"09,10",S,Maths,M1'],
    "classes": ['K,,,Class,09,C,1A,scheduled,Room 1,S,"Y,T",Maths,M1,"1,2"'],
    "users": [
        't1,,,true,teach,"{LDAP:a},{LTI:b:c}",Ada,Lovelace,,T-1,ada@example.org,,+47 1,,,,M1,Countess,,,S,she',
        "s1,,,true,anna,,Anna,Berg,Maria,,anna@example.org,,,g1,09,,,,,,,",
        "s2,,,true,bo,,Bo,O'Neil,,,bo@example.org,,,,09,,,,,,,",
        "g1,,,false,gerd,,Gerd,Berg,,,gerd@example.org,,,s1,,,,,,,,",
    ],
    "roles": [
        "r1,,,t1,primary,teacher,2026-08-01,,S,",
        "r2,,,t1,secondary,aide,,,S,",
        "r3,,,s1,primary,student,,,S,",
        "r4,,,s2,primary,student,,,S,",
        "r5,,,g1,primary,guardian,,,S,",
    ],
    "enrollments": [
        "e1,,,K,S,t1,teacher,true,2026-08-01,",
        "e2,,,K,S,s1,student,,,",
        "e3,,,K,S,s2,student,,,",
    ],
    "demographics": ["s1,,,2011-02-03,female,false,true,false,false,false,false,false,NO,,Oslo,"],
}
"""Nine files' worth of rows, each record referring to others in every way that there is."""


def write_set(
    path: Path,
    lines: Lines = SMALL,
    *,
    modes: Mapping[str, str] | None = None,
    mode: str = "bulk",
    version: str = "1.2",
    headers: Mapping[str, str] | None = None,
    manifest: bool = True,
    encoding: str = "utf-8",
) -> Path:
    """Write a zip.

    :param modes: of files, in the manifest, where they are not ``mode``.
    """
    texts = {name: "\n".join([(HEADERS | (headers or {}))[name], *rows]) for name, rows in lines.items()}
    if manifest:
        said = dict.fromkeys(lines, mode) | dict(modes or {})
        texts["manifest"] = "\n".join(
            ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
            + [f"file.{name},{value}" for name, value in said.items()]
        )
    return write_zip(path, {f"{name}.csv": (text + "\n").encode(encoding) for name, text in texts.items()})


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read_set(path: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of every file of a zip."""
    with zipfile.ZipFile(path) as archive:
        return {
            name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))
            for name in archive.namelist()
        }


def changed(lines: Lines, **files: Sequence[str] | None) -> dict[str, Sequence[str]]:
    """A set with other rows in some files; ``None`` leaves one out."""
    return {name: rows for name, rows in (dict(lines) | files).items() if rows is not None}
