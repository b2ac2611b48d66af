"""`stackhand rvtools`: an RVTools export read and graded, from a terminal or a script."""

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.commands.failures import USAGE, Failure

if TYPE_CHECKING:
    from engines.migration.assessment import Assessment
    from engines.migration.dossiers import Dossier
    from engines.migration.plans import MigrationPlan, Ordering, Settings
    from engines.migration.risks import RiskRules

_RESULT, _WORKBOOK, _PDF, _CSV = "migration.json", "migration.xlsx", "migration.pdf", "migration.csv.zip"


def rvtools(
    file: Annotated[Path, typer.Argument(help="The export: .xlsx, or a zip of CSV files.")],
    out: Annotated[
        Path | None, typer.Option(help="Directory for the workbook, the PDF, the CSV files and the JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD; the Monday after the export otherwise.")] = "",
    hours: Annotated[str, typer.Option(help="Working hours of a day in UTC, as 8-18.")] = "0-24",
    agents: Annotated[int, typer.Option(min=1, max=64, help="Migration agents.")] = 2,
    gbit: Annotated[float, typer.Option(min=0.0, help="Speed of a dedicated link; 0 for none.")] = 0.0,
    off: Annotated[list[str] | None, typer.Option(help="A day on which nothing is moved, YYYY-MM-DD; repeat.")] = None,
    cohorts: Annotated[int | None, typer.Option(help="Cohorts of tenants; 0 for none.")] = None,
    cohorts_by: Annotated[str, typer.Option(help="How tenants are put into cohorts.")] = "easiest_first",
    waves: Annotated[str, typer.Option(help="How VMs are put into waves.")] = "pilot_first",
    wave_vms: Annotated[int, typer.Option(min=1, help="VMs of a wave at the most.")] = 30,
    wave_gib: Annotated[int, typer.Option(min=0, help="GiB of a wave at the most; 0 for no limit.")] = 0,
    pilot: Annotated[int | None, typer.Option(min=0, help="VMs of the pilot.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Risk rules that differ, as JSON.")] = None,
) -> None:
    """Read an RVTools export, grade every VM, and plan cohorts, waves and their schedule."""
    from engines.migration.assessment import assess
    from engines.migration.plans import make_plan
    from engines.migration.reading.reader import read_export

    changed = _rules(rules)
    told = _tell if sys.stderr.isatty() else _keep_quiet
    with _uncollected():
        assessment = assess(read_export(file, progress=told), rules=changed)
        ordering = _ordering(cohorts, cohorts_by, waves, wave_vms, wave_gib, pilot)
        plan = make_plan(assessment, _settings(assessment, start, hours, off or [], agents, gbit, ordering))
        found = _dossier(plan, file)
        files = _write(found, out) if out is not None else []
        result = _result(found, files)
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1) if as_json else _text(result))


@contextmanager
def _uncollected() -> Iterator[None]:
    """One file and its plan live to the end: to look through them for circles takes a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _tell(sheet: str, rows: int) -> None:
    typer.echo(f"  {sheet}: {rows:,} rows", err=True)


def _keep_quiet(sheet: str, rows: int) -> None:
    """Progress is for people: a script's stderr stays empty when all is well."""


def _rules(path: Path | None) -> "RiskRules":
    from engines.migration.risks import DEFAULT_RULES, rules_from

    if path is None:
        return DEFAULT_RULES
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"{path.name} cannot be read as JSON", "check the path and its contents", USAGE) from error
    if not isinstance(given, dict):
        raise Failure(f"{path.name} holds no rules", 'write them as {"weights": {"usb": 30}}', USAGE)
    return rules_from(given)


def _ordering(cohorts: int | None, by: str, waves: str, wave_vms: int, wave_gib: int, pilot: int | None) -> "Ordering":
    from engines.migration.cohorts import CohortRules, PlanRefused
    from engines.migration.packing import Limits
    from engines.migration.plans import Ordering
    from engines.migration.waves import WaveRules

    limits = Limits(vms=wave_vms, mib=wave_gib * 1024 or None)
    try:
        made = CohortRules(_word(by), cohorts or None) if cohorts != 0 else None  # type: ignore[arg-type]
        return Ordering(cohorts=made, waves=WaveRules(_word(waves), limits, pilot))  # type: ignore[arg-type]
    except PlanRefused as refused:
        raise Failure(refused.what, refused.fix, USAGE) from refused


def _word(given: str) -> str:
    """ "Easiest first" and "easiest-first" are the same."""
    return "_".join(given.casefold().replace("-", " ").replace("_", " ").split())


