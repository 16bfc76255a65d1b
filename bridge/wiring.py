"""The one place where the rooms are joined: settings in, everything that runs out.

A :class:`Wiring` belongs to a process; database connections belong to threads, so it hands out the calling thread's.
"""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog
from joserfc.jwk import RSAKey

from bridge.clock import Clock, from_stamp, utc_now
from bridge.errors import SourceUnavailable, UnknownObject
from bridge.lti.assertion import sign_assertion
from bridge.lti.platform import Platform
from bridge.lti.vendors import profile_of
from bridge.mirror.mirror import Mirror
from bridge.mirror.pages import Pages
from bridge.mirror.runs import GOOD, Outcome, Run, Runs
from bridge.nrps.client import NrpsClient
from bridge.nrps.schemas import CONTEXT_MEMBERSHIP_SCOPE, load_context, load_member
from bridge.nrps.source import NrpsSnapshot
from bridge.oneroster.cursors import Cursors
from bridge.registry.contexts import RegisteredContext
from bridge.registry.leases import Lease
from bridge.registry.registry import Registry
from bridge.roster.calendar import school_year_of
from bridge.roster.derive import MembershipDerivation, Origin, RoleRules
from bridge.roster.memberships import Context
from bridge.roster.references import References
from bridge.roster.roles import RoleMapping, RoleTable
from bridge.roster.supplied import Surroundings
from bridge.settings import Settings
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
_MEMBERS_REMEMBERED = 10_000
_RETRY_AFTER = timedelta(minutes=15)


