"""``python -m bench.costs DIR``: what requests cost inside one process, without a server and without load.

Processor time of each kind by itself, the least of some rounds, in microseconds and in multiples of a bare answer:
Flask's, without anything of the bridge, which stays the same from release to release. Kept as JSON (``--json FILE``),
the figures of one release can be held against those of the next (``--against FILE``) on the same machine.
"""

import argparse
import itertools
import json
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from werkzeug.test import Client, EnvironBuilder

from bench.fill import SOURCES, clients_of
from bench.pages import FILTER, FIRST
from bench.statics import BODIES, NOT_MODIFIED, app
from bridge import __version__
from bridge.roster.references import ROSTERING_PATH

_ROUNDS = 12
_REQUESTS = 150
_MANY = 10
"""Of ``limit=10000``, which takes as long as thirty others."""
_CLASSES = 2_000
"""Those that requests are drawn from, if the mirror has so many: landmarks are kept of fewer."""

Environ = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks: limited to one source, or not at all (``None``)."""

    tokens: Mapping[str | None, str]

    def asks(self, paths: Iterable[str], source: str | None, **headers: str) -> list[Environ]:
        authorization = {"Authorization": f"Bearer {self.tokens[source]}", **headers}
        return [_environ(f"{ROSTERING_PATH}/{path}", authorization) for path in paths]


def costs(folder: Path) -> dict[str, float]:
    """Microseconds of processor time by what was asked, of a mirror that :mod:`bench.fill` made."""
    os.environ["BRIDGE_CONFIG"] = str(folder / "bridge.toml")
    os.environ["BRIDGE_LOG_LEVEL"] = "info"
    with TemporaryDirectory(prefix="bridge-bench-") as bodies:
        os.environ[BODIES] = bodies
        first = app()
        caller = _Caller({client.source: _token(first, client) for client in clients_of(folder)})
        (page,) = caller.asks([FIRST], SOURCES[0])
        body, headers = _answer(first, page)
        (Path(bodies) / "page").write_bytes(body)
        served = app()
        kinds = _kinds(caller, first, tag=headers["ETag"], size=_total(first, caller))
        return _measured(served, kinds)


def _kinds(caller: _Caller, asked: Callable[..., Any], *, tag: str, size: int) -> dict[str, list[Environ]]:
    drawn = random.Random(7)
    one = SOURCES[0]
    classes = msgspec.json.decode(
        _answer(asked, caller.asks([f"classes?limit={_CLASSES}&fields=sourcedId"], one)[0])[0]
    )
    offsets = [drawn.randrange(size * 9 // 10) for _ in range(_REQUESTS)]
    return {
        "bare": [_environ("/bare/page")],
        "static": [_environ("/static/page")],
        "first page": caller.asks([FIRST], one),
        "random offsets": caller.asks([f"{FIRST}&offset={offset}" for offset in offsets], None),
        "fields": caller.asks([f"{FIRST}&fields=sourcedId,role,status"], one),
        "filter": caller.asks([f"{FIRST}&{FILTER}"], None),
        "sorted": caller.asks([f"{FIRST}&sort=sourcedId"], None),
        "students": caller.asks(["students?limit=100"], one),
        "students of classes": caller.asks(
            [f"classes/{each['sourcedId']}/students" for each in classes["classes"]], one
        ),
        "gzip": caller.asks([FIRST], one, **{"Accept-Encoding": "gzip"}),
        "not modified, static": [_environ(f"/static/{NOT_MODIFIED}")],
        "not modified": caller.asks([FIRST], one, **{"If-None-Match": tag}),
        "limit=10000": caller.asks(["enrollments?limit=10000"], None),
    }


def _measured(served: Callable[..., Any], kinds: Mapping[str, Sequence[Environ]]) -> dict[str, float]:
    """In turns, so that whatever else the machine does befalls all of them."""
    found = dict.fromkeys(kinds, float("inf"))
    for environs in kinds.values():
        for environ in environs:
            _answer(served, environ)
    drawn = {kind: itertools.cycle(environs) for kind, environs in kinds.items()}
    for _ in range(_ROUNDS):
        for kind, more in drawn.items():
            count = _MANY if kind == "limit=10000" else _REQUESTS
            began = time.process_time()
            for environ in itertools.islice(more, count):
                _answer(served, environ)
            found[kind] = min(found[kind], (time.process_time() - began) / count * 1e6)
    return found


def _environ(path: str, headers: Mapping[str, str] | None = None) -> Environ:
    path, _, query = path.partition("?")
    return EnvironBuilder(path=path, query_string=query, headers=list((headers or {}).items())).get_environ()


def _answer(served: Callable[..., Any], environ: Environ) -> tuple[bytes, Mapping[str, str]]:
    said: list[tuple[str, list[tuple[str, str]]]] = []
    body = b"".join(served(dict(environ), lambda status, headers, *_: said.append((status, headers))))
    ((status, headers),) = said
    if status[0] not in "23":
        raise RuntimeError(f"{environ['PATH_INFO']}: {status}")
    return body, dict(headers)


def _token(served: Callable[..., Any], client: Any) -> str:
    answer = Client(served).post(
        "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client.client_id, client.client_secret)
    )
    return str(answer.get_json()["access_token"])


def _total(served: Callable[..., Any], caller: _Caller) -> int:
    return int(_answer(served, caller.asks(["enrollments?limit=1"], None)[0])[1]["X-Total-Count"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that bench.fill has made")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="figures of another release, to hold these against"
    )
    options = parser.parse_args()
    before = json.loads(options.against.read_text(encoding="utf-8")) if options.against else None
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        found = costs(options.folder)  # a line is logged of each request
    print(f"bridge {__version__}" + (f", against {before['version']}" if before else ""))
    for kind, cost in found.items():
        multiple = cost / found["bare"]
        then = before["costs"][kind] / before["costs"]["bare"] if before and kind in before["costs"] else None
        more = "" if then is None else f"   was {then:6.1f}: {(multiple / then - 1) * 100:+.0f} %"
        print(f"{kind:22} {cost:8.0f} us {multiple:7.1f} times a bare answer{more}")
    if options.json:
        options.json.write_text(json.dumps({"version": __version__, "costs": found}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