def _days(given: list[str]) -> frozenset[date]:
    try:
        return frozenset(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date() for day in given)
    except ValueError as error:
        raise Failure("a day off is no day", "write it as 2027-01-31", USAGE) from error


def _settings(
    assessment: "Assessment",
    start: str,
    hours: str,
    off: list[str],
    agents: int,
    gbit: float,
    ordering: "Ordering",
) -> "Settings":
    from engines.migration.calendars import Calendar
    from engines.migration.plans import Settings
    from engines.migration.transfer import Transfer

    begin, _, end = hours.partition("-")
    try:
        calendar = Calendar(_first_day(assessment, start), float(begin), float(end), blackout=_days(off))
    except ValueError as error:
        raise Failure(f"{hours!r} are no hours of a day", "write them as 8-18", USAGE) from error
    transfer = Transfer(agents=agents, topology="dedicated", link_gbps=gbit) if gbit else Transfer(agents=agents)
    return Settings(transfer, calendar, ordering=ordering)


def _first_day(assessment: "Assessment", start: str) -> datetime:
    from engines.migration.plans import first_day

    try:
        wished = datetime.strptime(start, "%Y-%m-%d").replace(tzinfo=UTC).date() if start else None
    except ValueError as error:
        raise Failure(f"{start!r} is no day", "write it as 2027-01-31", USAGE) from error
    if wished is None and assessment.around.as_of is None:  # nothing in the file tells the time: today does
        wished = datetime.now(UTC).date()
    return first_day(assessment, wished)


def _dossier(plan: "MigrationPlan", file: Path) -> "Dossier":
    from engines.migration.dossiers import dossier_without_target
    from engines.migration.intake import project_name

    return dossier_without_target(plan, project_name(file.name, plan.assessment.estate), datetime.now(UTC))


def _write(found: "Dossier", out: Path) -> list[str]:
    from engines.exports import ExportError
    from engines.migration.csv_files import write_csv_zip
    from engines.migration.pdf.report import write_pdf
    from engines.migration.sheets import plan_sheets
    from engines.migration.workbook import write_workbook

    files = [str(out / name) for name in (_WORKBOOK, _PDF, _CSV, _RESULT)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_workbook(out / _WORKBOOK, plan_sheets(found), {"title": f"{found.title} {found.name}"})
        write_pdf(out / _PDF, found)
        write_csv_zip(out / _CSV, plan_sheets(found))
        text = json.dumps(_result(found, files), ensure_ascii=False, indent=1)
        (out / _RESULT).write_text(text + "\n", encoding="utf-8")
    except ExportError as error:
        raise Failure(error.what, error.fix) from error
    except OSError as error:
        raise Failure(f"nothing can be written to {out}", "choose another directory with --out") from error
    return files


def _result(found: "Dossier", files: list[str]) -> dict[str, Any]:
    from engines.migration.dossier_results import dossier_json

    return dossier_json(found, files)


def _text(result: dict[str, Any]) -> str:
    totals, risk, mode, schedule = result["totals"], result["risk"], result["mode"], result["schedule"]
    left_out = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in result["left_out"].items())
    lines = [
        f"{result['read']['file']}: {totals['vms']:,} VMs and {totals['templates']:,} templates",
        f"  risk      {risk['green']:,} green, {risk['yellow']:,} yellow, {risk['red']:,} red",
        f"  mode      {mode['warm']:,} warm, {mode['cold']:,} cold",
        f"  tenants   {len(result['tenants']):,}, {result['without_tenant']:,} VMs without one",
        f"  left out  {left_out or 'nothing'}",
        f"  cohorts   {_listed(result['cohorts'])}",
        f"  waves     {_listed(result['waves'])}",
        *(f"  unplaced  {one['name']}: {one['why']}" for one in result["unplaced"][:10]),
        f"  schedule  {schedule['start'][:16]} to {schedule['end'][:16]} UTC",
        f"  held by   {schedule['bottleneck'] or 'nothing'}",
        f"  not checked for want of a column: {len(result['not_checked']):,} of the concerns",
        *(f"  note      {note}" for note in [*result["read"]["notes"], *result["notes"]]),
        *(f"  written   {path}" for path in result["files"]),
    ]
    return "\n".join(lines)


def _listed(found: list[dict[str, Any]]) -> str:
    more = f" and {len(found) - 6:,} more" if len(found) > 6 else ""
    return ", ".join(f"{one['name']} ({one['vms']:,})" for one in found[:6]) + more or "none"
