"""The sheets of a plan as CSV files in one zip: for whoever has no Excel, or more rows than it holds."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engines.exports import neutral
from engines.migration.workbook import SheetData

_MADE = (2000, 1, 1, 0, 0, 0)  # a file's bytes do not tell the time


def write_csv_zip(path: Path, sheets: Iterable[SheetData]) -> None:
    """UTF-8 with its mark, times in ISO 8601; a text that a spreadsheet would compute gets an apostrophe in front.

    Row by row: memory does not grow with the VMs. The same sheets give the same bytes.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for data in sheets:
            part = zipfile.ZipInfo(_name(data.title), _MADE)
            part.compress_type = zipfile.ZIP_DEFLATED
            with (
                archive.open(part, "w", force_zip64=True) as raw,
                io.TextIOWrapper(raw, "utf-8-sig", "replace", newline="") as text,
            ):
                _write(text, data)


def _name(title: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')}.csv"


def _write(text: io.TextIOWrapper, data: SheetData) -> None:
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([neutral(column.title) for column in data.columns])
    writer.writerows(_cells(row) for row in data.rows)


def _cells(row: Sequence[Any]) -> list[str | int | float]:
    return [_cell(value) for value in row]


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return neutral(str(value).replace("\0", ""))
