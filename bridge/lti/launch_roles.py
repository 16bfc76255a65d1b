"""What launches say of members' roles, beside what NRPS says.

Moodle 4.5 calls a teacher who may not edit a ``Learner`` in NRPS and an ``Instructor`` in her own launches. Where the
vendor profile says so, the context roles of a person's latest verified launch are facts like the roster's, as long as
that launch is recent. NRPS alone decides who is a member.
"""

from collections.abc import Iterable, Iterator

import msgspec

from bridge.lti.launch import Launch
from bridge.lti.vendors import profile_of
from bridge.registry.registry import Registry
from bridge.roster.identity import ContextKey, PersonKey, deployment_in, person_key, user_sourced_id
from bridge.roster.ports import FactKind, Said, Snapshot, Stated
from bridge.roster.vocabulary import Scope, parse_role


def note_roles(launch: Launch, context: ContextKey, registry: Registry) -> None:
    """Keep the context roles of a launch, where the platform's vendor profile asks for that.

    Of somebody who was erased nothing is kept.

    :param context: the launch's, registered.
    """
    profile = profile_of(launch.platform)
    if launch.sub is None or not profile.merge_launch_roles:
        return
    person = person_key(launch.sub, deployment_in(context) if profile.people_by_deployment else None)
    if not registry.erased.holds(user_sourced_id(launch.platform.tenant, person)):
        registry.launch_roles.note(launch.platform.tenant, context, launch.sub, context_roles(launch.roles))


def context_roles(roles: Iterable[str]) -> tuple[str, ...]:
    """The roles that hold in the context, as they are written: what somebody is elsewhere makes her nothing here."""
    return tuple(text for text in roles if (role := parse_role(text)) is not None and role.scope is Scope.CONTEXT)


class WithLaunchRoles:
    """A snapshot, followed by what recent launches say of the same context: a :class:`bridge.roster.ports.Snapshot`.

    :param launches: each person's key and the context roles of her latest recent launch.
    """

    def __init__(self, snapshot: Snapshot, launches: Iterable[tuple[PersonKey, tuple[str, ...]]]) -> None:
        self._snapshot = snapshot
        self._launches = tuple(launches)
        self.source = snapshot.source
        self.context = snapshot.context
        self.complete = snapshot.complete

    @property
    def bookmark(self) -> str | None:
        return self._snapshot.bookmark

    def __iter__(self) -> Iterator[Said]:
        yield from self._snapshot
        for person, roles in self._launches:
            if roles:
                yield Stated(FactKind.LAUNCH, person, msgspec.json.encode({"roles": roles}))

    def merge(self, earlier: bytes, later: bytes) -> bytes:
        return self._snapshot.merge(earlier, later)
