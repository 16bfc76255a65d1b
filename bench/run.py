"""``bench/run``, or ``python -m bench.run``: every figure, its target, and whether it is reached.

Needs ``wrk`` (Debian: ``apt-get install wrk``). Everything is on loopback, in a temporary folder, and ends by itself.
Figures are ratios taken in one run: machines differ, and drift, so that none is good to more than a sixth.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.applying import measured_applying
from bench.fill import Size, fill, size_of
from bench.load import Asked, compare, load
from bench.memberships import measured_memberships, size_with
from bench.memory import measured_memory_of_workers
from bench.pages import measured_pages
from bench.reconciling import measured_memory, measured_reconciling
from bench.rows import Row, missed, print_row
from bench.serving import free_port, rostering, serving


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--enrollments", type=int, default=1_000_000, help="size of the mirror (default a million)")
    parser.add_argument("--members", type=int, default=20_000, help="of the context that is reconciled")
    parser.add_argument("--seconds", type=int, default=1, help="of each load (default 1)")
    parser.add_argument("--minutes", type=float, default=1, help="of mixed load, for the workers' memory (default 1)")
    parser.add_argument("--rounds", type=int, default=1, help="of each comparison (default 1; figures are quoted of 3)")
    parser.add_argument("--classes", type=int, default=200, help="of a thousand members, told over NRPS (default 200)")
    parser.add_argument("--filled", type=Path, help="a folder that bench.fill made, of whatever size")
    sections = ["pages", "sizes", "memberships", "memory", "reconciling"]
    parser.add_argument("--only", choices=sections, help="these figures alone")
    parser.add_argument("--full", action="store_true", help="ten million enrollments, 100,000 members, an hour")
    options = parser.parse_args()
    if options.full:  # whatever is said beside it holds
        parser.set_defaults(enrollments=10_000_000, members=100_000, seconds=10, minutes=60)
        parser.set_defaults(rounds=3, classes=1_000)
        options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed: on Debian, apt-get install wrk")
    begun = time.monotonic()
    rows = []
    for row in _measured(options):
        print_row(row)
        rows.append(row)
    print(f"\n{len(missed(rows))} of {len(rows)} missed, in {time.monotonic() - begun:.0f} s")


def _measured(options: argparse.Namespace) -> Iterator[Row]:
    with TemporaryDirectory(prefix="bridge-bench-") as temporary:
        folder = Path(temporary)
        large = options.filled or folder / "large"
        size = Size(options.enrollments) if options.filled is None else size_of(large)
        _fill(folder, size, options)
        if options.only in (None, "pages"):
            yield from measured_pages(large, size, seconds=options.seconds, rounds=options.rounds)
        if options.only in (None, "memory"):
            yield from measured_memory_of_workers(large, size, minutes=options.minutes)
        if options.only in (None, "sizes"):
            yield from _sizes(folder, large, options.seconds, options.rounds)
        if options.only in (None, "memberships"):
            yield from measured_memberships(folder / "classes", seconds=options.seconds, rounds=options.rounds)
        if options.only in (None, "reconciling"):
            yield from measured_reconciling(options.members, free_port())
            yield measured_applying(options.members, free_port())
            yield from measured_memory(options.members // 2, free_port())


def _fill(folder: Path, large: Size, options: argparse.Namespace) -> None:
    """The mirrors that are needed, the large one beside the others."""
    sizes = {}
    if options.filled is None and options.only in (None, "pages", "memory", "sizes"):
        sizes["large"] = large
    if options.only in (None, "sizes"):
        sizes |= {"school": Size(20_000), "small": Size(100_000), "empty": Size(10)}
    if options.only in (None, "memberships"):
        sizes["classes"] = size_with(options.classes)
    with ProcessPoolExecutor(max_workers=2) as processes:
        for filled in [processes.submit(fill, folder / name, size) for name, size in sizes.items()]:
            filled.result()


def _sizes(folder: Path, large: Path, seconds: int, rounds: int) -> Iterator[Row]:
    """One school, a large mirror beside a small one, and how soon each is served."""
    school, small, empty = folder / "school", folder / "small", folder / "empty"
    path = "enrollments?limit=100"
    with serving(school, workers=2, bodies={}) as served:
        body = served.get(rostering(path), "north").content
    with serving(school, workers=2, bodies={"page": body}) as served:
        asked = [Asked(rostering(path), served.tokens[source]) for source in ("north", "south")]
        found = compare(
            lambda: load(served.port, [Asked("/static/page")], seconds=seconds),
            lambda: load(served.port, asked, seconds=seconds),
            rounds=rounds,
        )
        yield Row("a school of 20,000, first page, of static", found.rate, 0.6)
    with serving(large, workers=1, bodies={}) as one, serving(small, workers=1, bodies={}) as other:
        found = compare(
            lambda: load(other.port, [Asked(rostering(path), other.tokens[None])], seconds=seconds, connections=2),
            lambda: load(one.port, [Asked(rostering(path), one.tokens[None])], seconds=seconds, connections=2),
            rounds=rounds,
        )
        yield Row("first page of the large mirror against 100,000: p50", found.p50, 1.2, at_most=True)
    starts = {}
    for name, filled in (("large", large), ("empty", empty)):
        begun = time.monotonic()
        with serving(filled, workers=2, bodies={}):
            starts[name] = time.monotonic() - begun
    ratio = starts["large"] / starts["empty"]
    yield Row("start of serving the large mirror against an empty one", ratio, 3, at_most=True)


if __name__ == "__main__":
    main()
