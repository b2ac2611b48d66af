"""What goes out of a migration, in each of its forms."""

import json
import tempfile
from pathlib import Path
from typing import Literal, get_args

from engines.migration.csv_files import write_csv_zip
from engines.migration.dossiers import Dossier
from engines.migration.results import as_json
from engines.migration.sheets import plan_sheets
from engines.migration.workbook import write_workbook

Form = Literal["xlsx", "pdf", "csv", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "csv": "application/zip",
    "json": "application/json",
}


def suffix(form: Form) -> str:
    """Of the file's name: the CSV files, one for each sheet, come in a zip."""
    return "csv.zip" if form == "csv" else form


def write_paper(path: Path, dossier: Dossier, form: Form) -> None:
    """Blocks: seconds for thousands of VMs. Raises ExportError for more rows than Excel holds, and OSError."""
    if form == "xlsx":
        write_workbook(path, plan_sheets(dossier), {"title": f"{dossier.title} {dossier.name}"})
    elif form == "csv":
        write_csv_zip(path, plan_sheets(dossier))
    elif form == "pdf":
        from engines.migration.pdf.report import write_pdf

        write_pdf(path, dossier)
    else:
        text = json.dumps(as_json(dossier.plan, []), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def paper(dossier: Dossier, form: Form) -> bytes:
    """The same as the bytes of a file. Blocks."""
    with tempfile.TemporaryDirectory(prefix="stackhand-plan-") as scratch:
        path = Path(scratch) / f"plan.{form}"
        write_paper(path, dossier, form)
        return path.read_bytes()
