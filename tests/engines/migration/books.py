"""Small exports, written cell by cell; and hostile ones, written byte by byte."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter

Rows = Sequence[Sequence[Any]]

INFO = (
    "VM",
    "Powerstate",
    "Template",
    "CPUs",
    "Memory",
    "NICs",
    "Disks",
    "Provisioned MiB",
    "In Use MiB",
    "Cluster",
    "Host",
    "OS according to the configuration file",
    "OS according to the VMware Tools",
    "VM ID",
    "VM UUID",
    "VI SDK Server",
)


def info(name: str, number: int = 1, server: str = "vc1", **more: Any) -> list[Any]:
    """A row of INFO; `more` by the header's name."""
    values = {
        "VM": name,
        "Powerstate": "poweredOn",
        "Template": "False",
        "CPUs": 2,
        "Memory": 4096,
        "NICs": 1,
        "Disks": 1,
        "Provisioned MiB": 50_000,
        "In Use MiB": 20_000,
        "Cluster": "C1",
        "Host": "esx1",
        "OS according to the configuration file": "Ubuntu Linux (64-bit)",
        "OS according to the VMware Tools": "",
        "VM ID": f"vm-{number}",
        "VM UUID": f"50{number:030x}",
        "VI SDK Server": server,
        **more,
    }
    return [values[title] for title in INFO]


def write_book(path: Path, sheets: Mapping[str, Rows]) -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        date = book.add_format({"num_format": "yyyy/mm/dd hh:mm:ss"})
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    if isinstance(value, datetime):
                        sheet.write_datetime(number, place, value, date)
                    elif isinstance(value, str):
                        sheet.write_string(number, place, value) if value else None
                    elif value is not None:
                        sheet.write(number, place, value)
    return path


def small_book(path: Path) -> Path:
    return write_book(path, {"vInfo": [INFO, info("web-01")]})


def repacked(
    path: Path,
    change: Mapping[str, bytes] | None = None,
    add: Sequence[tuple[str, bytes]] = (),
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """The same file with parts replaced, and parts added under whatever names."""
    parts = []
    with zipfile.ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in parts:
            archive.writestr(name, (change or {}).get(name, content))
        for name, content in add:
            archive.writestr(zipfile.ZipInfo(name), content)
    path.write_bytes(out.getvalue())
    return path
