"""Answers as files."""

import asyncio
import re
from datetime import datetime

from bot.replies import Column, File, Reply, Table
from bot.sentences import conditions, plural
from engines.inventory.fields import Mask as MaskKind
from engines.inventory.kinds import KINDS
from intents.readings import Reading

_MIMES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
# Columns of tables that are no list of one kind: what they hold.
_MASKED: dict[str, MaskKind] = {
    "name": "name", "project": "name", "domain": "name", "host": "name", "by": "name", "user": "name", "group": "name",
    "source": "name", "vm": "name", "volume": "name", "network": "name", "security_group": "name", "cluster": "name",
    "external_id": "id", "where": "ip", "change": "name", "problems": "name", "remote_cidr": "ip", "person": "name",
    "target": "name", "detail": "name", "tenant": "name", "tenants": "name", "subject": "name", "evidence": "name",
}  # fmt: skip


class FileError(Exception):
    """A file cannot be made: `what` is wrong, and what to do about it. One line each."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


async def as_file(table: Table, form: str, whole: Reply, of: Reading, *, masked: bool, now: datetime) -> File:
    """The whole table in a format of `csv`, `xlsx`, `json`. A masked file hides names, addresses, ids and mails.

    Raises FileError for a table that the format cannot hold.
    """
    from engines.exports import ExportColumn, ExportError, export_csv, export_json, export_xlsx
    from engines.masking import Mask

    columns = [ExportColumn(c.name, c.title, c.type, _mask(c, str(of.slots.get("kind", "")))) for c in table.columns]
    rows = Mask().rows(columns, table.rows) if masked else table.rows
    about = (("what", "masked" if masked else whole.scope), ("rows", str(len(table.rows))), ("made", now.isoformat()),
             ("data of", _age(whole)), *((("note", "DEMO: a simulated platform"),) if whole.demo else ()))  # fmt: skip
    name = _file_name(of, form, now, masked)
    try:
        match form:
            case "csv":
                content = await asyncio.to_thread(export_csv, columns, rows)
            case "json":
                content = await asyncio.to_thread(export_json, columns, rows)
            case _:
                content = await asyncio.to_thread(export_xlsx, columns, rows, title=_title(of), about=about)
    except ExportError as error:
        raise FileError(error.what, error.fix) from error
    return File(name, _MIMES[form], content)


def _mask(column: Column, kind: str) -> MaskKind:
    if column.name in ("name", "external_id"):
        return "id" if column.name == "external_id" else "name"
    declared = KINDS[kind].field(column.name) if kind in KINDS else None
    return declared.mask if declared else _MASKED.get(column.name, "")


def _age(whole: Reply) -> str:
    fresh = whole.freshness
    told = fresh.oldest.isoformat() if fresh and fresh.oldest else "unknown"
    return told + ("; old: " + "; ".join(fresh.old) if fresh and fresh.old else "")


def _title(of: Reading) -> str:
    return plural(str(of.slots["kind"])) if of.slots.get("kind") else str(of.intent).replace("_", " ")


def _file_name(of: Reading, form: str, now: datetime, masked: bool) -> str:
    """`acme-prod-vms-off-2026-11-22.xlsx`; a masked file does not tell names by its own."""
    words = ["masked"] if masked else [conditions({"project": of.slots.get("project")}).removeprefix("in ")]
    words += [_title(of), str(of.slots.get("state") or "")]
    name = re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")[:60]
    return f"{name or 'answer'}-{now:%Y-%m-%d}.{form}"
