"""``GET /api/events``: what has changed, for consumers who would rather be told than compare.

Events carry sourcedIds and kinds, never names. Nothing here tells a client that there are records that it may not see:
ids are keyed hashes, cursors are sealed and all of one length, and whether a cursor has expired depends on its age
alone. The interface is described in ``docs/events.md``.
"""

import struct
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify, request

from bridge.api.paging import asked_limit
from bridge.api.problems import problem
from bridge.auth.bearer import Grant, require
from bridge.clock import from_stamp, from_unix_ms, to_stamp, to_unix_ms
from bridge.errors import CursorExpired, InvalidRequest, RequestError
from bridge.mirror.outbox import Event, Outbox, Place
from bridge.oneroster.scopes import ONEROSTER_SCOPES, readable_collections
from bridge.seals import Seals

_CURSOR = struct.Struct(">16sQQ16s")  # epoch, event, as_of in milliseconds, mark of what the client may see


class EventsFeed:
    """Serves the feed.

    :param authenticate: turns the ``Authorization`` header into a grant, or raises.
    :param outbox: gives this thread's reader of the outbox.
    :param seals: gives what seals cursors and marks events.
    """

    def __init__(
        self,
        *,
        authenticate: Callable[[str | None], Grant],
        outbox: Callable[[], Outbox],
        seals: Callable[[], Seals],
    ) -> None:
        self._authenticate = authenticate
        self._outbox = outbox
        self._seals = seals

    def blueprint(self) -> Blueprint:
        """The route, and the shape of its errors."""
        blueprint = Blueprint("events", __name__)
        blueprint.add_url_rule("/api/events", "events", self.serve, methods=["GET"])
        blueprint.register_error_handler(RequestError, problem)
        return blueprint

    def serve(self) -> Response:
        """Answer one GET."""
        grant = self._authenticate(request.headers.get("Authorization"))
        require(grant, any_of=ONEROSTER_SCOPES)
        limit = asked_limit()
        outbox = self._outbox()
        place = self._place(outbox, grant, request.args.getlist("after"))
        batch = outbox.read(place.event, grant.visibility, readable_collections(grant.scopes), limit)
        response = jsonify(
            events=[event_json(event, outbox.epoch, self._seals()) for event in batch.events],
            next=self._cursor(outbox.epoch, batch.place, grant),
            more=batch.more,
        )
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Vary"] = "Authorization"
        return response

    def _place(self, outbox: Outbox, grant: Grant, after: list[str]) -> Place:
        match after:
            case []:
                return Place(0, outbox.latest().as_of)
            case ["latest"]:  # of somebody who wants to hear of what comes, not of what was
                return outbox.latest()
            case [cursor]:
                return self._read_cursor(outbox, cursor, grant)
            case _:
                raise InvalidRequest("after", "is repeated")

    def _cursor(self, epoch: str, place: Place, grant: Grant) -> str:
        as_of = to_unix_ms(from_stamp(place.as_of))
        plain = _CURSOR.pack(bytes.fromhex(epoch), place.event, as_of, self._mark(grant))
        return self._seals().seal(plain, _binding(grant))

    def _read_cursor(self, outbox: Outbox, cursor: str, grant: Grant) -> Place:
        try:
            epoch, event, as_of, seen = _CURSOR.unpack(self._seals().open(cursor, _binding(grant)))
        except (ValueError, struct.error) as error:
            raise InvalidRequest(
                "after", "is not a cursor of this client's; use 'next' of an earlier answer as it was given"
            ) from error
        if seen != self._mark(grant):
            raise CursorExpired(
                "what this client may see has changed since: take a new cursor with after=latest, then read the roster"
                " as a whole"
            )
        place = Place(event, to_stamp(from_unix_ms(as_of)))
        if epoch.hex() != outbox.epoch or event > outbox.latest().event or not outbox.is_kept(place):
            raise CursorExpired(
                "the events behind this cursor are not kept any more: take a new cursor with after=latest, then read"
                " the roster as a whole"
            )
        return place

    def _mark(self, grant: Grant) -> bytes:
        """What names the client's limits: events are told of what is seen now, and of what was seen before nothing."""
        return bytes.fromhex(self._seals().mark(f"sees {grant.visibility.key}"))


def event_json(event: Event, epoch: str, seals: Seals) -> Mapping[str, str]:
    """An event as it leaves the bridge; its id is the same wherever and however often it does."""
    return {
        "id": seals.mark(f"event {epoch} {event.number}"),
        "kind": event.kind,
        "collection": event.collection,
        "sourcedId": event.sourced_id,
        "dateLastModified": event.stamp,
    }


def _binding(grant: Grant) -> str:
    return f"events {grant.client_id}"
