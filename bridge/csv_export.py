"""Exporting the mirror as a set of OneRoster CSV files."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.errors import BridgeError, InvalidRequest
from bridge.mirror.extracts import Extract
from bridge.oneroster.csv.exporting import ExportReport, export_set
from bridge.oneroster.csv.manifest import Mode
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring


class ExportFailed(BridgeError):
    """The zip cannot be written: the message says why."""


def export_csv(
    wiring: Wiring,
    out: Path,
    *,
    sources: Sequence[str] = (),
    since: str | None = None,
    with_resources: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ExportReport:
    """Write a set to a zip file, readable by its owner only. What is there is replaced when it is complete.

    :param sources: whose records; all if none is named.
    :param since: a stamp: a delta set of what has changed after it.
    :param with_resources: with the header of ``users`` as in CSV Binding 1.2.0.
    :param progress: told now and then how many rows have been written.
    :raises InvalidRequest: if the mirror knows nothing of a source.
    :raises ExportFailed: if the file cannot be written.
    """
    mirror = wiring.mirror_to_read
    unknown = sorted(set(sources) - set(mirror.source_ids()))
    if unknown:
        raise InvalidRequest("source", f"the mirror holds nothing of {unknown[0]}: see 'bridge runs'")
    visibility = Visibility.of(*sources) if sources else Visibility.of_all()
    mode = Mode.BULK if since is None else Mode.DELTA
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        try:
            with os.fdopen(handle, "wb") as file, Extract.of(mirror, visibility, since) as extract:
                report = export_set(extract, file, mode, with_resources=with_resources, progress=progress)
            Path(name).replace(out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ExportFailed(f"{out}: cannot be written: {error.strerror}") from error
    return report
