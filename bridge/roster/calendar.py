"""The school calendar that is supplied for an LMS.

OneRoster wants every class in an academic session; LTI has no notion of one. So each tenant gets a school year, one
term that spans it and one grading period that spans the term, worked out from the day on which school years begin.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """One school year.

    :param start: its first day.
    :param end: the first day after it (OneRoster's end dates are exclusive).
    """

    start: date
    end: date

    @property
    def name(self) -> str:
        """``2026-2027``, or ``2026`` where the school year is the calendar year."""
        last = self.ends_in
        return str(last) if self.start.year == last else f"{self.start.year}-{last}"

    @property
    def ends_in(self) -> int:
        """The year that OneRoster calls ``schoolYear``: the one in which it ends."""
        return self.end.year if (self.end.month, self.end.day) != (1, 1) else self.end.year - 1


def school_year_of(day: date, year_start: tuple[int, int]) -> SchoolYear:
    """The school year that a day belongs to.

    :param year_start: month and day on which school years begin, such as ``(8, 1)``; not 29 February.

    >>> school_year_of(date(2026, 11, 20), (8, 1)).name
    '2026-2027'
    >>> school_year_of(date(2026, 11, 20), (1, 1)).name
    '2026'
    """
    month, first = year_start
    begun = day.year if (day.month, day.day) >= (month, first) else day.year - 1
    return SchoolYear(date(begun, month, first), date(begun + 1, month, first))
