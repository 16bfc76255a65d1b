"""The clock on the school's wall: nights, quiet hours and days on which nothing is read.

Pure. All instants in and out are UTC; local times mean what the wall clock shows, changes to summer time included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DailyRange = tuple[time, time]
"""From the first, up to the second; over midnight if the second is the earlier."""

DayRange = tuple[date, date]
"""From the first to the last day, both included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When contexts are read by themselves.

    :param night: when nightly reading begins; ``None``: there is none.
    :param night_length: over how long it is spread.
    :param quiet: times of day in which nothing begins by itself.
    :param blackouts: days on which nothing begins unless a person asks for it.
    """

    zone: ZoneInfo
    night: time | None = None
    night_length: timedelta = timedelta(0)
    quiet: Sequence[DailyRange] = ()
    blackouts: Sequence[DayRange] = ()

    def turn(self, place: float, *, after: datetime, until: datetime) -> datetime | None:
        """The latest nightly turn of a context in a span of time; ``None`` if there is none in it.

        :param place: the context's own, from 0 to 1: how far into each night its turn is.
        """
        if self.night is None:
            return None
        day = until.astimezone(self.zone).date() + timedelta(days=1)
        while True:
            turn = self._instant(day, self.night) + self.night_length * place
            if turn <= until:
                return turn if turn > after else None
            day -= timedelta(days=1)

    def blackout_ends(self, now: datetime) -> datetime | None:
        """When the blackout ends that ``now`` is in; ``None`` outside of any."""
        today = now.astimezone(self.zone).date()
        last_days = [last for first, last in self.blackouts if first <= today <= last]
        return self._instant(max(last_days) + timedelta(days=1), time()) if last_days else None

    def quiet_ends(self, now: datetime) -> datetime | None:
        """When the quiet hours end that ``now`` is in; ``None`` outside of any."""
        today = now.astimezone(self.zone).date()
        ends = []
        for begin, end in self.quiet:
            for day in (today - timedelta(days=1), today):
                last_day = day if begin < end else day + timedelta(days=1)
                if self._instant(day, begin) <= now < self._instant(last_day, end):
                    ends.append(self._instant(last_day, end))
        return max(ends, default=None)

    def today(self, now: datetime) -> date:
        """The day that it is at the school."""
        return now.astimezone(self.zone).date()

    def _instant(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)
