"""Processes that start others and must not leave them behind, and the signals that end a program."""

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Self

import click

import bridge

_PACKAGES = Path(bridge.__file__).parents[1]
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

with_parent = click.option(
    "--with-parent",
    is_flag=True,
    hidden=True,
    help="End when standard input ends: for a parent process that must not leave this one behind.",
)


def start_bridge(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a command of the bridge that has ``--with-parent``: it ends when this process does, however that happens.

    It has a session of its own: Ctrl-C at the terminal comes to this process alone, which ends the other in order.
    Code is never looked for in the folder that it is started in (``-P``), where others may be able to write.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bridge", *arguments, "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env=_with_bridge(os.environ if environ is None else environ),
    )


def _with_bridge(environ: Mapping[str, str]) -> Mapping[str, str]:
    """An environment in which Python finds this bridge, also one that runs from a checkout."""
    if str(_PACKAGES) == sysconfig.get_path("purelib"):
        return environ
    paths = [str(_PACKAGES), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


def end(child: subprocess.Popen[bytes], within: float) -> None:
    """End a process of :func:`start_bridge`: politely, and after so many seconds by force, with its own children."""
    child.terminate()
    try:
        child.wait(within)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    finally:
        if child.stdin is not None:
            child.stdin.close()


def follow_parent() -> None:
    """End this process, as by SIGTERM, when standard input ends: the parent is gone."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


class Stopped(Exception):
    """Ctrl-C, or a polite kill."""


class StopSignals:
    """The signals that end a program, noticed between its steps: nothing is cut in the middle and left behind."""

    def __init__(self) -> None:
        # A queue, since put() may be called from a signal handler at any moment.
        self._told: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> Self:
        def tell(_signal: int, _frame: FrameType | None) -> None:
            self._told.put(None)

        for each in _ENDING:
            signal.signal(each, tell)
        return self

    def __exit__(self, *_: object) -> None:
        # The process ends now anyway, and ends in order.
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)

    def wait(self, seconds: float | None = None) -> None:
        """Wait so long, or for ever.

        :raises Stopped: as soon as, or because, one of the signals has come.
        """
        with contextlib.suppress(Empty):
            self._told.get(timeout=seconds)
            raise Stopped
