"""A migration as a file: workbook, PDF, CSV or JSON; a plan where cohorts and waves were built, else its assessment."""

import asyncio
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.handlers.asking import Ask
from bot.migrating import Meant, plan_or_why
from bot.migration_targets import networks_mapped, projects_mapped, target_state
from bot.replies import File, Reply
from storage import migration_waves as rows

if TYPE_CHECKING:
    from engines.migration.dossiers import Dossier

_MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "csv": "application/zip",
    "json": "application/json",
}
_SUFFIXES = {"csv": "csv.zip"}
FORMATS = tuple(_MIMES)


async def dossier_of(ask: Ask, which: Meant) -> "Dossier | Reply":
    """The plan held against what the asker sees of the target; or why there is no plan."""
    from engines.migration.dossiers import dossier

    plan = await plan_or_why(ask, which)
    if isinstance(plan, Reply):
        return plan
    id_ = which.project.id
    target = await target_state(ask)
    projects = await projects_mapped(ask, id_, plan)
    networks = await networks_mapped(ask, id_, plan, target)
    is_plan = bool(await rows.waves(ask.conn, id_))
    made = partial(dossier, plan, which.project.name, target, projects, networks, made_at=ask.now, is_plan=is_plan)
    return await asyncio.to_thread(made)


def as_file(dossier: "Dossier", form: str) -> File:
    """`form` of FORMATS. Blocks. Raises ExportError for what the form cannot hold."""
    with tempfile.TemporaryDirectory(prefix="stackhand-plan-") as scratch:
        path = Path(scratch) / "plan"
        _write(path, dossier, form)
        return File(dossier.file_name(_SUFFIXES.get(form, form)), _MIMES[form], path.read_bytes())


def _write(path: Path, dossier: "Dossier", form: str) -> None:
    match form:
        case "pdf":
            from engines.migration.pdf.report import write_pdf

            write_pdf(path, dossier)
        case "csv":
            from engines.migration.csv_files import write_csv_zip
            from engines.migration.sheets import plan_sheets

            write_csv_zip(path, plan_sheets(dossier))
        case "json":
            from engines.migration.dossier_results import dossier_json

            text = json.dumps(dossier_json(dossier, []), ensure_ascii=False, indent=1)
            path.write_text(text + "\n", encoding="utf-8", errors="replace")
        case _:
            from engines.migration.sheets import plan_sheets
            from engines.migration.workbook import write_workbook

            write_workbook(path, plan_sheets(dossier), {"title": f"{dossier.title} {dossier.name}"})
