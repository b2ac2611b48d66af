"""Answers for whoever sees some tenants of a migration alone: waves and a file, made of these tenants' VMs.

Nothing in them comes from what was kept of whole waves: their sums, checks and reasons are made of others' VMs too.
"""

import asyncio

from bot import formats
from bot.handlers.asking import Ask
from bot.migrating import Meant, tenants_words, told
from bot.replies import Choice, Choices, Column, Fields, File, Part, Reply, Table, Text
from intents.readings import Name
from storage import migration_names
from storage import migration_pages as pages
from storage import migration_vms as vms
from storage.migration_pages import WaveCount

_WAVES = (Column("number", "wave", "int"), Column("cohort", "cohort", "int"), Column("state", "state"),
          Column("vms", "your VMs", "int"), Column("mib", "to move", "mib"), Column("red", "red", "int"),
          Column("start", "starts", "time"), Column("end", "ends", "time"))  # fmt: skip
_VMS = (Column("name", "VM"), Column("risk", "risk"), Column("mode", "mode"), Column("tenant", "tenant"),
        Column("move_mib", "to move", "mib"))  # fmt: skip
_FILE = (
    ("name", "VM", "text"), ("tenant", "tenant", "text"), ("risk", "risk", "text"), ("score", "score", "int"),
    ("reason", "why", "text"), ("mode", "mode", "text"), ("os", "system", "text"), ("vcpus", "vCPUs", "int"),
    ("memory_mib", "memory", "mib"), ("capacity_mib", "disks", "mib"), ("move_mib", "to move", "mib"),
    ("cohort", "cohort", "int"), ("wave", "wave", "int"), ("starts_at", "wave starts", "time"),
    ("ends_at", "wave ends", "time"), ("left_out", "left out", "text"), ("server", "vCenter", "text"),
    ("vm_key", "VM id", "text"),
)  # fmt: skip
_FORMS = ("xlsx", "csv", "json")
_MOST = 200_000


async def waves_in_part(ask: Ask, which: Meant, cohort: Name | None) -> Reply:
    found = await pages.waves(ask.conn, which.sight)
    if cohort is not None:
        found = [one for one in found if migration_names.means(cohort.name, "", "cohort", one.cohort)]
    name = which.project.name
    where = f" of {cohort.name}" if cohort else ""
    if not found:
        return told(ask, which, (Text(f"No wave{where} of {name} has a VM of {_theirs(which)}.", "heading"),))
    cells = tuple(
        (one.number, one.cohort or None, one.state, one.vms, one.move_mib, one.red, _iso(one)[0], _iso(one)[1])
        for one in found[: ask.rows]
    )
    opens = tuple(f"show wave {one.number} of {name}" for one in found[: ask.rows])
    many = f"{len(found):,} wave{'s' if len(found) != 1 else ''}{where}"
    lead = Text(f"{name}: {many} with VMs of {_theirs(which)}", "heading")
    return told(ask, which, (lead, Table(_WAVES, cells, len(found), "Waves", opens)), page="/waves")


async def wave_in_part(ask: Ask, which: Meant, number: int) -> Reply:
    (wave,) = await pages.waves(ask.conn, which.sight, number)
    narrow = vms.Narrow(wave=number)
    lines, total = await vms.listed(ask.conn, which.project.id, narrow, ask.rows, which.only)
    name = which.project.name
    size = formats.size(wave.move_mib * 2**20)
    lead = f"{wave.name} of {name} is {wave.state}: {total:,} VMs of {_theirs(which)}, {size}"
    facts = [(word, formats.stamp(at)) for word, at in (("from", wave.starts_at), ("to", wave.ends_at)) if at]
    cells = tuple((one.name, f"{one.risk}, {one.score}", one.mode, one.tenant, one.move_mib) for one in lines)
    opens = tuple(f'explain the risk of "{one.name}" in {name}' for one in lines)
    parts: list[Part] = [Text(lead, "heading"), *([Fields(tuple(facts))] if facts else [])]
    parts += [Table(_VMS, cells, total, "VMs", opens), Choices((Choice("all waves", f"all waves of {name}"),))]
    return told(ask, which, parts, scope=wave.name, page=f"/vms?wave={number}")


async def file_in_part(ask: Ask, which: Meant, form: str) -> Reply:
    """Their VMs with risk, mode, wave and dates; a whole plan's workbook or PDF is made of everybody's."""
    from engines.exports import ExportError

    name = which.project.name
    if form not in _FORMS:
        lead = Text(f"A PDF is made of all tenants of {name}; you see {_theirs(which)} alone.", "heading")
        choices = Choices(tuple(Choice(one, f"export the {name} plan as {one}") for one in _FORMS))
        return told(ask, which, (lead, Text("What you see I can write as a table."), choices), outcome="not_allowed")
    rows = await pages.page(ask.conn, which.sight, pages.Wanted(which="all", sort="name", limit=_MOST))
    waves = {one.number: one for one in await pages.waves(ask.conn, which.sight)}
    cells = [_cells(row, waves.get(row.wave or 0)) for row in rows]
    try:
        content = await asyncio.to_thread(_written, form, name, cells, which.scope)
    except ExportError as error:
        return told(ask, which, (Text(f"{error.what}.", "heading"), Text(f"{error.fix}.")), outcome="failed")
    file = File(formats.file_name(f"{name}-vms-{ask.now:%Y-%m-%d}.{form}"), _MIMES[form], content)
    lead = Text(f"{len(rows):,} VMs of {_theirs(which)} in {name}.", "heading")
    rest = Text("The plan itself is made of all of its tenants; this is the part that you may see.", "note")
    return told(ask, which, (lead, rest, file))


_MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv",
    "json": "application/json",
}  # fmt: skip


def _theirs(which: Meant) -> str:
    return tenants_words(which.only or ())


def _iso(wave: WaveCount) -> tuple[str | None, str | None]:
    start, end = wave.starts_at, wave.ends_at
    return start.isoformat() if start else None, end.isoformat() if end else None


def _cells(row: pages.Row, wave: WaveCount | None) -> list[object]:
    more = dict(zip(("starts_at", "ends_at"), _iso(wave) if wave else (None, None), strict=True))
    return [more[name] if name in more else getattr(row, name) for name, _, _ in _FILE]


def _written(form: str, name: str, cells: list[list[object]], scope: str) -> bytes:
    from engines.exports import ExportColumn, export_csv, export_json, export_xlsx

    columns: list[ExportColumn] = [ExportColumn(one, title, kind) for one, title, kind in _FILE]  # type: ignore[arg-type]
    if form == "xlsx":
        return export_xlsx(columns, cells, title=f"VMs of {name}", about=(("of", scope), ("rows", str(len(cells)))))
    return export_csv(columns, cells) if form == "csv" else export_json(columns, cells)
