"""The registry as one object."""

from pathlib import Path
from typing import Self

from sqlite_utils import Database

from bridge.clock import Clock, utc_now
from bridge.migrations import migrate
from bridge.recall import Recall
from bridge.registry.activity import Activity
from bridge.registry.applications import Applications
from bridge.registry.assertions import Assertions
from bridge.registry.circuits import Circuits
from bridge.registry.clients import Clients
from bridge.registry.contexts import Contexts
from bridge.registry.csv_sources import CsvSources
from bridge.registry.deployments import Deployments
from bridge.registry.erased import Erased
from bridge.registry.fed_contexts import FedContexts
from bridge.registry.feeders import Feeders
from bridge.registry.inbox import Inbox
from bridge.registry.invitations import Invitations
from bridge.registry.key_lock import KeyLock
from bridge.registry.keys import Keys
from bridge.registry.launch_roles import LaunchRoles
from bridge.registry.launches import Launches, ServiceKeys
from bridge.registry.leases import Leases
from bridge.registry.logins import Logins
from bridge.registry.operators import Operators
from bridge.registry.orders import Orders
from bridge.registry.pauses import Pauses
from bridge.registry.platforms import Platforms
from bridge.registry.registrations import Registrations
from bridge.registry.rosters import Rosters
from bridge.registry.sealing import Sealing
from bridge.registry.secrets import Secrets
from bridge.registry.sign_ins import SignIns
from bridge.registry.sources import Sources
from bridge.registry.targets import Targets
from bridge.registry.tokens import Tokens
from bridge.registry.tool_keys import ToolKeys
from bridge.registry.tools import Tools
from bridge.registry.tries import Tries
from bridge.registry.webhooks import Webhooks
from bridge.storage import open_database, scrub, write


class Registry:
    """The registry's file, open in this thread.

    One per thread: an SQLite connection belongs to the thread that opened it. Every method is one transaction.

    :param key_lock: what keys and secrets are encrypted with; in clear if none is given.
    """

    def __init__(self, db: Database, clock: Clock = utc_now, *, key_lock: KeyLock | None = None) -> None:
        self.db = db
        self.clock = clock
        self.recall = Recall(db.conn)
        key_lock = key_lock or KeyLock()
        self._sealing = Sealing(db, clock, key_lock)
        self.platforms = Platforms(db, clock)
        self.deployments = Deployments(db, clock)
        self.invitations = Invitations(db, clock)
        self.registrations = Registrations(db, clock)
        self.contexts = Contexts(db, clock)
        self.launch_roles = LaunchRoles(db, clock)
        self.clients = Clients(db, clock)
        self.keys = Keys(db, clock, key_lock)
        self.tokens = Tokens(db, clock)
        self.tries = Tries(db, clock)
        self.tools = Tools(db, clock)
        self.tool_tokens = Tokens(db, clock, "tool_tokens")
        self.assertions = Assertions(db, clock)
        self.logins = Logins(db, clock)
        self.secrets = Secrets(db, clock, self._sealing)
        self.inbox = Inbox(db, clock)
        self.orders = Orders(db, self.inbox)
        self.erased = Erased(db, clock, self.secrets)
        self.leases = Leases(db, clock)
        self.pauses = Pauses(db, clock)
        self.targets = Targets(db)
        self.circuits = Circuits(db, clock)
        self.webhooks = Webhooks(db, clock, self._sealing)
        self.sources = Sources(db, clock, self._sealing)
        self.tool_keys = ToolKeys(db, clock)
        self.feeders = Feeders(db, clock)
        self.fed_contexts = FedContexts(db, clock)
        self.applications = Applications(db)
        self.launches = Launches(db, clock, self.erased)
        self.service_keys = ServiceKeys(db, clock)
        self.csv_sources = CsvSources(db, clock)
        self.rosters = Rosters(self.contexts, self.sources, self.csv_sources, self.pauses, self.circuits)
        self.operators = Operators(db, clock)
        self.sign_ins = SignIns(db, clock)
        self.activity = Activity(db, clock)

    @classmethod
    def open(cls, path: Path, clock: Clock = utc_now, *, key_lock: KeyLock | None = None) -> Self:
        """Open the file, made and brought to the present schema as needed.

        :raises bridge.errors.ConfigError: if it cannot be opened, or was written by a newer version.
        """
        db = open_database(path)
        migrate(db, "bridge.registry.migrations")
        db.execute("PRAGMA secure_delete = ON")  # launches and what waits hold names, for a day or a moment
        return cls(db, clock, key_lock=key_lock)

    def source_names(self) -> set[str]:
        """What consumers, tools and webhooks can be limited to: tenants of platforms, SISs, sources of files."""
        names = {platform.tenant for platform in self.platforms.all()}
        names |= {source.name for source in self.sources.all()}
        return names | {source.name for source in self.csv_sources.all()}

    def lock_up(self) -> int:
        """Encrypt keys and secrets that lie in clear or under a former passphrase; how many there were. No trace stays.

        :raises bridge.errors.ConfigError: if one cannot be opened.
        """
        with write(self.db):
            locked = self.keys.lock_up() + self._sealing.lock_up()
        if locked:
            scrub(self.db)
        return locked

    def in_clear(self) -> int:
        """How many keys and secrets can be used by whoever reads the file."""
        return self.keys.in_clear() + self._sealing.in_clear()

    def close(self) -> None:
        """Let the file go."""
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