class Wiring:
    """Everything, for one set of settings.

    :param settings: see :mod:`bridge.settings`.
    """

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.clock = clock
        self._local = threading.local()
        # A member is looked at when she is staged, when she is mapped, and whenever another of her contexts is read.
        self._load_member = lru_cache(maxsize=_MEMBERS_REMEMBERED)(load_member)
        self._scheduler_lock = threading.Lock()
        self._scheduler_lease: Lease | None = None
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def prepare(self) -> None:
        """Make or migrate both files, so that the rest of the process finds them ready.

        :raises bridge.errors.ConfigError: if one cannot be used.
        """
        self.mirror.rebase(self.settings.server.public_url)
        _ = self.registry

    # This thread's own connections.

    @property
    def registry(self) -> Registry:
        return self._own("registry", lambda: Registry.open(self.settings.storage.registry, self.clock))

    @property
    def mirror(self) -> Mirror:
        return self._own("mirror", lambda: Mirror.open(self.settings.storage.mirror))

    @property
    def pages(self) -> Pages:
        public_url = self.settings.server.public_url
        path = self.settings.storage.mirror
        return self._own("pages", lambda: Pages(Mirror.open_read_only(path), public_url=public_url))

    def _own(self, name: str, make: Callable[[], T]) -> T:
        found: T | None = getattr(self._local, name, None)
        if found is None:
            found = make()
            setattr(self._local, name, found)
        return found

    @property
    def cursors(self) -> Cursors:
        return self._own("cursors", lambda: Cursors(self.registry.secrets.get("cursors")))

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
    def service_tokens(self) -> ServiceTokens:
        return ServiceTokens(self.http, self._sign, clock=self.clock)

    @cached_property
    def nrps(self) -> NrpsClient:
        return NrpsClient(self.http, self.service_tokens, clock=self.clock)

    @cached_property
    def role_table(self) -> RoleTable:
        path = self.settings.mapping.role_table
        return RoleTable.load(path) if path else RoleTable.default()

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
        """How the facts of a context become documents, by the present settings and role table."""
        settings = self.settings
        platform = self.registry.platforms.by_id(context.platform_id)
        options = platform.options
        own_roles = options.get("role_table")
        today = self.clock().astimezone(ZoneInfo(settings.calendar.time_zone)).date()
        return MembershipDerivation(
            tenant=context.tenant,
            tenant_issuer=self.registry.platforms.of_tenant(context.tenant)[0].issuer,
            origin=Origin(
                key=context.key,
                issuer=platform.issuer,
                deployment_id=context.deployment_id,
                context=Context(context_id=context.context_id, label=context.label, title=context.title),
            ),
            surroundings=Surroundings(
                tenant=context.tenant,
                school_name=options.get("school_name") or settings.school.name or context.tenant,
                school_identifier=options.get("school_identifier") or settings.school.identifier or context.tenant,
                school_year=school_year_of(today, settings.calendar.year_start),
                references=References(settings.server.public_url),
            ),
            roles=RoleRules(
                table=RoleTable.load(Path(own_roles), base=self.role_table) if own_roles else self.role_table,
                mapping=RoleMapping(options.get("role_mapping", settings.mapping.role_mapping)),
                trust_admin_roles=options.get("trust_admin_roles", settings.mapping.trust_admin_roles),
                keep_test_users=options.get("keep_test_users", settings.mapping.keep_test_users),
            ),
            load_member=self._load_member,
            load_context=load_context,
            escaped_names=profile_of(platform).escaped_names,
        )

    def snapshot(self, context: RegisteredContext) -> NrpsSnapshot:
        """What the context's platform says now: nothing is asked before it is iterated."""
        platform = self.registry.platforms.by_id(context.platform_id)
        profile = profile_of(platform)
        return NrpsSnapshot(
            self.nrps,
            platform,
            context.memberships_url,
            source=context.tenant,
            context=context.key,
            context_id=context.context_id,
            deployment_id=context.deployment_id,
            complete=profile.complete_rosters,
            limit=profile.page_limit or self.settings.nrps.page_limit or None,
            max_members=self.settings.nrps.max_members,
        )

    # Reconciling.

    def sync(
        self,
        context: RegisteredContext,
        *,
        approved: Collection[str] = frozenset(),
        progress: Progress = lambda _: None,
    ) -> Run | None:
        """Reconcile one context now; ``None`` if another process is at it."""
        name = f"context {context.class_sourced_id}"
        lease = self.registry.leases.acquire(name, self._holder, _CONTEXT_LEASE_TIME)
        if lease is None:
            log.info("context_busy", class_=context.class_sourced_id)
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
            return self._reconciler().reconcile(
                self.snapshot(context), self.derivation(context), approved=approved, progress=keep_on
            )
        finally:
            self.registry.leases.release(held)

    def preview(self, context: RegisteredContext, *, progress: Progress = lambda _: None) -> Preview:
        """Read one context and say what reconciling would do."""
        return self._reconciler().preview(self.snapshot(context), self.derivation(context), progress=progress)

    def _reconciler(self) -> Reconciler:
        return Reconciler(self.mirror, Guards(), self.clock)

    def sync_all(
        self, contexts: Sequence[RegisteredContext], *, done: Callable[[RegisteredContext, Run | None], None]
    ) -> None:
        """Reconcile several contexts, a few at a time.

        :param done: told of each as it ends, from the thread that calls this.
        """
        with ThreadPoolExecutor(self.settings.sync.concurrency, thread_name_prefix="sync") as pool:
            for context, run in zip(contexts, pool.map(self.sync, contexts), strict=True):
                done(context, run)

    def due(self) -> list[RegisteredContext]:
        """The contexts whose turn it is: stale by the freshness target, or due another try after a failure."""
        now = self.clock()
        freshness = timedelta(hours=self.settings.sync.freshness_hours)
        latest = Runs(self.mirror, self.clock).latest_by_context()

        def is_due(context: RegisteredContext) -> bool:
            run = latest.get((context.tenant, context.key))
            if run is None:
                return True
            again_after = _RETRY_AFTER if run.outcome in (Outcome.UNAVAILABLE, Outcome.BROKEN) else freshness
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
        """Do what the web has asked for."""
        for item in self.registry.inbox.take():
            context = self._context_of(item.payload)
            if context is not None and not (item.kind == "launch" and self._is_fresh(context)):
                self.sync(context)
            self.registry.inbox.done([item])

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
