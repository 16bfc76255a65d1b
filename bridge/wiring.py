"""The one place where the rooms are joined: settings in, everything that runs out.

A :class:`Wiring` belongs to a process. Database connections are used by one thread at a time: it hands out those that
the calling thread has opened, or that it was lent for a request.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog
from joserfc.jwk import RSAKey

from bridge.clock import Clock, utc_now
from bridge.derivations import Derivations
from bridge.errors import BridgeError, SourceUnavailable, UnknownObject
from bridge.lti.assertion import sign_assertion
from bridge.lti.platform import Platform
from bridge.lti.rules import LaunchRules, SelfRegistration
from bridge.mirror.attempts import Attempts
from bridge.mirror.horizon import Horizons
from bridge.mirror.landmarks import LandmarksOfQueries
from bridge.mirror.memberships import Memberships
from bridge.mirror.mirror import Mirror
from bridge.mirror.outbox import Outbox
from bridge.mirror.pages import Pages
from bridge.mirror.runs import Mandate, Outcome, Run, Runs
from bridge.mirror.telling import Telling
from bridge.mirror.totals import Totals
from bridge.nrps.answers import tell
from bridge.nrps.client import NrpsClient
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, load_member
from bridge.oneroster.client import Account, OneRosterClient
from bridge.oneroster.cursors import Cursors
from bridge.oneroster.walks import Walks
from bridge.registry.contexts import RegisteredContext
from bridge.registry.key_lock import KeyLock
from bridge.registry.leases import Lease
from bridge.registry.registry import Registry
from bridge.registry.rosters import Reconciled, Roster
from bridge.registry.sources import RegisteredSource
from bridge.roster.derive import MembershipDerivation
from bridge.roster.enrolled import Enrolled
from bridge.roster.erasure import WithoutErased
from bridge.roster.identity import ContextKey
from bridge.roster.ports import Derivation, Snapshot
from bridge.roster.reading import Reading
from bridge.roster.roles import RoleTable
from bridge.seals import Seals
from bridge.settings import Settings
from bridge.snapshots import Snapshots
from bridge.sync.guards import Guards
from bridge.sync.reconciler import Approval, Preview, Progress, Reconciler, approve_by_command
from bridge.transport.client_secret import ClientSecrets
from bridge.transport.http import Http
from bridge.transport.oauth2 import ServiceTokens
from bridge.transport.policy import OutgoingPolicy
from bridge.transport.rate import Rates

log = structlog.get_logger(__name__)

T = TypeVar("T")

SCHEDULER_LEASE = "scheduler"
_SCHEDULER_LEASE_TIME = timedelta(seconds=30)
CONTEXT_LEASE_TIME = timedelta(minutes=15)
_LIVE_SECONDS = 20.0


# Refusals too: where every roster is refused, the platform's access token is, and asking on only adds to its log.
_SAYS_NOTHING = frozenset({Outcome.UNAVAILABLE, Outcome.REFUSED})


class _Held(threading.local):
    """What the thread has opened."""

    def __init__(self) -> None:
        self.opened: dict[str, Any] = {}


class Wiring:
    """Everything, for one set of settings.

    :param settings: see :mod:`bridge.settings`.
    :param sleep: waits so many seconds before a busy platform is asked again.
    """

    def __init__(
        self, settings: Settings, clock: Clock = utc_now, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._sleep = sleep
        self._held = _Held()
        self._idle: list[dict[str, Any]] = []
        self._landmarks = LandmarksOfQueries()
        self._scheduler_lock = threading.Lock()
        self._scheduler_lease: Lease | None = None
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def prepare(self) -> None:
        """Make or migrate all files, so that the rest of the process finds them ready.

        :raises bridge.errors.ConfigError: if one cannot be used.
        """
        for path in self.settings.storage.former_walks:
            path.unlink(missing_ok=True)
        _ = self.walks
        self.mirror.rebase(self.settings.server.public_url)
        # Their secrets are made now, for every backup to hold them: what was sealed with another one can, after a
        # restore, not even be told from what somebody has made up.
        _ = self.tool_seals, self.event_seals, self.membership_seals, self.cursors
        if locked := self.registry.lock_up():
            log.info("keys_encrypted", keys=locked)

    def close(self) -> None:
        """Close this thread's connections, those that wait for requests, and the idle ones to other systems."""
        opened: dict[str, Any] | None = self._held.opened
        while opened is not None:
            for each in opened.values():
                if isinstance(each, Registry | Mirror):
                    each.close()
            opened.clear()
            opened = self._next_idle()  # nobody can be lent what has been taken from there
        self.http.close()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Connections for one request, which its thread gives back: not its own.

        Those that were given back last are lent first. A server answers with many threads, of which few work at a time;
        with connections of its own, each of them would come to know the files anew, and read them into a memory of its
        own. Nothing that is given back may be in a transaction, or be used by an answer that is still being sent.
        """
        own = self._held.opened
        self._held.opened = self._next_idle() or {}
        try:
            yield
        finally:
            self._idle.append(self._held.opened)
            self._held.opened = own

    def _next_idle(self) -> dict[str, Any] | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    # This thread's own connections, or those that are lent to it.

    @property
    def registry(self) -> Registry:
        return self._own(
            "registry",
            lambda: Registry.open(self.settings.storage.registry, self.clock, key_lock=self._key_lock),
        )

    @property
    def mirror(self) -> Mirror:
        return self._own("mirror", lambda: Mirror.open(self.settings.storage.mirror))

    @property
    def mirror_to_read(self) -> Mirror:
        """The mirror as the web has it: nothing can be written through this."""
        return self._own("mirror_to_read", lambda: Mirror.open_read_only(self.settings.storage.mirror))

    @property
    def pages(self) -> Pages:
        public_url, seconds = self.settings.server.public_url, self.settings.oneroster.query_seconds
        return self._own(
            "pages",
            lambda: Pages(
                self.mirror_to_read,
                public_url=public_url,
                time_limit=seconds,
                horizons=self._horizons,
                landmarks=self._landmarks,
            ),
        )

    @property
    def memberships(self) -> Memberships:
        """The memberships of classes; to be read inside ``pages.reading()``, which has the same connection."""
        return self._own("memberships", lambda: self._memberships(self.mirror_to_read))

    def _memberships(self, mirror: Mirror) -> Memberships:
        return Memberships(
            mirror,
            load_member=load_member,
            names_escaped=self._names_escaped,
            enrolled=Enrolled(self.role_table),
            today=self._today,
        )

    def _names_escaped(self, tenant: str, key: ContextKey) -> bool:
        registry = self.registry
        registry.recall.refresh()
        return registry.recall.get(
            ("names escaped", tenant, key), lambda: self._derivations.names_escaped(tenant, key, registry)
        )

    def _today(self) -> date:
        return self.clock().astimezone(ZoneInfo(self.settings.calendar.time_zone)).date()

    @property
    def telling(self) -> Telling:
        """What writes members as tools are told of them, in this thread's mirror."""
        return self._own("telling", lambda: Telling(self.mirror, self._memberships(self.mirror), tell, self._today))

    @property
    def outbox(self) -> Outbox:
        return self._own("outbox", lambda: Outbox(self.mirror_to_read, self.clock, self._horizons))

    @property
    def totals(self) -> Totals:
        return self._own("totals", lambda: Totals(self.mirror_to_read, self.clock))

    @property
    def tool_seals(self) -> Seals:
        return self._own("tool_seals", lambda: Seals(self.registry.secrets.get("tool-pages")))

    @property
    def event_seals(self) -> Seals:
        return self._own("event_seals", lambda: Seals(self.registry.secrets.get("events")))

    @property
    def membership_seals(self) -> Seals:
        return self._own("membership_seals", lambda: Seals(self.registry.secrets.get("memberships"), caseless=True))

    def _own(self, name: str, make: Callable[[], T]) -> T:
        opened = self._held.opened
        found: T | None = opened.get(name)
        if found is None:
            found = opened[name] = make()
        return found

    @property
    def cursors(self) -> Cursors:
        return self._own("cursors", lambda: Cursors(self.registry.secrets.get("cursors")))

    # Shared by all threads.

    @cached_property
    def walks(self) -> Walks:
        return Walks.open(self.settings.storage.walks, self.clock)

    @cached_property
    def _key_lock(self) -> KeyLock:
        return KeyLock.of_file(self.settings.storage.key_file)

    @cached_property
    def _horizons(self) -> Horizons:
        return Horizons()

    @cached_property
    def http(self) -> Http:
        outgoing = self.settings.outgoing
        return Http(
            self.policy,
            connect_timeout=outgoing.connect_timeout,
            read_timeout=outgoing.read_timeout,
            answer_within=outgoing.total_timeout,
            max_bytes=outgoing.max_body_bytes,
            ca_bundle=outgoing.ca_bundle,
        )

    @cached_property
    def policy(self) -> OutgoingPolicy:
        return OutgoingPolicy(frozenset(self.settings.outgoing.allowed_hosts))

    @cached_property
    def launch_rules(self) -> LaunchRules:
        lti = self.settings.lti
        return LaunchRules(
            public_url=self.settings.server.public_url,
            outgoing=self.policy,
            state_only=lti.state_only,
            registration=SelfRegistration(lti.registration),
            tool_name=lti.tool_name,
        )

    @cached_property
    def service_tokens(self) -> ServiceTokens:
        return ServiceTokens(self.http, self._sign, clock=self.clock)

    @cached_property
    def nrps(self) -> NrpsClient:
        return self._nrps_client(self.http, self.service_tokens)

    @cached_property
    def live_nrps(self) -> NrpsClient:
        """The same for somebody who waits for the answer in a browser: at the same pace, but with less patience."""
        http = self.http.within(_LIVE_SECONDS)
        return self._nrps_client(http, ServiceTokens(http, self._sign, clock=self.clock))

    @cached_property
    def _rates(self) -> Rates:
        return Rates(sleep=self._sleep)

    def _nrps_client(self, http: Http, tokens: ServiceTokens) -> NrpsClient:
        default = self.settings.sync.requests_per_minute

        def pace(platform: Platform) -> None:
            self._rates.wait(platform.id, platform.options.get("requests_per_minute", default))

        return NrpsClient(
            http, tokens, sleep=self._sleep, pace=pace, max_minutes=self.settings.nrps.max_minutes, clock=self.clock
        )

    @cached_property
    def oneroster(self) -> OneRosterClient:
        rates, per_minute = Rates(sleep=self._sleep), self.settings.sync.requests_per_minute

        def pace(account: Account) -> None:
            rates.wait(account.name, per_minute)

        return OneRosterClient(
            ClientSecrets(self.http, clock=self.clock),
            sleep=self._sleep,
            pace=pace,
            max_records=self.settings.sources.max_records,
            max_minutes=self.settings.sources.max_minutes,
            clock=self.clock,
        )

    @cached_property
    def role_table(self) -> RoleTable:
        path = self.settings.mapping.role_table
        return RoleTable.load(path) if path else RoleTable.default()

    @cached_property
    def _derivations(self) -> Derivations:
        return Derivations(self.settings, self.role_table, self.clock)

    @cached_property
    def _snapshots(self) -> Snapshots:
        return Snapshots(self.settings, self.nrps, self.oneroster, self.clock)

    def _sign(self, platform: Platform, deployment_id: str | None) -> str:
        key = self.registry.keys.current()
        private = RSAKey.import_key(key.private_pem, {"kid": key.kid})
        return sign_assertion(platform, private, self.clock(), deployment_id=deployment_id)

    def check_platform(self, platform: Platform) -> None:
        """Ask a platform for a token, which is what every reading of a roster begins with.

        :raises bridge.errors.SourceUnavailable: if it does not answer.
        :raises bridge.errors.SourceRefused: if it gives none, with what to check.
        """
        self.service_tokens.token(platform, [CONTEXT_MEMBERSHIP_SCOPE])

    # One context, or one source.

    def derivation(self, context: Reconciled) -> Derivation:
        """How the facts of a context become documents: see :meth:`bridge.derivations.Derivations.of`."""
        return self._derivations.of(context, self.registry)

    def membership_derivation(self, context: RegisteredContext) -> MembershipDerivation:
        """The same for a context of an LMS: see :meth:`bridge.derivations.Derivations.of_context`."""
        return self._derivations.of_context(context, self.registry)

    def fed_derivation(self, tenant: str, key: ContextKey) -> MembershipDerivation:
        """How what was handed in about a context becomes documents: as its roster would, where one can be read.

        :raises bridge.errors.UnknownObject: if nothing was handed in about it.
        """
        try:
            context = self.registry.contexts.get(tenant, key)
        except UnknownObject:
            return self._derivations.of_fed(self.registry.fed_contexts.get(tenant, key), self.registry)
        return self.membership_derivation(context)

    def reading(self, platform: Platform) -> Reading:
        """How a registration's members are read: see :meth:`bridge.derivations.Derivations.reading`."""
        return self._derivations.reading(platform)

    def teaches(self, platform: Platform, roles: Sequence[str]) -> bool:
        """Whether these LTI roles make somebody a teacher: nobody, while the registration's options cannot be used."""
        try:
            return self._derivations.teaches(platform, roles)
        except BridgeError as error:
            log.warning("options_unusable", platform=platform.id, reason=str(error))
            return False

    def snapshots(self, context: Roster, *, full: bool = False) -> tuple[Snapshot, Snapshot | None]:
        """What the context's platform says now: see :meth:`bridge.snapshots.Snapshots.of`."""
        first, instead = self._snapshots.of(context, self.registry, self.mirror, full=full)
        return self.without_erased(first), None if instead is None else self.without_erased(instead)

    def without_erased(self, snapshot: Snapshot) -> Snapshot:
        """A snapshot as it may be reconciled: without those who were erased."""
        is_erased = self.registry.erased.test()
        return snapshot if is_erased is None else WithoutErased(snapshot, is_erased)

    # Reconciling.

    def sync(
        self,
        context: Roster,
        *,
        full: bool = False,
        approval: Approval | None = None,
        progress: Progress = lambda _: None,
    ) -> Run | None:
        """Reconcile one context now; ``None`` if another process is at it.

        What is wrong with the context's registration ends the run, as a platform's refusal does.

        :param full: read the whole roster, even if the platform would tell what has changed.
        :param approval: a person's word: see :meth:`bridge.sync.reconciler.Reconciler.reconcile`. The whole roster is
            read then: of whom is gone by silence, changes alone would not tell.
        """
        full = full or approval is not None
        with self.holding(context) as renew:
            if renew is None:
                log.debug("context_busy", roster=context.name)
                return None

            def keep_on(members: int) -> None:
                renew(members)
                progress(members)

            mandate = approval.mandate if approval else None
            try:
                (snapshot, otherwise), derivation = self.snapshots(context, full=full), self.derivation(context)
            except BridgeError as error:
                return self._fail(context, Outcome.REFUSED, f"the registration cannot be used: {error}", mandate)
            except BaseException as error:
                # As while it is read: seen by the operator, and not tried again every minute.
                self._fail(context, Outcome.BROKEN, f"the bridge itself failed: {type(error).__name__}", mandate)
                raise
            run = self.reconciler().reconcile(
                snapshot, derivation, otherwise=otherwise, approval=approval, progress=keep_on
            )
            self._tell_circuit(context, run)
            return run

    @contextmanager
    def holding(self, context: Reconciled) -> Iterator[Callable[[int], None] | None]:
        """Hold the lease on a context: whoever has it reconciles it, and nobody else.

        Gives what renews it, and is told how many members have been read: it raises :class:`SourceUnavailable` if the
        lease has been lost. Gives ``None`` if another process, or another thread, holds it.
        """
        leases = self.registry.leases
        held = leases.acquire(context.lease, self._holder, CONTEXT_LEASE_TIME)
        if held is None:
            yield None
            return

        def renew(members: int) -> None:
            nonlocal held
            held = held and leases.renew(held, CONTEXT_LEASE_TIME, members)
            if held is None:
                raise SourceUnavailable("reading took longer than the lease on this context; it will be tried again")

        try:
            yield renew
        finally:
            if held is not None:
                leases.release(held)

    def _fail(self, context: Roster, outcome: Outcome, reason: str, mandate: Mandate | None) -> Run:
        """Record a run that could not begin, so that it is seen, and not tried again every minute."""
        runs = Runs(self.mirror, self.clock)
        number = runs.begin(context.tenant, context.key, mandate)
        runs.fail(number, outcome, reason)
        run = runs.get(number)
        assert run is not None
        return run

    def preview(self, context: Roster, *, full: bool = False, progress: Progress = lambda _: None) -> Preview:
        """Read one context and say what reconciling would do.

        :param full: as for :meth:`sync`.
        """
        snapshot, otherwise = self.snapshots(context, full=full)
        return self.reconciler().preview(snapshot, self.derivation(context), otherwise=otherwise, progress=progress)

    def reconciler(self, how_to_approve: Callable[[int], str] = approve_by_command) -> Reconciler:
        """What makes this thread's mirror agree with sources, by the guards as they are set.

        :param how_to_approve: what a held run says of letting it through.
        """
        guards = Guards(**asdict(self.settings.guards))
        return Reconciler(self.mirror, guards, self.clock, how_to_approve=how_to_approve)

    def _tell_circuit(self, context: Roster, run: Run) -> None:
        """Let the platform's circuit breaker know whether the platform has answered; a source has none."""
        if isinstance(context, RegisteredSource):
            return
        circuits = self.registry.circuits
        if run.outcome not in _SAYS_NOTHING:
            circuits.answered(context.platform_id)
            return
        attempt = Attempts(self.mirror).of(context.tenant, context.key)
        circuits.failed(
            context.platform_id,
            news=attempt is not None and attempt.failures == 1,
            threshold=self.settings.sync.circuit_failures,
            not_before=attempt.not_before if attempt else None,
        )

    # The scheduler's lease.

    def scheduler_runs(self) -> bool:
        """Whether a scheduler works on these files, here or elsewhere."""
        return self.registry.leases.held(SCHEDULER_LEASE) is not None

    def hold_scheduler_lease(self) -> bool:
        """Get or keep the right to be the scheduler."""
        with self._scheduler_lock:
            leases = self.registry.leases
            lease = (self._scheduler_lease and leases.renew(self._scheduler_lease, _SCHEDULER_LEASE_TIME)) or None
            if lease is None:
                lease = leases.acquire(SCHEDULER_LEASE, self._holder, _SCHEDULER_LEASE_TIME)
                if lease is not None:
                    self.registry.inbox.reopen()
            self._scheduler_lease = lease
            return lease is not None

    def release_scheduler_lease(self) -> None:
        """Let another process be the scheduler at once."""
        with self._scheduler_lock:
            if self._scheduler_lease is not None:
                self.registry.leases.release(self._scheduler_lease)
                self._scheduler_lease = None
