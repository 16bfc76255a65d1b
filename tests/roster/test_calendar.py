from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.roster.calendar import SchoolYear, school_year_of


@pytest.mark.parametrize(
    ("day", "year_start", "start", "end", "name", "ends_in"),
    [
        pytest.param("2026-11-20", (8, 1), "2026-08-01", "2027-08-01", "2026-2027", 2027, id="autumn"),
        pytest.param("2027-03-01", (8, 1), "2026-08-01", "2027-08-01", "2026-2027", 2027, id="spring"),
        pytest.param("2026-08-01", (8, 1), "2026-08-01", "2027-08-01", "2026-2027", 2027, id="first-day"),
        pytest.param("2026-07-31", (8, 1), "2025-08-01", "2026-08-01", "2025-2026", 2026, id="last-day"),
        pytest.param("2026-11-20", (1, 1), "2026-01-01", "2027-01-01", "2026", 2026, id="calendar-year"),
        pytest.param("2026-12-31", (1, 1), "2026-01-01", "2027-01-01", "2026", 2026, id="last-day-of-calendar-year"),
        pytest.param("2026-01-31", (2, 1), "2025-02-01", "2026-02-01", "2025-2026", 2026, id="southern"),
        pytest.param("2028-02-29", (8, 31), "2027-08-31", "2028-08-31", "2027-2028", 2028, id="leap-day"),
    ],
)
def test_school_year_of_a_day(day, year_start, start, end, name, ends_in):
    year = school_year_of(date.fromisoformat(day), year_start)

    assert year == SchoolYear(date.fromisoformat(start), date.fromisoformat(end))
    assert (year.name, year.ends_in) == (name, ends_in)


_year_starts = st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda day: (day.month, day.day))


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)), _year_starts)
def test_every_day_lies_in_its_year_and_the_next_year_begins_where_it_ends(day, year_start):
    year = school_year_of(day, year_start)

    assert year.start <= day < year.end
    assert school_year_of(year.end, year_start).start == year.end
    assert school_year_of(year.end - timedelta(days=1), year_start) == year
