"""The ``Link`` header, read as RFC 8288 section 3 and appendix B.2 say, and more patiently.

Platforms use all of the grammar's freedom: several links in one line, several lines, commas and semicolons inside a
URL, parameters in any order and case, values without quotes, several relation types in one ``rel``. Targets are opaque:
they come out as they were written, except that a relative one is resolved.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

_MORE = re.compile(r"[^\s,]")
_PARAMETER = re.compile(
    r"""\s*;\s*(?P<name>[^\s=;,"]*)\s*
        (?: = \s* (?: "(?P<quoted>(?:[^"\\]|\\.)*)"? | (?P<token>[^\s;,"]*) ) )?""",
    re.VERBOSE,
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a header.

    :param target: an absolute URL.
    :param rels: its relation types, lower-case.
    :param params: all its parameters, ``rel`` included, by lower-case name; of repeated ones the first.
    """

    target: str
    rels: frozenset[str]
    params: Mapping[str, str]


def parse_links(header_values: Iterable[str], base_url: str) -> list[Link]:
    """Read the lines of a ``Link`` header.

    What cannot be read is left out; nothing is raised.

    :param base_url: the URL that was asked, to resolve relative targets.

    >>> [link.target for link in parse_links(['<?after=A;B,C>; REL=Next'], "https://lms.example.org/members?limit=2")]
    ['https://lms.example.org/members?after=A;B,C']
    """
    return [link for value in header_values for link in _links_in(value, base_url)]


def find_link(links: Iterable[Link], rel: str) -> Link | None:
    """The first link with a relation type."""
    return next((link for link in links if rel.lower() in link.rels), None)


def _links_in(value: str, base_url: str) -> Iterator[Link]:
    position = 0
    # Nothing is looked at twice: the time is linear in what a platform sends.
    while position < len(value):
        more = _MORE.search(value, position)
        if more is None:
            return
        position = more.start()
        if more[0] != "<":
            position = value.find(",", position) + 1 or len(value)
            continue
        closing = value.find(">", position)
        if closing < 0:
            return
        target = value[position + 1 : closing].strip()
        params: dict[str, str] = {}
        position = closing + 1
        while parameter := _PARAMETER.match(value, position):
            params.setdefault(parameter["name"].lower(), _value_of(parameter))
            position = parameter.end()
        absolute = _resolved(target, base_url)
        if absolute is not None:
            yield Link(absolute, frozenset(params.get("rel", "").lower().split()), params)


def _value_of(parameter: re.Match[str]) -> str:
    quoted = parameter["quoted"]
    return parameter["token"] or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def _resolved(target: str, base_url: str) -> str | None:
    if _ABSOLUTE.match(target):
        return target  # urljoin would tidy it
    try:
        return urljoin(base_url, target)
    except ValueError:
        return None
