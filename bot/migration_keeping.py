"""A plan that was built, kept: its waves beside those that went on, what moved where, what its preflight says."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import formats
from bot.handlers.asking import Ask
from bot.migrating import Meant
from bot.migration_targets import held_against_target
from bot.replies import Column, Part, Table, Text
from storage import migration_projects as projects
from storage import migration_vms as vms
from storage import migration_waves as rows
from storage.migration_waves import CohortRow, ItemRow, Key, Place, WaveRow

if TYPE_CHECKING:
    from engines.migration.plans import MigrationPlan
    from engines.migration.target_reports import TargetReport

_MOVED = (Column("vm", "VM"), Column("before", "was in"), Column("after", "is in"), Column("why", "why"))
_MOST_MOVED = 10
Ticks = Mapping[frozenset[Key], Mapping[str, ItemRow]]


async def keep_plan(ask: Ask, which: Meant, plan: "MigrationPlan", kept: Mapping[str, Any]) -> list[Part]:
    """Waves that went on stay as they are. What people have ticked stays with a wave of the very same VMs. Tells which
    VMs are in another wave than before."""
    id_ = which.project.id
    before, ticks = await rows.places(ask.conn, id_), await _ticked(ask, id_)
    stays = {number for _, number, *_ in await rows.begun(ask.conn, id_)}
    cohorts, waves, places, schedule = await asyncio.to_thread(_to_keep, plan, plan.settings.ordering.wishes.placed)
    await rows.put(ask.conn, id_, cohorts, waves, places, stays)
    await projects.set_settings(ask.conn, id_, kept)
    await projects.set_schedule(ask.conn, id_, schedule)
    await keep_items(ask, id_, {wave.number: wave.keys for wave in plan.waves.waves}, plan, ticks)
    return await _moved(ask, id_, before) if before else []


async def _ticked(ask: Ask, id_: int) -> Ticks:
    """What people said of the preflight of each wave, by the VMs that are in it."""
    members: dict[int, set[Key]] = {}
    for key, wave in (await rows.places(ask.conn, id_)).items():
        if wave is not None:
            members.setdefault(wave, set()).add(key)
    found = {frozenset(keys): await rows.items(ask.conn, id_, wave) for wave, keys in members.items()}
    return {keys: {name: one for name, one in items.items() if one.by} for keys, items in found.items()}


async def keep_items(
    ask: Ask, id_: int, waves: Mapping[int, Collection[Key]], plan: "MigrationPlan", ticks: Ticks | None = None
) -> None:
    """Items that the plan answers by itself are looked at anew; what a person has said stays."""
    from engines.migration.preflights import preflight_of

    report: TargetReport = await held_against_target(ask, id_, plan)
    for wave, keys in waves.items():
        known = {name: one for name, one in (await rows.items(ask.conn, id_, wave)).items() if one.by}
        known |= (ticks or {}).get(frozenset(keys), {})
        for row in known.values():
            await rows.set_item(ask.conn, id_, wave, row)
        for name, item in preflight_of(keys, plan.tenants, report.readiness, ask.now).items():
            if name not in known:
                said = ItemRow(name, item.state, item.by, item.at, formats.cut(item.evidence, 300))
                await rows.set_item(ask.conn, id_, wave, said)


async def _moved(ask: Ask, id_: int, before: Mapping[Key, int | None]) -> list[Part]:
    now = await rows.places(ask.conn, id_)
    moved = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
    if not moved:
        return [Text("Every VM is in the wave in which it was before.")]
    shown = moved[:_MOST_MOVED]
    names, why = await vms.names(ask.conn, id_, shown), await rows.reasons(ask.conn, id_, shown)
    cells = tuple(
        (names.get(key, key[1]), _wave(before, key), _wave(now, key), formats.cut(why.get(key, ""), 120) or None)
        for key in shown
    )
    return [Table(_MOVED, cells, len(moved), "In another wave than before")]


def _wave(places: Mapping[Key, int | None], key: Key) -> str:
    if key not in places:
        return "not in the plan"
    return f"wave {places[key]}" if places[key] else "no wave"


Kept = tuple[list[CohortRow], list[WaveRow], list[Place], dict[str, Any]]


def _to_keep(plan: "MigrationPlan", placed: Collection[Key]) -> Kept:
    from engines.migration.keeping import schedule_kept
    from engines.migration.wave_results import cohorts_json, waves_json

    cohorts = [CohortRow(one["number"], one["name"], one) for one in cohorts_json(plan)]
    waves = [_wave_row(one) for one in waves_json(plan)]
    cohort_of = {one.number: one.cohort for one in plan.waves.waves}
    places: list[Place] = [
        (*key, cohort_of[wave], wave, plan.waves.why[key]) for key, wave in plan.waves.wave_of.items()
    ]
    places += [(*key, 0, None, why) for key, why in plan.waves.unplaced.items() if key not in placed]
    return cohorts, waves, places, schedule_kept(plan.schedule)


def _wave_row(one: Mapping[str, Any]) -> WaveRow:
    detail = {name: value for name, value in one.items() if name != "members"}
    start, end = (datetime.fromisoformat(one[name]) if one[name] else None for name in ("start", "end"))
    return WaveRow(one["number"], one["name"], one["cohort"] or 0, "planned", start, end, "", None, detail)
