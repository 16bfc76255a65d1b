"""A record as the practice SIS writes it: in 1.2 or 1.1, and in its manners."""

from typing import Any
from urllib.parse import quote

from bridge.clock import from_stamp
from bridge.practice.sis_manners import SisManners
from bridge.practice.sis_queries import FIELDS
from bridge.practice.sis_records import Record

_PATHS = {
    "org": "orgs",
    "academicSession": "academicSessions",
    "course": "courses",
    "class": "classes",
    "user": "users",
}
_FLAGS = {"true": True, "false": False}
_SINCE_1P2 = (
    "roles", "primaryOrg", "userProfiles", "userMasterIdentifier", "preferredFirstName", "preferredMiddleName",
    "preferredLastName", "pronouns", "resources",
)  # fmt: skip
_ROLES_1P1 = {
    "counselor": "aide",
    "districtAdministrator": "administrator",
    "principal": "administrator",
    "siteAdministrator": "administrator",
    "systemAdministrator": "administrator",
}


class Writer:
    """Writes the records of one answer.

    :param base: the absolute URL of the service, without a trailing slash.
    :param version: ``1.1`` or ``1.2``.
    """

    def __init__(self, base: str, version: str, manners: SisManners) -> None:
        self._base = base
        self._as_1p1 = version == "1.1" or manners.fields_1p1
        self._manners = manners

    def write(self, record: Record, collection: str) -> dict[str, Any]:
        """One record, with all its fields."""
        manners = self._manners
        written = dict(record)
        if collection == "users" and self._as_1p1:
            written = _user_1p1(written)
        written["status"] = self._status(record["status"])
        stamp = self._stamp(record["dateLastModified"])
        written |= {"dateLastModified": stamp}
        if stamp is None:
            del written["dateLastModified"]
        if manners.school_year_as_number and collection == "academicSessions":
            written["schoolYear"] = int(written["schoolYear"])
        if manners.nulls:
            written = dict.fromkeys(sorted(FIELDS[collection] - {"metadata"})) | written
        return {name: self._value(value) for name, value in written.items()} | dict(manners.also)

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(one) for one in value]
        if isinstance(value, dict):
            if value.keys() == {"sourcedId", "type"}:
                return self._reference(value)
            return {name: self._value(one) for name, one in value.items()}
        if self._manners.json_booleans and isinstance(value, str):
            return _FLAGS.get(value, value)
        return value

    def _reference(self, value: dict[str, str]) -> Any:
        path = f"{_PATHS[value['type']]}/{quote(value['sourcedId'], safe='')}"
        match self._manners.hrefs:
            case "absolute":
                return {"href": f"{self._base}/{path}", **value}
            case "relative":
                return {"href": f"/{path}", **value}
            case "absent":
                return value
            case "bare ids":
                return value["sourcedId"]

    def _status(self, status: str) -> str:
        return "inactive" if status == "tobedeleted" and self._manners.tombstones == "inactive" else status

    def _stamp(self, stamp: str) -> str | None:
        match self._manners.stamps:
            case "milliseconds":
                return stamp
            case "seconds":
                return f"{from_stamp(stamp):%Y-%m-%dT%H:%M:%SZ}"
            case "offset":
                return from_stamp(stamp).isoformat()
            case "blank":
                return ""
            case "absent":
                return None


def _user_1p1(user: dict[str, Any]) -> dict[str, Any]:
    """OneRoster 1.1, "User": one role, and the orgs to which the user belongs."""
    roles = user["roles"]
    main = next((one for one in roles if one["roleType"] == "primary"), roles[0])
    orgs = []
    for one in roles:
        if one["org"] not in orgs:
            orgs.append(one["org"])
    kept = {name: value for name, value in user.items() if name not in _SINCE_1P2}
    return kept | {"role": _ROLES_1P1.get(main["role"], main["role"]), "orgs": orgs}
