"""Load from wrk (Debian: ``apt-get install wrk``): requests drawn from a list, and what came of them.

Whatever is compared is measured in turns, because machines drift: reference, candidate, reference.
"""

import os
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

_SCRIPT = Path(__file__).parent / "load.lua"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that may be drawn.

    :param token: the access token; none for the static answers.
    :param etag: for ``If-None-Match``.
    :param credentials: a client's id and secret, instead of a token: she asks for one.
    """

    path: str
    token: str | None = None
    etag: str | None = None
    credentials: tuple[str, str] | None = None

    def line(self) -> str:
        if self.credentials is not None:
            return f"client:{b64encode(':'.join(self.credentials).encode()).decode()} {self.path}"
        return " ".join([self.token or "-", self.path, *([self.etag] if self.etag else [])])


class Load(msgspec.Struct):
    """What came of one run.

    :ivar p50: milliseconds.
    :ivar failed: answers that were no success, and connections that broke.
    """

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    failed: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def load(
    port: int,
    requests: Sequence[Asked],
    *,
    seconds: int,
    connections: int = 8,
    in_order: bool = False,
    encoding: str | None = None,
    rate: float | None = None,
) -> Load:
    """Load the server.

    :param rate: requests per second, about; without it as many as it answers.
    :param in_order: whether each connection takes the requests in turn, from a place of its own.
    :raises RuntimeError: if an answer was no success: what fails fast must not pass for fast.
    """
    threads = connections if in_order else min(2, connections)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"{each.line()}\n" for each in requests))
        listed.flush()
        environment = {**os.environ, "BENCH_REQUESTS": listed.name, "BENCH_IN_ORDER": "1" if in_order else "0"}
        if encoding:
            environment["BENCH_ACCEPT_ENCODING"] = encoding
        if rate is not None:
            environment["BENCH_PAUSE"] = str(1000 * connections / rate)
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(_SCRIPT)]
        printed = subprocess.run(
            [*command, f"http://127.0.0.1:{port}"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        ).stdout
    found = msgspec.json.decode(printed.splitlines()[-1], type=Load)
    if found.failed:
        raise RuntimeError(f"{found.failed} of {found.requests} requests failed: {requests[0].path}")
    return found


@dataclass(frozen=True, slots=True)
class Compared:
    """A candidate beside its reference: medians of the rounds.

    :param rate: the candidate's requests per second as a share of the reference's.
    :param p50: the candidate's median latency in multiples of the reference's.
    """

    rate: float
    p50: float
    candidate: Load


def compare(reference: Callable[[], Load], candidate: Callable[[], Load], *, rounds: int = 3) -> Compared:
    """Measure in turns: reference, candidate, reference, candidate and so on, beginning and ending in the reference."""
    references, candidates = [reference()], []
    for _ in range(rounds):
        candidates.append(candidate())
        references.append(reference())
    rates, p50s = [], []
    for index, found in enumerate(candidates):
        before, after = references[index], references[index + 1]
        rates.append(found.rate / ((before.rate + after.rate) / 2))
        p50s.append(found.p50 / ((before.p50 + after.p50) / 2))
    middle = sorted(candidates, key=lambda each: each.rate)[len(candidates) // 2]
    return Compared(median(rates), median(p50s), middle)


def as_headers(token: str) -> Mapping[str, str]:
    """The headers of one request with this token."""
    return {"Authorization": f"Bearer {token}"}
