"""``bench/run``, or ``python -m bench.run``: every figure, its target, and whether it is reached.

Needs ``wrk`` (Debian: ``apt-get install wrk``). Everything is on loopback, in a temporary folder, and ends by itself.
Figures are ratios taken in one run: machines differ, and drift, so that none is good to more than a sixth.
"""

import argparse
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.fill import Size, fill
from bench.load import Asked, compare, load
from bench.memberships import measured_memberships
from bench.pages import measured_pages
from bench.reconciling import measured_memory, measured_reconciling
from bench.rows import Row, missed, print_row
from bench.serving import rostering, serving


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--enrollments", type=int, default=1_000_000, help="size of the mirror (default a million)")
    parser.add_argument("--members", type=int, default=50_000, help="of the context that is reconciled")
    parser.add_argument("--seconds", type=int, default=2, help="of each load (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="of each comparison (default 3)")
    parser.add_argument("--filled", type=Path, help="a folder that bench.fill made of that size, to be used as it is")
    parser.add_argument("--only", choices=["pages", "sizes", "memberships", "reconciling"], help="these figures alone")
    parser.add_argument("--full", action="store_true", help="ten million enrollments, 100,000 members, longer loads")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: on Debian, apt-get install wrk")
    if options.full:
        options.enrollments, options.members, options.seconds = 10_000_000, 100_000, 10
    begun = time.monotonic()
    rows = []
    for row in _measured(options):
        print_row(row)
        rows.append(row)
    print(f"\n{len(missed(rows))} of {len(rows)} missed, in {time.monotonic() - begun:.0f} s")


def _measured(options: argparse.Namespace) -> Iterator[Row]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    with TemporaryDirectory(prefix="bridge-bench-") as temporary:
        folder = Path(temporary)
        if options.only in (None, "pages", "sizes"):
            size = Size(options.enrollments)
            large = options.filled or folder / "large"
            if options.filled is None:
                fill(large, size)
            if options.only != "sizes":
                yield from measured_pages(large, size, port=port, seconds=options.seconds, rounds=options.rounds)
            yield from _sizes(folder, large, port, options.seconds, options.rounds)
        if options.only in (None, "memberships"):
            classes = min(1_000, max(2, options.enrollments // 1_000))
            yield from measured_memberships(
                folder / "classes", classes, port=port, seconds=options.seconds, rounds=options.rounds
            )
        if options.only in (None, "reconciling"):
            yield from measured_reconciling(options.members, port)
            yield from measured_memory(options.members // 2, port)


def _sizes(folder: Path, large: Path, port: int, seconds: int, rounds: int) -> Iterator[Row]:
    """One school, a large mirror beside a small one, and how soon each is served."""
    school, small, empty = folder / "school", folder / "small", folder / "empty"
    fill(school, Size(20_000))
    fill(small, Size(100_000))
    fill(empty, Size(10))
    path = "enrollments?limit=100"
    with serving(school, port, workers=2, bodies={}) as served:
        body = served.get(rostering(path), "north").content
    with serving(school, port, workers=2, bodies={"page": body}) as served:
        asked = [Asked(rostering(path), served.tokens[source]) for source in ("north", "south")]
        found = compare(
            lambda: load(port, [Asked("/static/page")], seconds=seconds),
            lambda: load(port, asked, seconds=seconds),
            rounds=rounds,
        )
        yield Row("a school of 20,000, first page, of static", found.rate, 0.6)
    with serving(large, port, workers=1, bodies={}) as one, serving(small, port + 1, workers=1, bodies={}) as other:
        found = compare(
            lambda: load(port + 1, [Asked(rostering(path), other.tokens[None])], seconds=seconds, connections=2),
            lambda: load(port, [Asked(rostering(path), one.tokens[None])], seconds=seconds, connections=2),
            rounds=rounds,
        )
        yield Row("first page of the large mirror against 100,000: p50", found.p50, 1.2, at_most=True)
    starts = {}
    for name, filled in (("large", large), ("empty", empty)):
        begun = time.monotonic()
        with serving(filled, port, workers=2, bodies={}):
            starts[name] = time.monotonic() - begun
    ratio = starts["large"] / starts["empty"]
    yield Row("start of serving the large mirror against an empty one", ratio, 3, at_most=True)


if __name__ == "__main__":
    main()
