"""Figures of the OneRoster provider under load, on a filled mirror of two sources.

Loads are drawn from lists of requests of two clients, each limited to one of the sources, or of one that sees both
where it says so; what is compared is measured in turns.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import requests

from bench.fill import CHANGED_LAST, SOURCES, Size
from bench.load import Asked, Load, compare, load
from bench.rows import Row
from bench.serving import Served, rostering, serving
from bench.statics import NOT_MODIFIED
from bridge import storage
from bridge.clock import utc_now
from bridge.mirror.documents import Documents
from bridge.mirror.mirror import Mirror
from bridge.mirror.writes import next_changed, stamp
from bridge.roster.identity import SourcedId
from bridge.roster.model import ENROLLMENTS
from bridge.roster.ports import Derived

FILTER = f"filter={quote(chr(39).join(['role=', 'student', ' AND status=', 'active', '']))}"
_ACTIVE = f"filter={quote(chr(39).join(['status=', 'active', '']))}"
FIRST = "enrollments?limit=100"
_JUMPS = 12
"""Two for each of two workers, and some for chance."""
_SORTS = {
    "enrollments": (
        *("sourcedId", "dateLastModified", "status", "role", "beginDate", "endDate"),
        *("user.sourcedId", "class.sourcedId", "school.sourcedId"),
    ),
    "users": ("familyName", "givenName", "email", "username", "identifier"),
    "classes": ("title",),
}


@dataclass(frozen=True, slots=True)
class Bench:
    """A running server and how long to load it.

    :param bodies: the static answers.
    """

    served: Served
    size: Size
    seconds: int
    rounds: int

    def asked(self, paths: Sequence[str], sources: Sequence[str | None] = SOURCES) -> list[Asked]:
        return [Asked(rostering(path), self.served.tokens[source]) for path in paths for source in sources]

    def deep(self, path: str, below: int, sources: Sequence[str | None] = (None,)) -> list[Asked]:
        """The path at random offsets, when the workers have found their way there.

        That takes two jumps of each, which on ten million may take longer than a query is allowed to.
        """
        for source in sources:
            for _ in range(_JUMPS):
                with suppress(requests.HTTPError):
                    self.served.get(rostering(f"{path}&offset={below}"), source)
        return self.asked(offsets(below, path), sources)

    def load(self, asked: Sequence[Asked], **how: Any) -> Load:
        return load(self.served.port, asked, seconds=self.seconds, **how)

    def static(self, name: str, **how: Any) -> Load:
        return self.load([Asked(f"/static/{name}")], **how)

    def rate(self, reference: Callable[[], Load], candidate: Callable[[], Load]) -> tuple[float, Load]:
        """The candidate's requests per second as a share of the reference's."""
        found = compare(reference, candidate, rounds=self.rounds)
        return found.rate, found.candidate

    def p50(self, reference: Callable[[], Load], candidate: Callable[[], Load]) -> tuple[float, Load]:
        """The candidate's median latency in multiples of the reference's."""
        found = compare(reference, candidate, rounds=self.rounds)
        return found.p50, found.candidate


def measured_pages(folder: Path, size: Size, *, seconds: int, rounds: int) -> Iterator[Row]:
    """Every figure of the provider."""
    with serving(folder, workers=2, bodies={}) as served:
        bodies, class_ids = _bodies(served, size)
    with serving(folder, workers=2, bodies=bodies) as served:
        bench = Bench(served, size, seconds, rounds)
        yield from _pages(bench)
        yield from _crawls(bench)
        yield from _sorts(bench)
        yield from _others(bench, class_ids)
        yield from _while_writing(bench, folder)


def _bodies(served: Served, size: Size) -> tuple[Mapping[str, bytes], list[str]]:
    classes = msgspec.json.decode(served.get(rostering("classes?limit=1000&fields=sourcedId"), SOURCES[0]).content)
    class_ids = [each["sourcedId"] for each in classes["classes"]]
    paths = {
        "page": FIRST,
        "students": "students?limit=100",
        "members": f"classes/{class_ids[0]}/students",
        "many": "enrollments?limit=10000",
    }
    return {name: served.get(rostering(path), SOURCES[0]).content for name, path in paths.items()}, class_ids


def _pages(bench: Bench) -> Iterator[Row]:
    first = bench.asked([FIRST])
    ratio, found = bench.rate(lambda: bench.load([Asked("/bare/page")]), lambda: bench.static("page"))
    yield Row("static with the hooks, against static without", ratio, 0.75, note=f"{found.rate:.0f}/s")
    ratio, found = bench.rate(lambda: bench.static("page"), lambda: bench.load(first))
    yield Row("GET /enrollments?limit=100, of static", ratio, 0.6, note=f"{found.rate:.0f}/s, p50 {found.p50:.1f} ms")
    everything = bench.asked([FIRST], [None])
    deep = bench.deep(FIRST, bench.size.enrollments * 9 // 10)
    deep += bench.deep(FIRST, bench.size.enrollments * 9 // 20, SOURCES)
    both = [*first, *everything, *everything]
    ratio, found = bench.rate(lambda: bench.load(both), lambda: bench.load(deep))
    yield Row("the same at random offsets, of offset 0", ratio, 0.85, note=f"p50 {found.p50:.1f} ms")
    ratio, found = bench.rate(lambda: bench.load(first), lambda: bench.load(first, encoding="gzip"))
    yield Row("with gzip, of the same without", ratio, None, note=f"{found.bytes / found.requests:.0f} bytes a page")
    selected = bench.asked([f"{FIRST}&fields=sourcedId,role,status"])
    ratio, _ = bench.rate(lambda: bench.load(first), lambda: bench.load(selected))
    yield Row("fields=sourcedId,role,status, of the full page", ratio, 0.7)


def _crawls(bench: Bench) -> Iterator[Row]:
    filtered = f"{FIRST}&{FILTER}"
    matching = bench.size.enrollments * 9 // 10
    first = bench.asked([filtered], [None])
    bench.deep(filtered, matching * 8 // 10)
    links = list(_linked(bench.served, f"{filtered}&offset={matching // 2}", 120))
    ratio, _ = bench.rate(
        lambda: bench.load(first), lambda: bench.load([Asked(path, bench.served.tokens[None]) for path in links])
    )
    yield Row("filtered crawl by Link, deep in it, of its first page", ratio, 0.9)
    counted = [f"{filtered}&offset={offset}" for offset in range(matching // 2, matching * 8 // 10, 100)]
    ratio, _ = bench.rate(lambda: bench.load(first), lambda: bench.load(bench.asked(counted, [None]), in_order=True))
    yield Row("filtered crawl by counted offsets, deep in it, of its first page", ratio, 0.9)
    for source, name in ((None, "both sources"), (SOURCES[0], "one source")):
        found = bench.load(bench.deep(filtered, matching if source is None else matching // 2, [source]))
        yield Row(f"the same filter at random offsets, {name}: p50", found.p50, 100, at_most=True, unit=" ms")
    many = [f"enrollments?limit=10000&offset={offset}" for offset in range(0, bench.size.enrollments, 10_000)]
    ratio, found = bench.rate(
        lambda: bench.static("many", connections=1),
        lambda: bench.load(bench.asked(many, [None]), connections=1, in_order=True),
    )
    yield Row("crawl by limit=10000, time against the same bytes from static", 1 / ratio, 2, at_most=True)


def _sorts(bench: Bench) -> Iterator[Row]:
    for collection, fields in _SORTS.items():
        worst_first, worst_deep = (0.0, ""), (0.0, "")
        count = {"enrollments": bench.size.enrollments, "users": bench.size.people}.get(collection, bench.size.classes)
        for field in fields:
            path = f"{collection}?limit=100&sort={field}"
            found = compare(
                lambda path=path: bench.load(bench.asked([path.partition("&")[0]])),  # type: ignore[misc]
                lambda path=path: bench.load(bench.asked([path])),  # type: ignore[misc]
                rounds=1,
            )
            worst_first = max(worst_first, (found.p50, field))
            deep = bench.load(bench.deep(path, count * 9 // 10))
            worst_deep = max(worst_deep, (deep.p50, field))
        yield Row(
            f"{collection} sorted, first page: p50 against unsorted",
            worst_first[0],
            3,
            at_most=True,
            note=f"worst: {worst_first[1]}",
        )
        yield Row(
            f"{collection} sorted, random offsets: p50",
            worst_deep[0],
            100,
            at_most=True,
            unit=" ms",
            note=f"worst: {worst_deep[1]}",
        )


def _others(bench: Bench, class_ids: Sequence[str]) -> Iterator[Row]:
    ratio, _ = bench.rate(lambda: bench.static("students"), lambda: bench.load(bench.asked(["students?limit=100"])))
    yield Row("GET /students?limit=100, of static", ratio, 0.5)
    members = bench.asked([f"classes/{class_id}/students" for class_id in class_ids], [SOURCES[0]])
    ratio, _ = bench.rate(lambda: bench.static("members"), lambda: bench.load(members))
    yield Row("GET /classes/{id}/students, of static", ratio, 0.5)
    known = [
        Asked(rostering(FIRST), bench.served.tokens[source], bench.served.get(rostering(FIRST), source).headers["ETag"])
        for source in SOURCES
    ]
    ratio, _ = bench.rate(lambda: bench.static(NOT_MODIFIED), lambda: bench.load(known))
    yield Row("If-None-Match on an unchanged collection, of a bare 304", ratio, 0.75)
    # Not of the last write: others have written to a mirror that was measured before. It may have been to the same few
    # records, and then many more were changed with the last of these.
    latest = f"enrollments?limit={CHANGED_LAST}&fields=dateLastModified&sort=dateLastModified&orderBy=desc"
    first_of_them = bench.served.get(rostering(latest), SOURCES[0]).json()["enrollments"][-1]
    since = quote(f"dateLastModified>='{first_of_them['dateLastModified']}'")
    found = bench.served.get(rostering(f"{FIRST}&filter={since}"), SOURCES[0]).headers["X-Total-Count"]
    changed = bench.asked([f"{FIRST}&filter={since}"], [SOURCES[0]])
    ratio, _ = bench.p50(lambda: bench.load(bench.asked([FIRST], [SOURCES[0]])), lambda: bench.load(changed))
    yield Row(f"what has changed since ({found} records): p50 against the first page", ratio, 2, at_most=True)


def _while_writing(bench: Bench, folder: Path) -> Iterator[Row]:
    deep = bench.deep(FIRST, bench.size.enrollments * 9 // 10)
    deep += bench.deep(f"{FIRST}&{FILTER}", bench.size.enrollments * 8 // 10)
    for name, asked in (
        ("status='active'", bench.asked([f"{FIRST}&{_ACTIVE}"])),
        ("random offsets, also filtered,", deep),
    ):

        def busy(asked: Sequence[Asked] = asked) -> Load:
            with writes(folder):
                return bench.load(asked)

        ratio, found = bench.p50(lambda asked=asked: bench.load(asked), busy)  # type: ignore[misc]
        note = f"{found.p50:.1f} ms"
        yield Row(f"{name} while a write commits every second: p50 against idle", ratio, 1.5, at_most=True, note=note)


@contextmanager
def writes(folder: Path) -> Iterator[None]:
    """A small write every second, as a reconciliation that finds one change makes it."""
    ended = threading.Event()

    def write() -> None:
        mirror = Mirror.open(folder / "mirror.sqlite")
        source = mirror.source_ids()[SOURCES[0]]
        (text,) = mirror.db.execute("SELECT document FROM enrollments WHERE source = ? LIMIT 1", (source,)).fetchone()
        body = msgspec.json.decode(text)
        days = 0
        while not ended.wait(1):
            days += 1
            with storage.write(mirror.db):
                changed = next_changed(mirror.db)
                documents = Documents(mirror.db, source, changed)
                body["endDate"] = f"2027-0{1 + days % 9}-01"
                documents.put([Derived(ENROLLMENTS.name, SourcedId(body["sourcedId"]), body)])
                documents.finish()
                stamp(mirror.db, changed, None, utc_now)
        mirror.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def offsets(below: int, path: str) -> list[str]:
    """The path at two thousand random offsets."""
    drawn = random.Random(7)
    return [f"{path}&offset={drawn.randrange(below)}" for _ in range(2_000)]


def _linked(served: Served, path: str, pages: int) -> Iterator[str]:
    """Paths of pages, each as the page before links to it: so many, or as many as there are."""
    answer = served.get(rostering(path))
    for _ in range(pages):
        if "next" not in answer.links:
            return
        following = "/" + answer.links["next"]["url"].split("/", 3)[3]
        yield following
        answer = served.get(following)
