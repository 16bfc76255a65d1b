"""``bridge serve`` and ``bridge schedule``: the two processes of a running bridge."""

import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
import structlog
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.server import Server

from bridge import log as bridge_log
from bridge.app import from_environment
from bridge.cli.common import Session, pass_session
from bridge.cli.processes import end, follow_parent, start_bridge, with_parent
from bridge.errors import BridgeError
from bridge.metrics.requests import forget
from bridge.scheduling import Scheduling
from bridge.settings import CONFIG_VARIABLE
from bridge.sync.scheduler import Scheduler
from bridge.upkeep import Subscribers, catch_up, purge_daily
from bridge.wiring import Wiring

log = structlog.get_logger(__name__)

_RESTART_AFTER = 5.0
_TELL_AT_ONCE = 0.25
"""Seconds of telling members at a time: about as long others may write."""
_STOP_WORKER_WITHIN = 10
_STOP_SCHEDULER_WITHIN = 10.0


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
    settings = session.settings
    host, port = host or settings.server.host, port or settings.server.port
    workers = workers or settings.server.workers
    check_free(host, port)
    session.wiring.close()  # both files are made, migrated and found usable before anything is served
    forget(settings.storage.counts)
    bridge_log.configure(settings.log.level, settings.log.format)
    if session.config is not None:
        os.environ[CONFIG_VARIABLE] = str(session.config.absolute())
    server = Server(
        f"{__name__}:{application.__name__}",
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,  # what proxies speak to it: one framing less to be fooled with
        address=host,
        port=port,
        workers=workers,
        blocking_threads=settings.server.threads,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_WORKER_WITHIN,
    )
    if with_parent:
        follow_parent()
    log.info("serving", address=host, port=port, workers=workers, public_url=settings.server.public_url)
    with _scheduler_beside(enabled=not no_schedule):
        # Loaded by itself, granian would look for the application in the folder that it is started in.
        server.serve(target_loader=application, wrap_loader=False)


def application() -> Flask:
    """What each worker process runs: the application, until the process that started it is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, name="parent-watch", daemon=True).start()
    return from_environment()


@click.command()
@with_parent
@pass_session
def schedule(session: Session, with_parent: bool) -> None:
    """Run the scheduler alone: the inbox at once, every context before it grows stale."""
    settings = session.settings
    wiring = Wiring(settings)
    bridge_log.configure(settings.log.level, settings.log.format)
    wiring.prepare()
    scheduling = Scheduling(wiring)
    scheduler = Scheduler(
        hold_lease=wiring.hold_scheduler_lease,
        take_inbox=scheduling.take_inbox,
        refresh=scheduling.refresh,
        deliver=Subscribers(wiring).deliver,
        tell=lambda: wiring.telling.work(_TELL_AT_ONCE),
        purge=lambda: purge_daily(wiring),
        catch_up=lambda: catch_up(wiring),
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if with_parent:
        follow_parent()
    with scheduling.workers():
        scheduler.run()
        wiring.release_scheduler_lease()
        # A reading in progress may take minutes; every write is one transaction, so it may be cut here.
        os._exit(0)


def check_free(host: str, port: int) -> None:
    """Find out here and not in every worker that the address cannot be listened at.

    :raises BridgeError: saying why.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        why = (error.strerror or type(error).__name__).partition(" (")[0].lower()
        raise BridgeError(
            f"cannot listen at {host}, port {port}: {why}; choose others with --host and --port"
        ) from error


@contextmanager
def _scheduler_beside(*, enabled: bool) -> Iterator[None]:
    """Keep a scheduler process running while the block runs."""
    if not enabled:
        yield
        return
    # The first is started before the workers are: a worker that is forked while a process is being started inherits
    # what that start waits for.
    running = [start_bridge("schedule")]
    starting = threading.Lock()
    stopping = threading.Event()

    def keep_running() -> None:
        while True:
            code = running[0].wait()
            if not stopping.is_set():
                log.error("scheduler_ended", code=code, restart_after=_RESTART_AFTER)
            stopping.wait(_RESTART_AFTER)
            with starting:
                if stopping.is_set():
                    return
                running[0] = start_bridge("schedule")

    keeper = threading.Thread(target=keep_running, name="scheduler-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        with starting:
            stopping.set()
        end(running[0], _STOP_SCHEDULER_WITHIN)
        keeper.join()
