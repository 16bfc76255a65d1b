"""What a zip holds of a set: which files count, and whether they say all or only what has changed."""

from collections.abc import Iterable

from bridge.errors import SourceRefused
from bridge.oneroster.csv.archive import Archive
from bridge.oneroster.csv.manifest import FILE, Manifest, Mode, parse_manifest
from bridge.oneroster.csv.rows import Header
from bridge.oneroster.csv.tables import DATA_FILES, TABLES, Table


class CsvSet:
    """A set, opened.

    :param told: the operator's word, which goes before the manifest's and the rows'.
    :ivar files: the tables that are read, by name.
    :ivar mode: bulk if all of these are; a set that mixes both is read as delta.
    :ivar notices: what a person should know, without personal data.
    :raises SourceRefused: if the manifest cannot be read, or contradicts the zip.
    """

    def __init__(self, archive: Archive, *, told: Mode | None = None) -> None:
        self.notices: list[str] = []
        self.told_to_be_bulk = told is Mode.BULK
        present = [name.removesuffix(".csv") for name in archive.names]
        self.manifest = self._manifest(archive, present)
        modes = self.manifest.modes
        missing = sorted(name for name, mode in modes.items() if mode is not Mode.ABSENT and name not in present)
        if missing:
            raise SourceRefused(f"{FILE} speaks of files that are not in the zip: {_listed(missing)}")
        self.files = frozenset(
            name for name in present if name in TABLES and modes.get(name, Mode.ABSENT) is not Mode.ABSENT
        )
        self._notice_others(present)
        said = {told or modes[name] for name in self.files}
        self.mode = Mode.BULK if said == {Mode.BULK} else Mode.DELTA
        if len(said) > 1:
            self.notices.append("some files are bulk and some delta: all are read as delta, and nobody ends by silence")

    def notice_header(self, table: Table, header: Header) -> None:
        """Note what of a file is not read."""
        if header.unknown:
            self.notices.append(f"{table.file}: {header.unknown} columns that OneRoster does not have are passed over")

    def _manifest(self, archive: Archive, present: Iterable[str]) -> Manifest:
        if FILE in archive:
            with archive.open(FILE) as text:
                try:
                    return parse_manifest(text)
                except UnicodeDecodeError as error:
                    raise SourceRefused(f"{FILE}: is not {error.encoding.upper()}") from error
        known = [name for name in present if name in TABLES]
        if not known:
            raise SourceRefused(f"the zip holds no OneRoster files: neither {FILE} nor {_listed(TABLES)}")
        self.notices.append(f"there is no {FILE}: read as OneRoster 1.0, every file as bulk")
        return Manifest("1.0", dict.fromkeys(known, Mode.BULK))

    def _notice_others(self, present: Iterable[str]) -> None:
        names = [name for name in present if f"{name}.csv" != FILE]
        absent = sorted(name for name in names if name in TABLES and name not in self.files)
        if absent:
            self.notices.append(f"passed over, since {FILE} calls them absent: {_listed(absent)}")
        unkept = sorted(name for name in names if name in DATA_FILES and name not in TABLES)
        if unkept:
            self.notices.append(f"passed over, since the bridge keeps rosters only: {_listed(unkept)}")
        strange = [name for name in names if name not in DATA_FILES]
        if strange:
            self.notices.append(f"passed over, since OneRoster has no files of that name: {len(strange)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{name}.csv"[:64] for name in names)
