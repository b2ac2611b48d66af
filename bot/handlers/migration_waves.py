"""Cohorts and waves: built, shown, ticked off, moved on."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import formats
from bot.changing import propose
from bot.handlers.asking import Ask
from bot.handlers.migration_targets import report_of
from bot.handlers.migrations import vm_table
from bot.handlers.registry import answers
from bot.migrating import Meant, meant, plan_or_why, told, viewer_of
from bot.replies import Choice, Choices, Column, Fields, Part, Reply, Table, Text
from intents.readings import Name
from storage import migration_names
from storage import migration_projects as projects
from storage import migration_vms as vms
from storage import migration_waves as rows
from storage.migration_waves import CohortRow, ItemRow, Place, WaveRow

if TYPE_CHECKING:
    from engines.migration.lifecycles import Move, Progress
    from engines.migration.plans import MigrationPlan

_MOST_PER_DAY = 1000
_COHORTS = (Column("number", "cohort", "int"), Column("name", "name"), Column("tenants", "tenants", "list"),
            Column("vms", "VMs", "int"), Column("mib", "to move", "mib"), Column("red", "red", "int"),
            Column("ease", "ease", "float"), Column("start", "starts", "time"), Column("end", "ends", "time"),
            Column("why", "why"))  # fmt: skip
_WAVES = (Column("number", "wave", "int"), Column("name", "name"), Column("cohort", "cohort", "int"),
          Column("state", "state"), Column("vms", "VMs", "int"), Column("mib", "to move", "mib"),
          Column("red", "red", "int"), Column("start", "starts", "time"), Column("end", "ends", "time"),
          Column("after", "after waves", "list"), Column("warnings", "warnings", "list"))  # fmt: skip
_ITEMS = (Column("item", "item"), Column("weight", "kind"), Column("state", "state"), Column("before", "before"),
          Column("by", "by"), Column("evidence", "seen"))  # fmt: skip


@answers("cohort_build")
async def cohort_build(ask: Ask, migration: Name | None, strategy: str | None, count: int | None) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    asked: dict[str, Any] = {"strategy": strategy or "easiest_first", "count": count}
    return await _built(ask, which, {**which.project.settings, "cohorts": asked}, cohorts=True)


@answers("wave_build")
async def wave_build(
    ask: Ask, migration: Name | None, cohort: Name | None, strategy: str | None, vms_per_day: int | None
) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    if vms_per_day is not None and not 1 <= vms_per_day <= _MOST_PER_DAY:
        lead = Text(f"{vms_per_day} VMs a day make no waves: say 1 to {_MOST_PER_DAY}.", "heading")
        return told(ask, which, (lead,), outcome="incomplete")
    before = which.project.settings.get("waves") or {}
    asked = {"strategy": strategy or before.get("strategy", "pilot_first"), "vms": vms_per_day or before.get("vms", 30)}
    return await _built(ask, which, {**which.project.settings, "waves": asked}, cohorts=False, of=cohort)


async def _built(ask: Ask, which: Meant, kept: Mapping[str, Any], *, cohorts: bool, of: Name | None = None) -> Reply:
    id_ = which.project.id
    begun = [one.name for one in await rows.waves(ask.conn, id_) if one.state not in ("planned", "cancelled")]
    if begun:
        lead = Text(f"Waves are not built anew: {', '.join(begun[:5])} went on already.", "heading")
        return told(ask, which, (lead, Text("Nothing was changed.")), outcome="failed")
    plan = await plan_or_why(ask, which, kept)
    if isinstance(plan, Reply):
        return plan
    await _keep(ask, id_, plan, kept)
    made = await rows.waves(ask.conn, id_)
    parts = await _cohort_parts(ask, which) if cohorts else await _wave_parts(ask, which, made, of)
    notes = [*(plan.cohorts.notes if plan.cohorts else ()), *plan.waves.notes][:5]
    parts += [Text(formats.cut(note, 300), "warning") for note in notes]
    return told(ask, which, [*parts, Choices(_next(which))], page="/waves")


def _next(which: Meant) -> tuple[Choice, ...]:
    name = which.project.name
    return (
        Choice("waves", f"all waves of {name}"),
        Choice("risk tiers", f"build risk tiered waves for {name} with 20 vms a day"),
        Choice("gaps", f"readiness of the {name} migration"),
        Choice("Excel", f"export the {name} plan to excel"),
    )


async def _keep(ask: Ask, id_: int, plan: "MigrationPlan", kept: Mapping[str, Any]) -> None:
    cohorts, waves, places, schedule = await asyncio.to_thread(_to_keep, plan)
    await rows.put(ask.conn, id_, cohorts, waves, places)
    await projects.set_settings(ask.conn, id_, kept)
    await projects.set_schedule(ask.conn, id_, schedule)


def _to_keep(plan: "MigrationPlan") -> tuple[list[CohortRow], list[WaveRow], list[Place], dict[str, Any]]:
    from engines.migration.keeping import schedule_kept
    from engines.migration.wave_results import cohorts_json, waves_json

    cohorts = [CohortRow(one["number"], one["name"], one) for one in cohorts_json(plan)]
    waves = [_wave_row(one) for one in waves_json(plan)]
    cohort_of = {one.number: one.cohort for one in plan.waves.waves}
    places: list[Place] = [
        (*key, cohort_of[wave], wave, plan.waves.why[key]) for key, wave in plan.waves.wave_of.items()
    ]
    places += [(*key, 0, None, why) for key, why in plan.waves.unplaced.items()]
    return cohorts, waves, places, schedule_kept(plan.schedule)


def _wave_row(one: Mapping[str, Any]) -> WaveRow:
    detail = {name: value for name, value in one.items() if name != "members"}
    start, end = (datetime.fromisoformat(one[name]) if one[name] else None for name in ("start", "end"))
    return WaveRow(one["number"], one["name"], one["cohort"] or 0, "planned", start, end, "", None, detail)


async def _cohort_parts(ask: Ask, which: Meant) -> list[Part]:
    found = await rows.cohorts(ask.conn, which.project.id)
    cells = []
    for one in found:
        d = one.detail
        names = list(dict.fromkeys(name for bundle in d["tenants"] for name in bundle["names"]))
        why = d["tenants"][0]["why"] if d["tenants"] else ""
        cells.append((one.number, one.name, names, d["vms"], d["mib"], d["red"], d["ease"], d["start"], d["end"], why))
    strategy = found[0].detail["strategy"].replace("_", " ") if found else ""
    waves = len(await rows.waves(ask.conn, which.project.id))
    lead = f"{which.project.name} in {len(found)} cohort{'s' if len(found) != 1 else ''}, {strategy}; {waves} waves"
    return [Text(lead, "heading"), Table(_COHORTS, tuple(cells), len(cells), "Cohorts")]


async def _wave_parts(ask: Ask, which: Meant, made: Sequence[WaveRow], of: Name | None) -> list[Part]:
    number = await _cohort_number(ask, which, of) if of else None
    shown = [one for one in made if number is None or one.cohort == number]
    cells = tuple(
        (one.number, one.name, one.cohort or None, one.state, one.detail["vms"], one.detail["mib"], one.detail["red"],
         _iso(one.starts_at), _iso(one.ends_at), [str(n) for n in one.detail["after"]], one.detail["warnings"][:2])
        for one in shown[: ask.rows]
    )  # fmt: skip
    opens = tuple(f"show wave {one.number} of {which.project.name}" for one in shown[: ask.rows])
    strategy = shown[0].detail["strategy"].replace("_", " ") if shown else ""
    where = f" of {of.name}" if of else ""
    lead = f"{which.project.name}: {len(shown)} wave{'s' if len(shown) != 1 else ''}{where}, {strategy}"
    left = await rows.in_no_wave(ask.conn, which.project.id)
    parts: list[Part] = [Text(lead, "heading"), Table(_WAVES, cells, len(shown), "Waves", opens)]
    return [
        *parts,
        *([Text(f"{left:,} VMs in scope are in no wave: on hold, done, or tied to those.")] if left else []),
    ]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


async def _cohort_number(ask: Ask, which: Meant, name: Name) -> int | None:
    found = await rows.cohorts(ask.conn, which.project.id)
    return next((one.number for one in found if migration_names.means(name.name, one.name, "cohort", one.number)), -1)


async def _wave_meant(ask: Ask, name: Name, migration: Name | None) -> tuple[Meant, WaveRow] | Reply:
    """The wave of the migration that is meant; else of the newest one that has such a wave."""
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    tried = [which]
    if migration is None and not which.said:
        found = await projects.projects(ask.conn, await viewer_of(ask.conn, ask.who, ask.channel))
        tried += [Meant(one, which.others) for one in found if one.id != which.project.id]
    for one in tried:
        for wave in await rows.waves(ask.conn, one.project.id):
            if migration_names.means(name.name, wave.name, "wave", wave.number):
                return one, wave
    lead = Text(f"There is no {name.name} in the migration {which.project.name}.", "heading")
    build = Choice("build waves", f"plan waves for {which.project.name}, pilot first")
    return told(ask, which, (lead, Choices((build,))), outcome="not_found")


@answers("wave_show")
async def wave_show(ask: Ask, migration: Name | None, cohort: Name | None, wave: Name | None) -> Reply:
    if wave is not None:
        found = await _wave_meant(ask, wave, migration)
        return found if isinstance(found, Reply) else await _one(ask, *found)
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    made = await rows.waves(ask.conn, which.project.id)
    if not made:
        lead = Text(f"No waves were built for {which.project.name} yet.", "heading")
        build = Choice("build waves", f"plan waves for {which.project.name}, pilot first")
        return told(ask, which, (lead, Choices((build,))))
    return told(ask, which, await _wave_parts(ask, which, made, cohort), page="/waves")


async def _one(ask: Ask, which: Meant, wave: WaveRow) -> Reply:
    from engines.migration.advancing import progress_of

    lines, total = await vms.listed(ask.conn, which.project.id, vms.Narrow(wave=wave.number), ask.rows)
    progress = (await progress_of(ask.conn, which.project.id))[wave.number]
    d = wave.detail
    lead = f"{wave.name} of {which.project.name} is {wave.state}: {total:,} VMs, {formats.size(d['mib'] * 2**20)}"
    facts = [
        ("from", formats.stamp(wave.starts_at) if wave.starts_at else ""),
        ("to", formats.stamp(wave.ends_at) if wave.ends_at else ""),
        ("longest downtime", f"{d['longest_downtime_minutes']:g} minutes"),
        ("after", ", ".join(f"wave {number}" for number in d["after"])),
        ("warnings", "; ".join(d["warnings"][:3])),
    ]
    parts: list[Part] = [Text(lead, "heading"), Fields(tuple((k, v) for k, v in facts if v))]
    parts += [vm_table(which, lines, total, "VMs"), _items(progress), Choices(_moves(which, wave))]
    return told(ask, which, parts, scope=wave.name, page=f"/vms?wave={wave.number}")


def _items(progress: "Progress") -> Table:
    from engines.migration.lifecycles import PREFLIGHT

    cells = tuple(
        (spec.title, spec.weight, item.state, spec.before, item.by or None, formats.cut(item.evidence, 120) or None)
        for spec in PREFLIGHT
        if (item := progress.item(spec.id))
    )
    return Table(_ITEMS, cells, len(cells), "Preflight")


def _moves(which: Meant, wave: WaveRow) -> tuple[Choice, ...]:
    said = f"wave {wave.number} of {which.project.name}"
    move = {"planned": "confirm", "confirmed": "start", "running": "complete"}.get(wave.state)
    return (
        *((Choice(move, f"{move} {said}"),) if move else ()),
        Choice("all waves", f"all waves of {which.project.name}"),
    )


@answers("wave_advance")
async def wave_advance(ask: Ask, wave: Name, to: str, migration: Name | None) -> Reply:
    from engines.migration import advancing

    found = await _wave_meant(ask, wave, migration)
    if isinstance(found, Reply):
        return found
    which, row = found
    if to not in ("confirm", "start", "complete"):
        return told(ask, which, (Text(f"A wave cannot be moved on by {to}.", "heading"),), outcome="incomplete")
    move: Move = "confirm" if to == "confirm" else "start" if to == "start" else "complete"
    if row.state == "planned":
        problem = await _look(ask, which, row)
        if problem is not None:
            return problem
    waves = await advancing.progress_of(ask.conn, which.project.id)
    plan = advancing.plan(
        (which.project.id, which.project.name), row.number, move, waves, ask.who.id, ask.now, row.detail["vms"]
    )
    return await propose(ask, plan)


async def _look(ask: Ask, which: Meant, row: WaveRow) -> Reply | None:
    """Items that the plan answers by itself are looked at anew; what a person has ticked stays."""
    from engines.migration.bundles import names_of
    from engines.migration.preflights import preflight_of

    report = await report_of(ask, which)
    if isinstance(report, Reply):
        return report
    plan = await plan_or_why(ask, which)
    if isinstance(plan, Reply):
        return plan
    wave = next((one for one in plan.waves.waves if one.number == row.number), None)
    if wave is None:
        lead = Text("The plan has changed since the waves were built: build them anew.", "heading")
        return told(ask, which, (lead,), outcome="failed")
    known = await rows.items(ask.conn, which.project.id, row.number)
    for name, item in preflight_of(wave, names_of(plan.tenants), report.readiness, ask.now).items():
        if name not in known or not known[name].by:
            said = ItemRow(name, item.state, item.by, item.at, formats.cut(item.evidence, 300))
            await rows.set_item(ask.conn, which.project.id, row.number, said)
    return None


@answers("wave_check")
async def wave_check(ask: Ask, wave: Name, item: str, on_off: str) -> Reply:
    from engines.migration.advancing import progress_of
    from engines.migration.lifecycles import PREFLIGHT, MoveRefused, tick

    found = await _wave_meant(ask, wave, None)
    if isinstance(found, Reply):
        return found
    which, row = found
    spec = item_named(item)
    if spec is None:
        lead = Text(f"There is no preflight item “{item}”.", "heading")
        names = ", ".join(one.id.replace("_", " ") for one in PREFLIGHT)
        return told(ask, which, (lead, Text(f"The items are: {names}.")), outcome="not_found")
    before = (await progress_of(ask.conn, which.project.id))[row.number]
    try:
        after = tick(before, spec, "pass" if on_off == "on" else "pending", ask.who.id, ask.now)
    except MoveRefused as refused:
        lead = Text(f"{refused.what}.", "heading")
        return told(ask, which, (lead, Text(f"{refused.fix[0].upper()}{refused.fix[1:]}.")), outcome="failed")
    one = after.item(spec)
    await rows.set_item(ask.conn, which.project.id, row.number, ItemRow(spec, one.state, one.by, one.at, one.evidence))
    if after.state != before.state:
        await rows.set_state(ask.conn, which.project.id, row.number, after.state, before.state, ask.who.id, ask.now)
    title = next(known.title for known in PREFLIGHT if known.id == spec)
    lead = Text(f"{row.name}: “{title}” is {'ticked' if on_off == 'on' else 'open again'}.", "heading")
    back = f" {row.name} is planned again." if after.state != before.state else ""
    return told(ask, which, (lead, *((Text(back.strip()),) if back else ()), _items(after)))


def item_named(said: str) -> str | None:
    """The id of the preflight item that the words mean: its own words, or most of its title's."""
    from rapidfuzz import fuzz, process, utils

    from engines.migration.lifecycles import PREFLIGHT

    names = {spec.id: spec.id.replace("_", " ") for spec in PREFLIGHT}
    titles = {spec.id: spec.title for spec in PREFLIGHT}
    for choices in (names, titles):
        best = process.extractOne(said, choices, scorer=fuzz.token_set_ratio, processor=utils.default_process)
        if best is not None and best[1] >= _LIKE:
            return str(best[2])
    return None


_LIKE = 80
