"""Structured logs: one line per event, JSON unless somebody is watching at a terminal.

Lines hold counts, sourcedIds, run and request ids; never a person's name, an e-mail address, a token or a query string.
"""

import json
import logging
import sys
from collections.abc import Callable
from functools import partial

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def configure(level: str, fmt: str) -> None:
    """Set up logging for this process, on standard error. It may be done again, for other settings.

    :param level: the least severe level that is written: ``debug``, ``info``, ``warning`` or ``error``.
    :param fmt: ``json``, ``console``, or ``auto``: ``console`` at a terminal, else ``json``.
    """
    watched = fmt == "console" or (fmt == "auto" and sys.stderr.isatty())
    line: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamped,
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = _for_people() if watched else _as_json
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


def line_writer(event: str) -> Callable[..., None]:
    """What writes lines of one event, as a logger's ``info`` would. To be asked for when the log has been configured.

    Every request writes such a line. Where lines are JSON it is made here, at half the cost: nobody is asked what else
    is to be told, and done. So the id of the request is to be among the values.
    """
    logger = structlog.get_logger().bind()
    if structlog.get_config()["processors"][-1] is not _as_json or not logger.is_enabled_for(logging.INFO):
        return partial(logger.info, event)
    written = structlog.get_config()["logger_factory"]()

    def write_json(**values: str | float | None) -> None:
        line = {**values, "event": event, "level": "info"}
        written.info(_as_json(written, "info", _stamped(written, "info", line)))

    return write_json


_stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)
_encoder = msgspec.json.Encoder()
_PLAIN = frozenset({str, int, float, bool, type(None)})


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """An event as one line of ASCII, so that nothing in it can end the line or move a terminal's cursor.

    Every request writes one, of plain values: msgspec does those in a tenth of the standard library's time. It would
    look into other objects, which are to say for themselves what is shown of them.
    """
    if _PLAIN.issuperset(map(type, event.values())):
        try:
            line = _encoder.encode(event)
        except (ValueError, OverflowError):  # half of a surrogate pair, a number beyond 64 bits
            return json.dumps(event)
        if line.isascii():
            return line.decode()
    return json.dumps(event, default=repr)


def _for_people() -> Processor:
    # The default prints the variables of every frame, and with them names and tokens.
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
