"""The one place where the rooms are joined: settings in, everything that runs out.

A :class:`Wiring` belongs to a process; database connections belong to threads, so it hands out the calling thread's.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

import structlog
from joserfc.jwk import RSAKey

from bridge.clock import Clock, from_stamp, utc_now
from bridge.derivations import Derivations
from bridge.errors import BridgeError, SourceUnavailable, UnknownObject
from bridge.lti.assertion import sign_assertion
from bridge.lti.platform import Platform
from bridge.lti.rules import LaunchRules, SelfRegistration
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages
from bridge.mirror.runs import GOOD, Outcome, Run, Runs
from bridge.nrps.client import NrpsClient
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE
from bridge.oneroster.cursors import Cursors
from bridge.oneroster.walks import Walks
from bridge.registry.contexts import RegisteredContext
from bridge.registry.leases import Lease
from bridge.registry.registry import Registry
from bridge.roster.derive import MembershipDerivation
from bridge.roster.ports import Snapshot
from bridge.roster.roles import RoleTable
from bridge.settings import Settings
from bridge.snapshots import Snapshots
from bridge.sync.guards import Guards
from bridge.sync.reconciler import Preview, Progress, Reconciler
from bridge.transport.http import Http
from bridge.transport.oauth2 import ServiceTokens
from bridge.transport.policy import OutgoingPolicy

log = structlog.get_logger(__name__)

T = TypeVar("T")

SCHEDULER_LEASE = "scheduler"
_SCHEDULER_LEASE_TIME = timedelta(seconds=30)
_CONTEXT_LEASE_TIME = timedelta(minutes=15)
_RETRY_AFTER = timedelta(minutes=15)
# Of a run that seems to go on, its process may have been killed: if it was not, the lease keeps others away.
_UNFINISHED = frozenset({Outcome.UNAVAILABLE, Outcome.BROKEN, Outcome.RUNNING})


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
        self._local = threading.local()
        self._scheduler_lock = threading.Lock()
        self._scheduler_lease: Lease | None = None
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def prepare(self) -> None:
        """Make or migrate both files, so that the rest of the process finds them ready.

        :raises bridge.errors.ConfigError: if one cannot be used.
        """
        self.mirror.rebase(self.settings.server.public_url)
        _ = self.registry

    def close(self) -> None:
        """Close this thread's connections, and the idle ones to other systems."""
        for name, opened in vars(self._local).copy().items():
            if isinstance(opened, Registry | Mirror | Walks):
                opened.close()
            delattr(self._local, name)
        self.http.close()

    # This thread's own connections.

    @property
    def registry(self) -> Registry:
        return self._own("registry", lambda: Registry.open(self.settings.storage.registry, self.clock))

    @property
    def mirror(self) -> Mirror:
        return self._own("mirror", lambda: Mirror.open(self.settings.storage.mirror))

    @property
    def mirror_to_read(self) -> Mirror:
        """The mirror as the web has it: nothing can be written through this."""
        return self._own("mirror_to_read", lambda: Mirror.open_read_only(self.settings.storage.mirror))

    @property
    def pages(self) -> Pages:
        public_url = self.settings.server.public_url
        return self._own("pages", lambda: Pages(self.mirror_to_read, public_url=public_url))

    def _own(self, name: str, make: Callable[[], T]) -> T:
        found: T | None = getattr(self._local, name, None)
        if found is None:
            found = make()
            setattr(self._local, name, found)
        return found

    @property
    def cursors(self) -> Cursors:
        return self._own("cursors", lambda: Cursors(self.registry.secrets.get("cursors")))

    @property
    def walks(self) -> Walks:
        return self._own("walks", lambda: Walks.open(self.settings.storage.walks, self.clock))

    # Shared by all threads.

    @cached_property
    def http(self) -> Http:
        outgoing = self.settings.outgoing
        return Http(
            self.policy,
            connect_timeout=outgoing.connect_timeout,
            read_timeout=outgoing.read_timeout,
            answer_within=outgoing.total_timeout,
            max_bytes=outgoing.max_body_bytes,
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
        return NrpsClient(
            self.http,
            self.service_tokens,
            sleep=self._sleep,
            max_minutes=self.settings.nrps.max_minutes,
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
        return Snapshots(self.settings, self.nrps, self.clock)

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

    # One context.

    def derivation(self, context: RegisteredContext) -> MembershipDerivation:
        """How the facts of a context become documents: see :meth:`bridge.derivations.Derivations.of`."""
        return self._derivations.of(context, self.registry)

    def teaches(self, platform: Platform, roles: Sequence[str]) -> bool:
        """Whether these LTI roles make somebody a teacher: nobody, while the registration's options cannot be used."""
        try:
            return self._derivations.teaches(platform, roles)
        except BridgeError as error:
            log.warning("options_unusable", platform=platform.id, reason=str(error))
            return False

    def snapshots(self, context: RegisteredContext, *, full: bool = False) -> tuple[Snapshot, Snapshot | None]:
        """What the context's platform says now: see :meth:`bridge.snapshots.Snapshots.of`."""
        return self._snapshots.of(context, self.registry, self.mirror, full=full)

    # Reconciling.

    def sync(
        self,
        context: RegisteredContext,
        *,
        full: bool = False,
        approved: Collection[str] = frozenset(),
        progress: Progress = lambda _: None,
    ) -> Run | None:
        """Reconcile one context now; ``None`` if another process is at it.

        What is wrong with the context's registration ends the run, as a platform's refusal does.

        :param full: read the whole roster, even if the platform would tell what has changed.
        """
        lease = self.registry.leases.acquire(context.lease, self._holder, _CONTEXT_LEASE_TIME)
        if lease is None:
            log.debug("context_busy", class_=context.class_sourced_id)
            return None
        held = lease

        def keep_on(members: int) -> None:
            nonlocal held
            renewed = self.registry.leases.renew(held, _CONTEXT_LEASE_TIME)
            if renewed is None:
                raise SourceUnavailable("reading took longer than the lease on this context; it will be tried again")
            held = renewed
            progress(members)

        try:
            try:
                (snapshot, otherwise), derivation = self.snapshots(context, full=full), self.derivation(context)
            except BridgeError as error:
                return self._refuse(context, f"the registration cannot be used: {error}")
            return self._reconciler().reconcile(
                snapshot, derivation, otherwise=otherwise, approved=approved, progress=keep_on
            )
        finally:
            self.registry.leases.release(held)

    def _refuse(self, context: RegisteredContext, reason: str) -> Run:
        """Record a run that could not begin, so that it is seen, and not tried again every minute."""
        runs = Runs(self.mirror, self.clock)
        number = runs.begin(context.tenant, context.key)
        runs.fail(number, Outcome.REFUSED, reason)
        run = runs.get(number)
        assert run is not None
        return run

    def preview(
        self, context: RegisteredContext, *, full: bool = False, progress: Progress = lambda _: None
    ) -> Preview:
        """Read one context and say what reconciling would do.

        :param full: as for :meth:`sync`.
        """
        snapshot, otherwise = self.snapshots(context, full=full)
        return self._reconciler().preview(snapshot, self.derivation(context), otherwise=otherwise, progress=progress)

    def _reconciler(self) -> Reconciler:
        return Reconciler(self.mirror, Guards(), self.clock)

    def sync_all(
        self,
        contexts: Sequence[RegisteredContext],
        *,
        full: bool = False,
        done: Callable[[RegisteredContext, Run | None], None],
    ) -> None:
        """Reconcile several contexts, a few at a time.

        An error in one keeps no other from its turn: it is raised when all have had theirs.

        :param full: as for :meth:`sync`.
        :param done: told of each that ended, in order, from the thread that calls this.
        """
        errors = []
        pool = ThreadPoolExecutor(self.settings.sync.concurrency, thread_name_prefix="sync")
        try:
            for context, future in [(context, pool.submit(self.sync, context, full=full)) for context in contexts]:
                error = future.exception()
                if error is None:
                    done(context, future.result())
                else:
                    errors.append(error)
        finally:
            pool.shutdown(cancel_futures=True)
        if errors:
            raise errors[0]

    def due(self) -> list[RegisteredContext]:
        """The contexts whose turn it is: stale by the freshness target, or due another try after a failure."""
        now = self.clock()
        freshness = timedelta(hours=self.settings.sync.freshness_hours)
        latest = Runs(self.mirror, self.clock).latest_by_context()

        def is_due(context: RegisteredContext) -> bool:
            run = latest.get((context.tenant, context.key))
            if run is None:
                return True
            again_after = _RETRY_AFTER if run.outcome in _UNFINISHED else freshness
            return from_stamp(run.started) + again_after <= now

        return [context for context in self.registry.contexts.all() if is_due(context)]

    # The scheduler's jobs.

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

    def take_inbox(self) -> None:
        """Do what the web has asked for; what another process is at just now waits again."""
        inbox = self.registry.inbox
        items = inbox.take()
        asked = {
            context: item
            for item in items
            if (context := self._context_of(item.payload)) is not None
            and not (item.kind == "launch" and self._is_fresh(context))
        }

        def done(context: RegisteredContext, run: Run | None) -> None:
            if run is None:
                inbox.put(asked[context].kind, asked[context].payload)

        try:
            self.sync_all(list(asked), done=done)
        finally:
            inbox.done(items)

    def _is_fresh(self, context: RegisteredContext) -> bool:
        """Whether the roster was read so lately that a launch need not make it be read again."""
        latest = Runs(self.mirror, self.clock).latest(1, context=(context.tenant, context.key))
        since = self.clock() - timedelta(minutes=self.settings.sync.launch_minutes)
        return any(run.outcome in GOOD and from_stamp(run.started) > since for run in latest)

    def _context_of(self, payload: Mapping[str, Any]) -> RegisteredContext | None:
        try:
            return self.registry.contexts.get(payload["tenant"], payload["context"])
        except UnknownObject:
            return None  # removed since it was asked for

    def refresh(self) -> None:
        """Reconcile every context that is due."""
        self.sync_all(self.due(), done=lambda *_: None)
