"""The bodies of requests, read before anything else is done: whole, not compressed, and not too many slow ones at once.

A server hands over a body as it arrives, and the thread that reads it waits for whoever sends. No WSGI server lets the
application say for how long. So senders of bodies share half of the places, and one address has at most a quarter:
however slowly they send, the other half answers what has no body.

The body of a request that is about to be refused, by rate or because it is compressed, is read as well: a server closes
the connection on whoever still sends, and the refusal is lost. What is longer than anybody accepts is not read.
"""

import io
from contextlib import ExitStack

from flask import g, request
from werkzeug.exceptions import UnsupportedMediaType

from bridge.auth.at_once import AtOnce
from bridge.errors import Busy, InvalidRequest

_ALL = ""
_WAIT = 5
_PIECE = 64 * 1024


class RequestBodies:
    """Reads the bodies of one process's requests.

    :param places: how many requests the process has in hand at the same time.
    :param longest: bytes; what is longer is left to whoever refuses it.
    """

    def __init__(self, places: int, longest: int) -> None:
        self._longest = longest
        self._of_all = AtOnce(max(1, places // 2))
        self._of_each = AtOnce(max(1, places // 4))

    def read(self, address: str) -> None:
        """Read the body of the request in hand, so that whoever asks for it finds it there.

        While it is being read, ``g.reading_body`` is true: what a server raises then is the sender's fault.

        :param address: the sender's.
        :raises UnsupportedMediaType: if it is compressed: nobody here would decompress it.
        :raises Busy: if too many are being read.
        :raises InvalidRequest: if it is cut.
        """
        environ = request.environ
        if environ.get("CONTENT_LENGTH", "") in ("", "0") and "HTTP_TRANSFER_ENCODING" not in environ:
            return  # it has none
        coding = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
        if coding not in ("", "chunked"):
            raise UnsupportedMediaType("of transfer codings, chunked alone is understood")
        stated = None if coding else request.content_length
        if coding or 0 < (stated or 0) <= self._longest:
            self._take_in(address, stated)
        if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
            raise UnsupportedMediaType("send the body as it is, without Content-Encoding")

    def _take_in(self, address: str, stated: int | None) -> None:
        environ = request.environ
        with ExitStack() as places:
            try:
                places.enter_context(self._of_all.one_more(_ALL))
                places.enter_context(self._of_each.one_more(address))
            except Busy as busy:
                raise Busy("too many requests are being sent slowly: try again", _WAIT) from busy
            g.reading_body = True
            body = self._all_of_it(stated)
            g.reading_body = False
        if stated is not None and len(body) < stated:
            raise InvalidRequest("body", "ends before its Content-Length")
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)

    def _all_of_it(self, stated: int | None) -> bytes:
        """As far as it is stated, or one byte beyond what is accepted."""
        left = self._longest + 1 if stated is None else stated
        source, body = request.environ["wsgi.input"], io.BytesIO()
        while left and (piece := source.read(min(left, _PIECE))):
            body.write(piece)
            left -= len(piece)
        return body.getvalue()
