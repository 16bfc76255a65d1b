"""``python -m bench.static_lms MEMBERS PAGE``: one roster as the bytes of its pages, answered by a process of its own.

What reconciling costs is held against what nobody can do without: getting these bytes and parsing them. So whoever
sends them must cost neither of both anything: it makes them once, and its processor time is its own.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, MEMBERSHIP_CONTAINER
from bridge.practice.members import Style
from bridge.practice.rosters import make_roster

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class StaticLms:
    """A running one.

    :param context_id: of its one context.
    """

    url: str
    context_id: str

    @property
    def memberships_url(self) -> str:
        return f"{self.url}/members"

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"


@contextmanager
def static_lms(members: int, page: int) -> Iterator[StaticLms]:
    """Start one, and end it.

    :param page: members on a page.
    """
    command = [sys.executable, "-m", "bench.static_lms", str(members), str(page)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            url, context_id = child.stdout.readline().split()
            yield StaticLms(url, context_id)
        finally:
            child.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps connections open, as LMSs do
    disable_nagle_algorithm = True
    wbufsize = -1
    pages: Sequence[bytes] = ()

    def do_GET(self) -> None:
        number = int(urlsplit(self.path).query.removeprefix("page=") or 1)
        following = f"<{self.server_url}/members?page={number + 1}>; rel=next" if number < len(self.pages) else None
        self._answer(self.pages[number - 1], MEMBERSHIP_CONTAINER, following)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        token = f'{{"access_token":"t","token_type":"Bearer","expires_in":3600,"scope":"{CONTEXT_MEMBERSHIP_SCOPE}"}}'
        self._answer(token.encode(), "application/json", None)

    @property
    def server_url(self) -> str:
        assert isinstance(self.server, ThreadingHTTPServer)
        return f"http://{_HOST}:{self.server.server_port}"

    def _answer(self, body: bytes, content_type: str, following: str | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if following is not None:
            self.send_header("Link", following)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _pages(members: int, page: int) -> tuple[str, list[bytes]]:
    roster = make_roster(courses=1, members_per_course=members, people=members)
    (course,) = roster.courses()
    texts = [member.to_json(Style()) for member in roster.members(course.context_id)]
    head = b'{"id":"m","context":{"id":"%s"},"members":[' % course.context_id.encode()
    return course.context_id, [head + b",".join(texts[at : at + page]) + b"]}" for at in range(0, len(texts), page)]


def main(members: int, page: int) -> None:
    context_id, _Handler.pages = _pages(members, page)
    with ThreadingHTTPServer((_HOST, 0), _Handler) as server:
        print(f"http://{_HOST}:{server.server_address[1]}", context_id, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
