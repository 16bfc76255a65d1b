"""``bridge export`` and ``bridge import``: rosters as OneRoster CSV files."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bridge.cli.common import ROW, Session, echo_json, json_option, operator, pass_session, report
from bridge.cli.plans import plan_lines, planned
from bridge.cli.progress import counter
from bridge.cli.sync import PARTLY
from bridge.cli.terminal import echo, visible
from bridge.clock import to_stamp
from bridge.csv_export import export_csv
from bridge.csv_import import BadRow, CsvImport, Planned, open_import
from bridge.mirror.runs import GOOD
from bridge.oneroster.csv.manifest import Mode
from bridge.wording import counted

_SHOWN = 50


@click.group("export")
def export_group() -> None:
    """Write rosters to files."""


@click.group("import")
def import_group() -> None:
    """Read rosters from files."""


class _Instant(click.ParamType[str]):
    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail("write a date or an instant, as in 2026-11-20 or 2026-11-20T21:05:09.123Z", param, ctx)
        return to_stamp(instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC))


@export_group.command("csv")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source's records; may be repeated.")
@click.option("--client", "client_id", metavar="ID", help="What this OneRoster consumer is served, and nothing else.")
@click.option(
    "--delta-since", "since", type=_Instant(), help="A delta set: what has changed after this instant, in UTC."
)
@click.option("--with-resources", is_flag=True, help="The header of users.csv as in CSV Binding 1.2.0, not 1.2.1.")
@json_option
@pass_session
def export_csv_command(
    session: Session,
    out: Path,
    sources: tuple[str, ...],
    client_id: str | None,
    since: str | None,
    with_resources: bool,
    as_json: bool,
) -> None:
    """Write a set of OneRoster 1.2 CSV files to OUT, a zip file.

    It holds people's names: it is readable by its owner only, and should stay so.
    """
    with counter("row", "written") as progress:
        exported = export_csv(
            session.wiring,
            out,
            sources=sources,
            client_id=client_id,
            since=since,
            with_resources=with_resources,
            progress=progress,
        )
    lines = [f"{counted(count, 'row')} of {name}" for name, count in exported.rows.items()]
    lines += [
        f"not in {name}: {counted(count, 'record')}, because of references to something that is not there"
        for name, count in exported.left_out.items()
    ]
    if exported.formulas:
        cells = counted(exported.formulas, "cell")
        lines.append(f"beginning with =, +, - or @: {cells}, which a spreadsheet may take for formulas")
    mode = Mode.BULK if since is None else Mode.DELTA
    report(
        as_json,
        {
            "out": str(out),
            "mode": mode,
            "rows": exported.rows,
            "leftOut": dict(exported.left_out),
            "formulas": exported.formulas,
        },
        "\n".join([f"Exported to {out} ({mode}).", *(f"  {one}" for one in lines)]),
    )


@import_group.command("csv")
@click.argument("path", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", default="csv", show_default=True, metavar="NAME", help="Whose word the files are.")
@click.option("--prefix", help="Goes before every sourcedId; to be given at the first import of a source.")
@click.option(
    "--as", "told", type=click.Choice([Mode.BULK, Mode.DELTA]), help="Whatever the manifest and the rows say."
)
@click.option("--encoding", default="utf-8", show_default=True, help="Of files without a byte order mark.")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
@click.option("--approve", "approved", type=ROW, metavar="RUN", help="Let an import through that was held.")
@json_option
@pass_session
def import_csv_command(
    session: Session,
    path: Path,
    source: str,
    prefix: str | None,
    told: str | None,
    encoding: str,
    dry_run: bool,
    yes: bool,
    approved: int | None,
    as_json: bool,
) -> None:
    """Read IN, a zip file with a set of OneRoster 1.2 or 1.1 CSV files.

    What it would change is shown first. Rows that cannot be used are named, and what is held of their records stays.
    """
    if dry_run and (yes or approved is not None):
        raise click.UsageError("give --dry-run alone: it changes nothing")
    try:
        "".encode(encoding)
    except LookupError:
        raise click.UsageError(f"there is no encoding {visible(encoding)[:40]}") from None
    wiring = session.wiring
    with open_import(
        wiring, path, source=source, prefix=prefix, told=Mode(told) if told else None, encoding=encoding
    ) as opened:
        if not (dry_run or yes or approved is not None) and (as_json or not sys.stdin.isatty()):
            raise click.UsageError("nobody can be asked: give --dry-run to see the plan, or --yes to apply it")
        if not (yes or approved is not None):
            with counter("row", "read") as progress:
                would = opened.plan(progress)
            _show_plan(opened, would, as_json)
            if dry_run:
                sys.exit(PARTLY if would.bad_rows else 0)
            click.confirm("Apply?", abort=True, err=True)
        _apply(opened, approved, as_json)


def _apply(opened: CsvImport, approved: int | None, as_json: bool) -> None:
    approval = None if approved is None else opened.approval_of(approved, operator())
    with counter("row", "read") as progress:
        imported = opened.apply(progress, approval=approval)
    run = imported.run
    if as_json:
        echo_json({**_about(opened), "run": asdict(run), "badRows": [asdict(one) for one in imported.bad_rows]})
    else:
        said = run.message or (
            f"{counted(run.added, 'record')} added, {run.changed} changed, {run.removed} removed,"
            f" {run.unchanged} unchanged"
        )
        echo(
            "\n".join(
                [f"{opened.source.name}: {run.outcome} (run {run.id}): {said}", *_lines(opened, imported.bad_rows)]
            )
        )
    if run.outcome not in GOOD or imported.bad_rows:
        sys.exit(PARTLY)


def _show_plan(opened: CsvImport, would: Planned, as_json: bool) -> None:
    if as_json:
        bad_rows = [asdict(one) for one in would.bad_rows]
        echo_json({**_about(opened), **planned(would.preview), "badRows": bad_rows})
        return
    lines = list(plan_lines(opened.source.name, would.preview))
    if not would.preview.plan.complete:
        lines.append("  what is not in the files stays as it is")
    echo("\n".join([*lines, *_lines(opened, would.bad_rows)]))


def _about(opened: CsvImport) -> dict[str, Any]:
    return {
        "source": opened.source.name,
        "mode": opened.set.mode,
        "files": sorted(opened.set.files),
        "notices": list(dict.fromkeys(opened.set.notices)),
    }


def _lines(opened: CsvImport, bad_rows: Sequence[BadRow]) -> Iterator[str]:
    for notice in dict.fromkeys(opened.set.notices):
        yield f"  {notice}"
    for row in bad_rows[:_SHOWN]:
        place = f"{row.file} line {row.line}" if row.file else "held already"
        about = f" ({visible(row.subject)})" if row.subject else ""
        yield f"  {place}{about}: {row.reason}"
    if len(bad_rows) > _SHOWN:
        more = counted(len(bad_rows) - _SHOWN, "more row")
        yield f"  and {more} that cannot be used: --json names them all"
