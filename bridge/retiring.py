"""Ending what an LMS has ended, or what the bridge is no longer to serve: only a person asks for it.

Records become ``tobedeleted`` through the same transaction that every change goes through, and stay for the retention
time. What is launched or added again comes back under its old sourcedIds.
"""

import json
from collections.abc import Callable

from bridge.clock import to_stamp
from bridge.errors import Busy
from bridge.lti.platform import Platform
from bridge.mirror.attempts import Attempts
from bridge.mirror.decisions import DecisionKind
from bridge.mirror.runs import Mandate, Run
from bridge.registry.contexts import AddedBy, RegisteredContext
from bridge.registry.rosters import Roster
from bridge.registry.sources import RegisteredSource
from bridge.sync.reconciler import Approval
from bridge.sync.retiring import Nobody, Retired
from bridge.wiring import Wiring


def retire_context(wiring: Wiring, context: RegisteredContext, made_by: str) -> Run:
    """End a context's class and enrollments, and read it no more.

    :raises Busy: if it is being reconciled just now.
    """
    run = _retire(wiring, context, made_by, whole_source=False)
    wiring.registry.contexts.remove(context.tenant, context.key)
    return run


def retire_platform(
    wiring: Wiring, platform: Platform, made_by: str, done: Callable[[RegisteredContext, Run], None]
) -> None:
    """End everything that was read through a platform, and forget it.

    If it is its tenant's last registration, that is all the tenant's records: the school, the calendar, and the
    contexts that had been removed before.

    :param done: told of each context that was ended.
    :raises Busy: if one is being reconciled just now; it can be done again.
    """
    registry = wiring.registry
    contexts = [each for each in registry.contexts.all(platform.tenant) if each.platform_id == platform.id]
    last = len(registry.platforms.of_tenant(platform.tenant)) == 1
    if last:
        contexts += _formerly_known(wiring, platform)
    for number, context in enumerate(contexts, start=1):
        done(context, _retire(wiring, context, made_by, whole_source=last and number == len(contexts)))
    registry.platforms.remove(platform.id)


def retire_source(wiring: Wiring, source: RegisteredSource, made_by: str) -> Run:
    """End every record that was read from a source, and forget it.

    :raises Busy: if it is being reconciled just now.
    """
    run = _retire(wiring, source, made_by, whole_source=True)
    wiring.registry.sources.remove(source.name)
    return run


def _retire(wiring: Wiring, context: Roster, made_by: str, *, whole_source: bool) -> Run:
    with wiring.holding(context) as renew:
        if renew is None:
            raise Busy(f"{context.name} is being reconciled just now: try again", 60)
        approval = Approval(mandate=Mandate(kind=DecisionKind.RETIRED, made_by=made_by), removals=None)
        derivation = Retired(wiring.derivation(context), whole_source)
        return wiring.reconciler().reconcile(Nobody(context.tenant, context.key), derivation, approval=approval)


def _formerly_known(wiring: Wiring, platform: Platform) -> list[RegisteredContext]:
    """The contexts that the mirror knows of a tenant, and the registry no more."""
    registered = {context.key for context in wiring.registry.contexts.all(platform.tenant)}
    attempts = Attempts(wiring.mirror).by_context()
    return [
        RegisteredContext(
            tenant=tenant,
            key=key,
            context_id=json.loads(key)[0],
            platform_id=platform.id,
            deployment_id=None,
            memberships_url="",
            label=None,
            title=None,
            added_by=AddedBy.OPERATOR,
            created=to_stamp(attempt.started),
            last_launch=None,
        )
        for (tenant, key), attempt in attempts.items()
        if tenant == platform.tenant and key not in registered
    ]
