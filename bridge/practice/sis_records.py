"""The practice SIS's records, in memory, to be changed while they are being read.

A record is a OneRoster 1.2 object as JSON would hold it, except that a reference is ``{"sourcedId": …, "type": …}``:
its ``href`` is added when it is written. ``children`` are not kept but found from ``parent``. What is removed stays, as
``tobedeleted``; what is erased leaves no trace.
"""

from collections import defaultdict
from collections.abc import Mapping
from threading import Lock
from typing import Any

from bridge.clock import Clock, to_stamp, utc_now

Record = Mapping[str, Any]

COLLECTIONS: Mapping[str, str] = {
    "orgs": "org",
    "academicSessions": "academicSession",
    "courses": "course",
    "classes": "class",
    "users": "user",
    "enrollments": "enrollment",
    "demographics": "demographics",
}
"""The collections, and what one record of each is called."""

_NESTING = ("orgs", "academicSessions")


def reference(type_: str, sourced_id: str) -> dict[str, str]:
    """A reference to a record.

    :param type_: ``org``, ``academicSession``, ``course``, ``class`` or ``user``.
    """
    return {"sourcedId": sourced_id, "type": type_}


class SisRoster:
    """Everything that one SIS knows. Safe to read and change from several threads.

    Its methods raise ``KeyError`` for a record that does not exist.

    :param clock: where ``dateLastModified`` comes from.
    """

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._lock = Lock()
        self._records: dict[str, dict[str, Record]] = {collection: {} for collection in COLLECTIONS}
        self._listed: dict[str, dict[str, Record]] = {}  # the same in order, made when read, dropped when changed

    def records(self, collection: str) -> Mapping[str, Record]:
        """Every record by its sourcedId, in the order of these; never changed, but replaced by another."""
        with self._lock:
            return self._list(collection)

    def record(self, collection: str, sourced_id: str) -> Record:
        """One record."""
        return self.records(collection)[sourced_id]

    def add(self, collection: str, sourced_id: str, /, **fields: Any) -> None:
        """Add an active record.

        :param fields: by their names on the wire; ``status`` and ``dateLastModified`` may be among them.
        :raises ValueError: if there is one with this sourcedId.
        """
        with self._lock:
            if sourced_id in self._records[collection]:
                raise ValueError(f"there is a record with this sourcedId in {collection} already")
            self._put(collection, sourced_id, {"status": "active"} | fields)

    def change(self, collection: str, sourced_id: str, /, **changes: Any) -> None:
        """Change fields of a record; ``None`` takes one away."""
        with self._lock:
            record = dict(self._records[collection][sourced_id]) | {"dateLastModified": None} | changes
            self._put(collection, sourced_id, {name: value for name, value in record.items() if value is not None})

    def remove(self, collection: str, sourced_id: str) -> None:
        """Make a record a tombstone."""
        self.change(collection, sourced_id, status="tobedeleted")

    def erase(self, collection: str, sourced_id: str) -> None:
        """Take a record away without a trace."""
        with self._lock:
            del self._records[collection][sourced_id]
            self._listed.pop(collection, None)

    def enroll(self, user_id: str, class_id: str, role: str = "student", **fields: Any) -> str:
        """Put a user into a class, or put her there again.

        :returns: the enrollment's sourcedId, which is made of the three.
        """
        sourced_id = f"{class_id}.{user_id}.{role}"
        with self._lock:
            _ = self._records["users"][user_id]
            enrollment = {
                "status": "active",
                "user": reference("user", user_id),
                "class": reference("class", class_id),
                "school": self._records["classes"][class_id]["school"],
                "role": role,
            }
            self._put("enrollments", sourced_id, enrollment | fields)
        return sourced_id

    def drop(self, user_id: str, class_id: str) -> None:
        """Remove all active enrollments of a user in a class.

        :raises KeyError: if there are none.
        """
        found = [
            sourced_id
            for sourced_id, one in self.records("enrollments").items()
            if one["user"]["sourcedId"] == user_id
            and one["class"]["sourcedId"] == class_id
            and one["status"] == "active"
        ]
        if not found:
            raise KeyError(user_id)
        for sourced_id in found:
            self.remove("enrollments", sourced_id)

    def transfer(self, user_id: str, *, leaves: str, joins: str, role: str = "student") -> str:
        """Move a user from one class to another.

        :returns: the new enrollment's sourcedId.
        """
        self.drop(user_id, leaves)
        return self.enroll(user_id, joins, role)

    def leave(self, user_id: str) -> None:
        """Remove a user, her enrollments and her demographics."""
        self.remove("users", user_id)
        for sourced_id, one in self.records("enrollments").items():
            if one["user"]["sourcedId"] == user_id and one["status"] == "active":
                self.remove("enrollments", sourced_id)
        if user_id in self.records("demographics"):
            self.remove("demographics", user_id)

    def rename(self, user_id: str, *, given_name: str | None = None, family_name: str | None = None) -> None:
        """Give a user other names; ``None`` leaves one as it is."""
        names = {"givenName": given_name, "familyName": family_name}
        self.change("users", user_id, **{name: value for name, value in names.items() if value is not None})

    def _put(self, collection: str, sourced_id: str, fields: Mapping[str, Any]) -> None:
        stamp = fields.get("dateLastModified") or to_stamp(self._clock())
        self._records[collection][sourced_id] = (
            {"sourcedId": sourced_id, "status": None} | dict(fields) | {"dateLastModified": stamp}
        )
        self._listed.pop(collection, None)

    def _list(self, collection: str) -> dict[str, Record]:
        if collection not in self._listed:
            listed = dict(sorted(self._records[collection].items()))
            if collection in _NESTING:
                listed = _with_children(listed)
            self._listed[collection] = listed
        return self._listed[collection]


def _with_children(records: Mapping[str, Record]) -> dict[str, Record]:
    children: dict[str, list[Any]] = defaultdict(list)
    for sourced_id, record in records.items():
        if "parent" in record:
            parent = record["parent"]
            children[parent["sourcedId"]].append(reference(parent["type"], sourced_id))
    return {
        sourced_id: {**record, "children": children[sourced_id]} if sourced_id in children else record
        for sourced_id, record in records.items()
    }
