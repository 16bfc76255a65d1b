"""``bridge purge``, ``bridge backup`` and ``bridge restore``."""

from dataclasses import asdict
from pathlib import Path

import click

from bridge.backups import BackupFailed, back_up
from bridge.backups import restore as restore_backup
from bridge.cli.common import Session, json_option, pass_session, report
from bridge.clock import utc_now
from bridge.registry.erased import ErasedList
from bridge.upkeep import count_purge
from bridge.upkeep import purge as purge_now


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be dropped; drop nothing.")
@json_option
@pass_session
def purge(session: Session, dry_run: bool, as_json: bool) -> None:
    """Drop what has been kept for as long as the configuration says.

    The scheduler does so once a day.
    """
    purged = count_purge(session.wiring) if dry_run else purge_now(session.wiring)
    counts = ", ".join(f"{name} {count}" for name, count in purged.as_dict().items())
    report(as_json, purged.as_dict(), f"{'Would drop' if dry_run else 'Dropped'}: {counts}.")


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@json_option
@pass_session
def backup(session: Session, out: Path, as_json: bool) -> None:
    """Copy both databases to OUT, a zip file if it ends so and else a folder, while everything runs.

    It holds people's names and the bridge's keys: it is readable by its owner only, and should stay so. Of
    storage.key_file it holds nothing: keep a copy of that elsewhere.
    """
    _ = session.wiring  # both files are made, migrated and found usable
    made = back_up(session.settings.storage, out, utc_now)
    key_file = session.settings.storage.key_file
    needs = f" Its keys and secrets open only with {key_file}, which is not in it: keep a copy of that elsewhere."
    report(
        as_json,
        {"out": str(out), **asdict(made), "needs": None if key_file is None else str(key_file)},
        f"Backed up to {out}.{needs if key_file else ''}",
    )


@click.command()
@click.argument("source", metavar="IN", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--erased",
    "erased_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Who was erased where the backup comes from: a file of 'bridge people erased'.",
)
@json_option
@pass_session
def restore(session: Session, source: Path, erased_file: Path | None, as_json: bool) -> None:
    """Put a backup in the place of both databases; the bridge must not run.

    What was there is set aside, not overwritten. The mirror gets a new epoch, and every record counts as changed now.
    Whoever was erased here since the backup was made is erased from it again.
    """
    erased = None if erased_file is None else _erased_list(erased_file)
    restored = restore_backup(session.settings.storage, source, utc_now, erased=erased)
    aside = "".join(f"\nWhat was there is now {path}" for path in restored.set_aside)
    report(
        as_json,
        {
            "epoch": restored.epoch,
            "formerEpoch": restored.backup.epoch,
            "made": restored.backup.made,
            "setAside": [str(path) for path in restored.set_aside],
        },
        f"Restored the backup of {restored.backup.made}. The mirror has a new epoch: cursors of the events feed and of"
        f" OneRoster pages are refused, webhooks are told of a gap, and consumers that ask for changes get"
        f" every record once more.{aside}",
    )


def _erased_list(path: Path) -> ErasedList:
    try:
        return ErasedList.read(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BackupFailed(f"{path}: is no list of 'bridge people erased'") from error
