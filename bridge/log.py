"""Structured logs: one line per event, JSON unless somebody is watching at a terminal.

Lines hold counts, sourcedIds, run and request ids; never a person's name, an e-mail address, a token or a query string.
"""

import logging
import sys

import structlog
from structlog.typing import Processor


def configure(level: str, fmt: str) -> None:
    """Set up logging for this process, on standard error. It may be done again, for other settings.

    :param level: the least severe level that is written: ``debug``, ``info``, ``warning`` or ``error``.
    :param fmt: ``json``, ``console``, or ``auto``: ``console`` at a terminal, else ``json``.
    """
    watched = fmt == "console" or (fmt == "auto" and sys.stderr.isatty())
    line: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = _for_people() if watched else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*line, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    # Libraries log URLs, which may hold cursors and ids: only what they call a warning is let through.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=line, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


def _for_people() -> Processor:
    # The default prints the variables of every frame, and with them names and tokens.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
