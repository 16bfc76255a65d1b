"""How each roster is to be read: the configuration, under its platform's options, under the context's own target."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bridge.errors import UnknownObject
from bridge.registry.registry import Registry
from bridge.registry.rosters import Roster
from bridge.registry.sources import RegisteredSource
from bridge.settings import Settings
from bridge.sync.hours import Hours
from bridge.sync.policy import Pace, place_of
from bridge.wiring import CONTEXT_LEASE_TIME

_NO_OPTIONS: Mapping[str, Any] = {}
"""Those of a platform that has just been removed."""


class Paces:
    """Makes paces. Serves all threads."""

    def __init__(self, settings: Settings) -> None:
        self._sync = settings.sync
        self.hours = Hours(
            zone=ZoneInfo(settings.calendar.time_zone),
            night=settings.sync.nightly_at,
            night_length=timedelta(hours=settings.sync.nightly_hours),
            quiet=settings.sync.quiet_hours,
            blackouts=settings.sync.blackouts,
        )

    def of(self, context: Roster, registry: Registry) -> Pace:
        """One roster's pace, as everything is set now."""
        if isinstance(context, RegisteredSource):
            return self._of_source(context)
        try:
            options = registry.platforms.by_id(context.platform_id).options
        except UnknownObject:
            options = _NO_OPTIONS
        return self._pace(context, options, registry.targets.of(context.tenant, context.key))

    def of_all(self, registry: Registry) -> Callable[[Roster], Pace]:
        """What gives any roster's pace, asking the registry once for all of them."""
        options = {platform.id: platform.options for platform in registry.platforms.all()}
        targets = registry.targets.all()

        def pace(roster: Roster) -> Pace:
            if isinstance(roster, RegisteredSource):
                return self._of_source(roster)
            own_hours = targets.get((roster.tenant, roster.key))
            return self._pace(roster, options.get(roster.platform_id, _NO_OPTIONS), own_hours)

        return pace

    def _of_source(self, source: RegisteredSource) -> Pace:
        return self._pace(source, _NO_OPTIONS, source.freshness_hours)

    def _pace(self, context: Roster, options: Mapping[str, Any], own_hours: int | None) -> Pace:
        hours = own_hours or _option(options, "freshness_hours", self._sync.freshness_hours)
        return Pace(
            fresh_for=timedelta(hours=hours),
            place=place_of(context.name),
            hours=self.hours,
            retry_after=timedelta(minutes=self._sync.retry_minutes),
            lease=CONTEXT_LEASE_TIME,
            gone_times=self._sync.gone_times,
            gone_for=timedelta(days=self._sync.gone_days),
            launch_fresh_for=timedelta(minutes=self._sync.launch_minutes),
            newcomer_pause=timedelta(minutes=self._sync.newcomer_minutes),
            cap=_option(options, "concurrency", self._sync.platform_concurrency),
        )


def _option(options: Mapping[str, Any], name: str, default: int) -> int:
    # What cannot be used is refused, in words, when the context is read.
    value = options.get(name, default)
    return value if isinstance(value, int) and value > 0 else default
