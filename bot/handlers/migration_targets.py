"""What the target lacks, which tenants are ready, and how many hosts it takes."""

from typing import TYPE_CHECKING

from bot import formats
from bot.handlers.asking import Ask, freshness
from bot.handlers.registry import answers
from bot.migrating import Meant, meant, plan_or_why, told
from bot.migration_targets import KINDS, held_against_target
from bot.replies import Column, Fields, Part, Reply, Table, Text
from intents.readings import Name

if TYPE_CHECKING:
    from engines.migration.sizing import Preset, Sizing
    from engines.migration.target_reports import TargetReport

_GAPS = (Column("severity", "severity"), Column("kind", "kind"), Column("subject", "what"), Column("gap", "gap"),
         Column("todo", "do"), Column("vms", "VMs", "int"), Column("tenants", "tenants", "list"))  # fmt: skip
_READY = (Column("tenant", "tenant"), Column("state", "ready"), Column("vms", "VMs", "int"), Column("open", "open"))
_STATES = {"pass": "ready", "fail": "not ready", "pending": "waits for a decision", "unknown": "not known"}
_PRESETS = ("aggressive", "balanced", "conservative")


async def report_of(ask: Ask, which: Meant, preset: "Preset" = "balanced") -> "TargetReport | Reply":
    """The plan held against the live inventory; or why there is no plan."""
    plan = await plan_or_why(ask, which)
    return (
        plan if isinstance(plan, Reply) else await held_against_target(ask, which.project.id, plan, preset, which.only)
    )


@answers("migration_readiness")
async def migration_readiness(ask: Ask, migration: Name | None, tenant: Name | None) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    report = await report_of(ask, which)
    if isinstance(report, Reply):
        return report
    wanted = tenant.name.casefold() if tenant else ""
    ready = [one for one in report.readiness if wanted in ("", one.tenant.casefold())]
    if tenant and not ready:
        lead = Text(f"Tenant {tenant.name} has no VM in the plan of {which.project.name}.", "heading")
        return told(ask, which, (lead,), outcome="not_found")
    gaps = [one for one in report.gaps.open_ones if not wanted or wanted in map(str.casefold, one.tenants)]
    parts: list[Part] = [Text(_lead(report, which, tenant, len(gaps)), "heading")]
    rows = tuple((one.tenant, _STATES[one.state], one.vms, _open(one.checks)) for one in ready[: ask.rows])
    parts.append(Table(_READY, rows, len(ready), "Tenants"))
    if gaps:
        cells = tuple((g.severity, g.kind, g.subject, g.what, g.todo, g.vms, list(g.tenants)) for g in gaps[: ask.rows])
        parts.append(Table(_GAPS, cells, len(gaps), "Gaps"))
    if report.target.unknown:
        parts.append(
            Text(f"Not looked at, because I know none of them: {', '.join(report.target.unknown)}.", "warning")
        )
    fresh, demo = await freshness(ask, set(KINDS))
    return told(ask, which, parts, scope=f"tenant {tenant.name}" if tenant else "", freshness=fresh, demo=demo)


def _lead(report: "TargetReport", which: Meant, tenant: Name | None, gaps: int) -> str:
    if tenant is not None:
        one = next(one for one in report.readiness if one.tenant.casefold() == tenant.name.casefold())
        return f"Tenant {one.tenant} is {_STATES[one.state]}: {gaps} open gap{'s' if gaps != 1 else ''}"
    ready, count = sum(one.is_ready for one in report.readiness), report.gaps.count()
    told_gaps = ", ".join(f"{number} {severity}" for severity, number in count.items() if number)
    return f"{which.project.name}: {ready} of {len(report.readiness)} tenants are ready; gaps: {told_gaps or 'none'}"


def _open(checks: object) -> str:
    """What has not passed, with its evidence."""
    found = [f"{c.item.replace('_', ' ')}: {c.evidence}" for c in checks if c.state != "pass"]  # type: ignore[attr-defined]
    return formats.cut("; ".join(found), 300)


@answers("migration_sizing")
async def migration_sizing(ask: Ask, migration: Name | None, profile: str | None) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    if profile not in (None, *_PRESETS):
        lead = Text(f"There is no way to size called {profile}: say {', '.join(_PRESETS)}.", "heading")
        return told(ask, which, (lead,), outcome="incomplete")
    preset: Preset = (
        "aggressive" if profile == "aggressive" else "conservative" if profile == "conservative" else "balanced"
    )
    report = await report_of(ask, which, preset)
    if isinstance(report, Reply):
        return report
    found = report.sizing
    parts: list[Part] = [Text(_nodes(which, found), "heading"), Fields(tuple(_sizes(found)))]
    if found.too_large:
        parts.append(Text(f"Too large for any host: {', '.join(found.too_large[:5])}.", "warning"))
    parts += [Text(note[0].upper() + note[1:], "note") for note in found.notes]
    fresh, demo = await freshness(ask, {"host", "flavor"})
    return told(ask, which, parts, scope=f"{preset} overcommit", freshness=fresh, demo=demo)


def _nodes(which: Meant, found: "Sizing") -> str:
    name = which.project.name
    if found.add is None:
        return f"{name} needs {found.total} hosts, all of them new: I know none of the target"
    if not found.add:
        return f"{name} fits on the {found.hosts} hosts that there are"
    return f"{name} needs {found.add} more host{'s' if found.add != 1 else ''} beside the {found.hosts} there are"


def _sizes(found: "Sizing") -> list[tuple[str, str]]:
    return [
        ("asked for by", found.bound or "nothing"),
        ("survives", f"{found.failures} failed host{'s' if found.failures != 1 else ''}"),
        ("vCPUs", f"{found.vcpus:,}"),
        ("memory", formats.size(found.memory_mib * 2**20)),
        ("volumes", formats.size(found.disk_gib * 2**30) if found.disk_gib else "not known: the export has no disks"),
        ("measured CPU", f"{found.covered:,} of {found.powered_on:,} running VMs"),
    ]
