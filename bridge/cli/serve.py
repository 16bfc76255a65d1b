"""``bridge serve`` and ``bridge schedule``: the two processes of a running bridge."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from granian.constants import Interfaces
from granian.server import Server

from bridge import log
from bridge.cli.common import Session, pass_session
from bridge.scheduling import Scheduling
from bridge.settings import CONFIG_VARIABLE
from bridge.sync.scheduler import Scheduler
from bridge.upkeep import Subscribers, purge_daily
from bridge.wiring import Wiring

_RESTART_AFTER = 5.0
_STOP_WITHIN = 20.0

with_parent = click.option(
    "--with-parent",
    is_flag=True,
    hidden=True,
    help="End when standard input ends: for a parent process that must not leave this one behind.",
)


@click.command()
@click.option("--host", help="The address to listen at; default as configured.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen at; default as configured.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer requests; default as configured.")
@click.option("--no-schedule", is_flag=True, help="Do not run the scheduler beside the web workers.")
@with_parent
@pass_session
def serve(
    session: Session, host: str | None, port: int | None, workers: int | None, no_schedule: bool, with_parent: bool
) -> None:
    """Serve, and run the scheduler beside the web workers."""
    settings = session.settings.server
    _ = session.wiring  # both files are made, migrated and found usable before anything is served
    if session.config is not None:
        os.environ[CONFIG_VARIABLE] = str(session.config.absolute())
    server = Server(
        "bridge.app:from_environment",
        factory=True,
        interface=Interfaces.WSGI,
        address=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
        blocking_threads=4,
        log_enabled=False,
        respawn_failed_workers=True,
        # A worker that is told to stop while it still starts can miss it (granian 2.8).
        workers_kill_timeout=5,
    )
    if with_parent:
        _follow_parent()
    with _scheduler_beside(enabled=not no_schedule):
        server.serve()


@click.command()
@with_parent
@pass_session
def schedule(session: Session, with_parent: bool) -> None:
    """Run the scheduler alone: the inbox at once, every context before it grows stale."""
    settings = session.settings
    wiring = Wiring(settings)
    log.configure(settings.log.level, settings.log.format)
    wiring.prepare()
    scheduling = Scheduling(wiring)
    scheduler = Scheduler(
        hold_lease=wiring.hold_scheduler_lease,
        take_inbox=scheduling.take_inbox,
        refresh=scheduling.refresh,
        deliver=Subscribers(wiring).deliver,
        purge=lambda: purge_daily(wiring),
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if with_parent:
        _follow_parent()
    with scheduling.workers():
        scheduler.run()
        wiring.release_scheduler_lease()
        # A reading in progress may take minutes; every write is one transaction, so it may be cut here.
        os._exit(0)


@contextmanager
def _scheduler_beside(*, enabled: bool) -> Iterator[None]:
    """Keep a scheduler process running while the block runs."""
    if not enabled:
        yield
        return
    stopping = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def keep_running() -> None:
        while not stopping.is_set():
            # A session of its own: Ctrl-C at the terminal goes to the parent, which ends it in order.
            child = subprocess.Popen(
                [sys.executable, "-m", "bridge", "schedule", "--with-parent"],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
            running[:] = [child]
            child.wait()
            stopping.wait(_RESTART_AFTER)

    keeper = threading.Thread(target=keep_running, name="scheduler-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stopping.set()
        for child in running:
            child.terminate()
            try:
                child.wait(_STOP_WITHIN)
            except subprocess.TimeoutExpired:
                child.kill()
        keeper.join(_STOP_WITHIN)


def _follow_parent() -> None:
    """End this process, as by SIGTERM, when standard input ends: the parent is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
