"""Structured logs: one line per event, JSON unless somebody is watching at a terminal.

Lines hold counts, sourcedIds, run and request ids; never a person's name, an e-mail address, a token or a query string.
"""

import logging
import sys

import structlog


def configure(level: str, fmt: str) -> None:
    """Set up logging for this process, on standard error.

    :param level: the least severe level that is written: ``debug``, ``info``, ``warning`` or ``error``.
    :param fmt: ``auto`` is ``console`` at a terminal, else ``json``.
    """
    watched = fmt == "console" or (fmt == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if watched else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries log URLs, which may hold cursors and ids: only what they call a warning is let through.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
