"""``bridge downgrade``: both databases taken back, so that an older version of the bridge can work with them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bridge import storage
from bridge.backups import back_up
from bridge.cli.common import Session, echo_json, json_option, pass_session
from bridge.cli.terminal import echo
from bridge.clock import utc_now
from bridge.downgrading import WayBack, present, ways_back
from bridge.downgrading import downgrade as take_back
from bridge.releases import RELEASES, Schemas


@click.command()
@click.option("--to", "version", type=click.Choice(list(RELEASES)), help="The version that is to work with them.")
@click.option("--mirror", type=click.IntRange(1), metavar="NUMBER", help="The schema that mirror.sqlite is to have.")
@click.option("--registry", type=click.IntRange(1), metavar="NUMBER", help="Likewise registry.sqlite.")
@click.option("--dry-run", is_flag=True, help="Say what would be lost; change nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option(
    "--backup",
    "out",
    type=click.Path(path_type=Path),
    help="Where both databases are backed up to before; otherwise a file beside them.",
)
@click.option("--no-backup", is_flag=True, help="Make none.")
@json_option
@pass_session
def downgrade(
    session: Session,
    version: str | None,
    mirror: int | None,
    registry: int | None,
    dry_run: bool,
    yes: bool,
    out: Path | None,
    no_backup: bool,
    as_json: bool,
) -> None:
    """Take both databases back to an older schema; the bridge must not run.

    To be done with the newer version, before the older one is installed. Name the version, or the numbers that it gives
    when it refuses the databases. What both versions know stays as it is; what is lost is said first. Nothing else may
    be called of the newer version afterwards: it would take the databases forward again.
    """
    if (version is None) == (mirror is None and registry is None):
        raise click.UsageError("give --to VERSION, or --mirror NUMBER and --registry NUMBER, or one of these two")
    if no_backup and out is not None:
        raise click.UsageError("give --backup or --no-backup, not both")
    files = session.settings.storage
    newest = present()  # a file that is not named stays
    to = RELEASES[version] if version else Schemas(mirror=mirror or newest.mirror, registry=registry or newest.registry)
    ways = ways_back(files, to)
    if dry_run or not any(way.steps for way in ways):
        _report(ways, as_json, done=False)
        return
    if not yes and (as_json or not sys.stdin.isatty()):
        raise click.UsageError("nobody can be asked: give --dry-run to see what would be lost, or --yes to do it")
    for way in ways:
        storage.check_unused(way.path)
    if not as_json:
        echo(_in_words(ways))
    if not yes:
        click.confirm("Take them back?", abort=True, err=True)
    if not no_backup:
        out = out or files.directory / f"before-downgrade-{utc_now():%Y%m%dT%H%M%SZ}.zip"
        back_up(files, out, utc_now)
    _report(take_back(files, to), as_json, done=True, backup=out)


def _report(ways: Sequence[WayBack], as_json: bool, *, done: bool, backup: Path | None = None) -> None:
    if as_json:
        shown = [_shown(way) for way in ways]
        echo_json({"done": done, "backup": None if backup is None else str(backup), "files": shown})
    elif done:
        made = "" if backup is None else f" What was there is in {backup}."
        echo(f"Done.{made} Install the older version now, before any other command of this one is called.")
    else:
        echo(_in_words(ways))


def _in_words(ways: Sequence[WayBack]) -> str:
    lines = []
    for way in ways:
        if way.steps:
            steps = ", ".join(f"{step.number} {step.name}" for step in way.steps)
            lines.append(f"{way.path}: schema {way.before}, back to {way.after}: without {steps}")
        else:
            lines.append(f"{way.path}: schema {way.before}: stays as it is")
        if way.steps:
            lines += [f"  lost: {sentence}" for sentence in way.lost] or ["  nothing is lost"]
    return "\n".join(lines)


def _shown(way: WayBack) -> dict[str, Any]:
    return {
        "file": str(way.path),
        "before": way.before,
        "after": way.after,
        "steps": [{"number": step.number, "name": step.name} for step in way.steps],
        "lost": way.lost,
        "rows": way.rows,
    }
