"""Exporting the mirror as a set of OneRoster CSV files."""

import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from bridge.errors import BridgeError, InvalidRequest, UnknownObject
from bridge.mirror.extracts import Extract
from bridge.oneroster.csv.exporting import ExportReport, export_set
from bridge.oneroster.csv.manifest import Mode
from bridge.oneroster.scopes import readable_collections
from bridge.roster.model import COLLECTIONS
from bridge.roster.visibility import Visibility
from bridge.wiring import Wiring


class ExportFailed(BridgeError):
    """The zip cannot be written: the message says why."""


def export_csv(
    wiring: Wiring,
    out: Path,
    *,
    sources: Sequence[str] = (),
    client_id: str | None = None,
    since: str | None = None,
    with_resources: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ExportReport:
    """Write a set to a zip file, readable by its owner only. What is there is replaced when it is complete.

    :param sources: whose records; all if none is named.
    :param client_id: instead of that, a OneRoster consumer: what she is served, and nothing else.
    :param since: a stamp: a delta set of what has changed after it.
    :param with_resources: with the header of ``users`` as in CSV Binding 1.2.0.
    :param progress: told now and then how many rows have been written.
    :raises InvalidRequest: if the mirror knows nothing of a source, or both sources and a client are named.
    :raises UnknownObject: if no client has this id.
    :raises ExportFailed: if the file cannot be written.
    """
    mirror = wiring.mirror_to_read
    unknown = sorted(set(sources) - set(mirror.source_ids()))
    if unknown:
        raise InvalidRequest("source", f"the mirror holds nothing of {unknown[0]}: see 'bridge runs'")
    visibility = Visibility.of(*sources) if sources else Visibility.of_all()
    collections: Collection[str] = COLLECTIONS
    if client_id is not None:
        if sources:
            raise InvalidRequest("source", "is the client's to say: name sources or a client, not both")
        client = wiring.registry.clients.by_id(client_id)
        if client is None:
            raise UnknownObject(f"no client has the id {client_id}: see 'bridge clients list'")
        if client.revoked is not None:
            raise InvalidRequest("client", f"{client_id} is revoked: it is served nothing")
        visibility, collections = client.visibility, readable_collections(client.scopes)
    mode = Mode.BULK if since is None else Mode.DELTA
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
        try:
            with (
                os.fdopen(handle, "wb") as file,
                Extract.of(mirror, visibility, since, collections=collections) as extract,
            ):
                report = export_set(extract, file, mode, with_resources=with_resources, progress=progress)
            Path(name).replace(out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ExportFailed(f"{out}: cannot be written: {error.strerror}") from error
    return report
