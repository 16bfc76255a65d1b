"""The manners of real OneRoster providers, as far as documentation, source code or their users' reports show them.

Where nothing is known, the practice SIS's own manners stand in. Each is a function, so that every SIS gets manners of
its own to be changed.
"""

from collections.abc import Callable, Mapping

from bridge.practice.sis_manners import SisManners


def infinite_campus() -> SisManners:
    """Infinite Campus (its guidance to consumers) asks for few calls: here, every seventh is one too many."""
    return SisManners(lenient=True, throttle_every=7)


def classlink() -> SisManners:
    """ClassLink's Roster Server (reports of its consumers): OneRoster 1.1 only, with signed requests."""
    return SisManners(versions=frozenset({"1.1"}), oauth2_for_1p1=False, lenient=True)


def ed_fi() -> SisManners:
    """Ed-Fi's OneRoster service (its source): no headers on pages, limits clamped, errors without a code minor.

    Its largest page is a setting; here it is a small one.
    """
    return SisManners(
        largest_limit=200, over_limit="clamped silently", total="absent", links="absent", errors="no code minor"
    )


def pifu() -> SisManners:
    """A Norwegian provider of OneRoster 1.1 (its source): instants in filters must be bare dates."""
    return SisManners(versions=frozenset({"1.1"}), filters="bare dates", lenient=True)


def timeback() -> SisManners:
    """TimeBack (its documentation): the counters stand in the body; headers are not spoken of, so here are none."""
    return SisManners(counters_in_body=True, total="absent", links="absent", lenient=True)


def careless() -> SisManners:
    """No vendor, but what many do at once: booleans, numbers and nulls, no hrefs, no headers, blank stamps."""
    return SisManners(
        lenient=True,
        hrefs="absent",
        json_booleans=True,
        school_year_as_number=True,
        nulls=True,
        stamps="blank",
        total="absent",
        links="absent",
        filters="passed over",
        errors="html",
        also={"vendorField": {"anything": 1}},
    )


SIS_VENDORS: Mapping[str, Callable[[], SisManners]] = {
    "generic": SisManners,
    "infinite-campus": infinite_campus,
    "classlink": classlink,
    "ed-fi": ed_fi,
    "pifu": pifu,
    "timeback": timeback,
    "careless": careless,
}
"""By name."""


def sis_manners_of(vendor: str) -> SisManners:
    """The manners of a real provider, to be changed at will.

    :raises ValueError: if none of that name is known.
    """
    if vendor not in SIS_VENDORS:
        raise ValueError(f"there are manners of {', '.join(SIS_VENDORS)}, and none of {vendor}")
    return SIS_VENDORS[vendor]()
