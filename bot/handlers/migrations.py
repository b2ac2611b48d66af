"""Migration projects: which there are, how one looks, its VMs, and why a VM is graded as it is."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from bot import formats
from bot.handlers.asking import Ask
from bot.handlers.registry import answers
from bot.migrating import DROP, Meant, meant, others, tenants_words, told
from bot.migration_cards import assessment, reason_words, time_alone
from bot.plan_sights import sights_of
from bot.replies import Choice, Choices, Column, Fields, Part, Reply, Table, Text
from engines.migration.keeping import JobRow
from intents.readings import Name
from storage import migration_vms as vms
from storage import migration_waves as waves
from storage.migration_vms import Line, Narrow

_PROJECTS = (
    Column("name", "migration"), Column("vms", "VMs", "int"), Column("move_mib", "to move", "mib"),
    Column("risk", "green / yellow / red"), Column("end", "ends", "time"), Column("export", "export of", "time"),
    Column("by", "uploaded by"), Column("version", "exports", "int"),
)  # fmt: skip
_VMS = (
    Column("name", "VM"), Column("risk", "risk"), Column("score", "score", "int"), Column("reason", "why"),
    Column("mode", "mode"), Column("tenant", "tenant"), Column("os", "system"), Column("vcpus", "vCPUs", "int"),
    Column("memory_mib", "memory", "mib"), Column("move_mib", "to move", "mib"),
)  # fmt: skip


@answers("migration_list")
async def migration_list(ask: Ask) -> Reply:
    found = await sights_of(ask.conn, ask.who, ask.channel)
    if not found:
        return Reply((Text("There is no migration project that you may see.", "heading"), Text(DROP)))
    cells, opens = [], []
    for sight in found[: ask.rows]:
        one = sight.project
        counts = await vms.counts(ask.conn, one.id, sight.only)
        risk = " / ".join(f"{counts.risk[colour]:,}" for colour in ("green", "yellow", "red"))
        made = one.export_at.isoformat() if one.export_at else None
        whole = ((one.schedule or {}).get("end"), made, one.uploaded_by, one.version)
        rest = whole if sight.is_whole else (None, made, None, None)
        cells.append((one.name, counts.vms, counts.move_mib, risk, *rest))
        opens.append(f"summary of the {one.name} migration")
    lead = f"{len(found):,} migration project{'s' if len(found) != 1 else ''}"
    parts: list[Part] = [Text(lead, "heading"), Table(_PROJECTS, tuple(cells), len(found), opens=tuple(opens))]
    parts += [
        Text(f"Of {one.project.name} you see {tenants_words(one.only)} alone.", "note")
        for one in found[: ask.rows] if one.only is not None
    ]  # fmt: skip
    return Reply(tuple(parts), scope="migration projects that you may see", private=not ask.is_private)


@answers("migration_summary")
async def migration_summary(ask: Ask, migration: Name | None) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    card = await assessment(ask.conn, which.sight)
    tenants = await _tenants(ask, which)
    return told(ask, which, (*card.parts[:-1], *tenants, card.parts[-1]))


_TENANTS = (
    Column("name", "tenant"), Column("vms", "VMs", "int"), Column("move_mib", "to move", "mib"),
    Column("green", "green", "int"), Column("yellow", "yellow", "int"), Column("red", "red", "int"),
    Column("warm", "warm", "int"), Column("plan", "in the plan"),
)  # fmt: skip


async def _tenants(ask: Ask, which: Meant) -> Sequence[Part]:
    found = await vms.tenants(ask.conn, which.project.id, which.only)
    if not found:
        return ()
    rows = tuple(
        (one.name or "(none found)", one.vms, one.move_mib, one.green, one.yellow, one.red, one.warm, _in_plan(one))
        for one in found[: ask.rows]
    )
    return (Table(_TENANTS, rows, len(found), "Tenants"),)


def _in_plan(one: vms.TenantCount) -> str:
    return "yes" if not one.is_out else f"no: {one.reason}" if one.reason else "no"


@answers("migration_vms")
async def migration_vms(
    ask: Ask, migration: Name | None, risk: str | None, mode: str | None, tenant: Name | None, os: str | None
) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    narrow = Narrow(risk, mode, tenant.name if tenant else None, families_of(os) if os else None)
    lines, total = await vms.listed(ask.conn, which.project.id, narrow, ask.rows, which.only)
    words = _words(risk, mode, tenant, os)
    lead = Text(f"{total:,} {words} in {which.project.name}", "heading")
    if not lines:
        return told(ask, which, (lead, Choices((Choice("all VMs", f"migration vms of {which.project.name}"),))),
                    scope=words)  # fmt: skip
    return told(ask, which, (lead, vm_table(which, lines, total)), scope=words, page=_page_of(narrow))


def _page_of(narrow: Narrow) -> str:
    """The page with the same VMs; of a word for many systems it has no filter."""
    said = {"risk": narrow.risk, "mode": narrow.mode, "tenant": narrow.tenant}
    if narrow.families is not None and len(narrow.families) == 1:
        said["system"] = next(iter(narrow.families))
    found = urlencode({name: value for name, value in said.items() if value}, errors="replace")
    return f"/vms?{found}" if found else "/vms"


def vm_table(which: Meant, lines: Sequence[Line], total: int, title: str = "") -> Table:
    """Each row opens why the VM is graded as it is."""
    rows = tuple(
        (one.name, one.risk, one.score, one.reason or None, one.mode, one.tenant or None, one.os, one.vcpus,
         one.memory_mib, one.move_mib)
        for one in lines
    )  # fmt: skip
    opens = tuple(f'explain the risk of "{one.name}" in {which.project.name}' for one in lines)
    return Table(_VMS, rows, total, title, opens)


def _words(risk: str | None, mode: str | None, tenant: Name | None, os: str | None) -> str:
    kinds = [risk or "", f"{mode}" if mode else "", os or ""]
    lead = " ".join([*(one for one in kinds if one), "VMs"])
    return f"{lead} of tenant {tenant.name}" if tenant else lead


def families_of(os: str) -> frozenset[str]:
    """The families of systems that a word stands for: linux is many."""
    from engines.migration.guests import LINUX, guest_of

    said = os.casefold().strip()
    if said == "linux":
        return LINUX
    family = guest_of(said, None).family
    return frozenset({said, family} - {"unknown"})


@answers("migration_why")
async def migration_why(ask: Ask, vm: Name, migration: Name | None) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    if migration is None and not which.said:
        which = await _that_has(ask, which, vm.name)
    found = await vms.named(ask.conn, which.project.id, vm.name, which.only)
    if not found:
        lead = Text(f"There is no VM “{vm.name}” in the migration {which.project.name}.", "heading")
        return told(ask, which, (lead, Text("The names are those of the export.")), outcome="not_found")
    parts: list[Part] = []
    for one in found:
        parts += _explained(one, which, await _placed(ask, which, one), many=len(found) > 1)
    return told(ask, which, parts, scope=f"VM {vm.name}", page=_page_of_vm(found[0]) if len(found) == 1 else "/vms")


def _page_of_vm(one: Line) -> str:
    return f"/vm?{urlencode({'vcenter': one.server, 'id': one.vm_key}, errors='replace')}"


async def _that_has(ask: Ask, which: Meant, name: str) -> Meant:
    """The newest migration that has such a VM."""
    for one in await others(ask, which):
        if await vms.named(ask.conn, which.project.id, name, which.only):
            break
        if await vms.named(ask.conn, one.project.id, name, one.only):
            return one
    return which


async def _placed(ask: Ask, which: Meant, one: Line) -> list[tuple[str, str]]:
    """Where it is in the plan and why, how far it is, how long it takes when it is moved alone."""
    id_ = which.project.id
    place = await waves.why_placed(ask.conn, id_, one.key)
    found = []
    if place is not None:
        cohort, wave, why = place
        where = f"wave {wave}" if wave else "no wave"
        because = f": {why}" if which.only is None else ""  # it names other VMs
        found.append(("place", f"{where}{f' of cohort {cohort}' if cohort else ''}{because}"))
    if place is not None and place[1]:
        state = (await waves.vm_states(ask.conn, id_, place[1])).get(one.key, "pending")
        found.append(("state", state.replace("_", " ")))
    jobs = [JobRow(*row) for row in await vms.jobs(ask.conn, id_, one.key)]
    if jobs:
        found.append(("alone", time_alone(jobs[0], which.project.settings)))
    return found


def _explained(one: Line, which: Meant, placed: Sequence[tuple[str, str]], *, many: bool) -> list[Part]:
    detail, risk, mode = one.detail, one.detail["risk"], one.detail["mode"]
    where = f" ({one.server or 'no vCenter named'}, {one.vm_key})" if many else ""
    lead = f"{one.name}{where} is {one.risk}: {_because(one)}"
    parts: list[Part] = [Text(lead, "heading")]
    if one.left_out:
        parts.append(Text(f"The plan leaves it out: {reason_words(one.left_out)}.", "warning"))
    parts.append(Fields((*_fields(one, detail, mode), *placed)))
    if risk["points"]:
        columns = (Column("points", "points", "int"), Column("rule", "rule"), Column("why", "seen"))
        rows = tuple((p["weight"], p["name"], formats.cut(str(p["why"]), 120)) for p in risk["points"])
        parts.append(Table(columns, rows, len(rows), "What the score is made of"))
    if detail["concerns"]:
        parts.append(_concerns(detail["concerns"]))
    better = _to_improve(one, risk, detail["concerns"])
    return [*parts, *([Text(better)] if better else [])]


def _because(one: Line) -> str:
    risk = one.detail["risk"]
    if risk["blockers"]:
        titles = [c["title"] for c in one.detail["concerns"] if c["id"] in risk["blockers"]]
        return f"{'; '.join(dict.fromkeys(titles)) or one.reason} (score {one.score})"
    return f"score {one.score}" + (f", most of it: {one.reason}" if one.reason else "")


def _fields(one: Line, detail: Mapping[str, Any], mode: Mapping[str, Any]) -> list[tuple[str, str]]:
    sizes = detail["sizes_mib"]
    found = [
        ("mode", f"{mode['way']}: {'; '.join(mode['reasons'])}"),
        ("before it moves", "; ".join(mode["first"])),
        ("not known", ", ".join(mode["unchecked"])),
        ("system", f"{one.os} (known with confidence: {detail['os']['confidence']})"),
        ("tenant", one.tenant),
        ("to move", f"{formats.size(sizes['moves'] * 2**20)}, by {sizes['moves_by']}"),
    ]
    return [(label, value) for label, value in found if value]


def _concerns(concerns: Sequence[Mapping[str, Any]]) -> Table:
    columns = (Column("category", "kind"), Column("title", "what"), Column("seen", "seen in"), Column("todo", "do"))
    order = {"critical": 0, "warning": 1}
    ranked = sorted(concerns, key=lambda one: order.get(one["category"], 2))
    rows = tuple((c["category"] + (" (a hint)" if c["hint"] else ""), c["title"], _seen(c), c["todo"]) for c in ranked)
    return Table(columns, rows, len(rows), "Concerns")


def _seen(concern: Mapping[str, Any]) -> str:
    """ "vDisk row 212, Raw: true"."""
    cell = f"{concern['sheet']} row {concern['row']}"
    return formats.cut(f"{cell}, {concern['column']}: {concern['value']}", 100)


def _to_improve(one: Line, risk: Mapping[str, Any], concerns: Sequence[Mapping[str, Any]]) -> str:
    """What would lower the risk most."""
    if one.risk == "green":
        return ""
    todo = [c["todo"] for c in concerns if c["id"] in risk["blockers"] and c["todo"]]
    if todo:
        return f"To make it better: {'; '.join(dict.fromkeys(todo[:3]))}."
    heaviest = max(risk["points"], key=lambda point: point["weight"], default=None)
    return f"Most is gained by mending this: {heaviest['name']} ({heaviest['weight']} points)." if heaviest else ""
