"""Cohorts and waves: built, shown, ticked off, moved on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import formats
from bot.changing import propose
from bot.handlers.asking import Ask
from bot.handlers.registry import answers
from bot.migrating import Meant, meant, others, plan_or_why, stale_parts, told
from bot.migration_in_part import wave_in_part, waves_in_part
from bot.migration_keeping import keep_items, keep_plan
from bot.replies import Choice, Choices, Column, Fields, Part, Reply, Table, Text
from intents.readings import Name
from storage import migration_names
from storage import migration_pages as pages
from storage import migration_vms as vms
from storage import migration_waves as rows
from storage.migration_vms import Line
from storage.migration_waves import ItemRow, WaveRow

if TYPE_CHECKING:
    from engines.migration.lifecycles import Item, ItemSpec, Progress

_MOST_PER_DAY = 1000
_COHORTS = (Column("number", "cohort", "int"), Column("name", "name"), Column("tenants", "tenants", "list"),
            Column("vms", "VMs", "int"), Column("mib", "to move", "mib"), Column("red", "red", "int"),
            Column("ease", "ease", "float"), Column("start", "starts", "time"), Column("end", "ends", "time"),
            Column("why", "why"))  # fmt: skip
_WAVES = (Column("number", "wave", "int"), Column("name", "name"), Column("cohort", "cohort", "int"),
          Column("state", "state"), Column("vms", "VMs", "int"), Column("mib", "to move", "mib"),
          Column("red", "red", "int"), Column("start", "starts", "time"), Column("end", "ends", "time"),
          Column("after", "after waves", "list"), Column("warnings", "warnings", "list"))  # fmt: skip


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
    running = [one.name for one in await rows.waves(ask.conn, id_) if one.state == "running"]
    if running:
        lead = Text(f"Waves are not built anew: {', '.join(running)} is running.", "heading")
        return told(ask, which, (lead, Text("Complete it first. Nothing was changed.")), outcome="failed")
    plan = await plan_or_why(ask, which, kept)
    if isinstance(plan, Reply):
        return plan
    rebuilt = await keep_plan(ask, which, plan, kept)
    which = replace(which, sight=replace(which.sight, project=replace(which.project, stale=())))
    made = await rows.waves(ask.conn, id_)
    parts = await _cohort_parts(ask, which) if cohorts else await _wave_parts(ask, which, made, of)
    parts += rebuilt
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
    states = await rows.count_states(ask.conn, which.project.id)
    shown = [one for one in made if number is None or one.cohort == number]
    cells = tuple(
        (one.number, one.name, one.cohort or None, _state(one, states), one.detail["vms"], one.detail["mib"],
         one.detail["red"], _iso(one.starts_at), _iso(one.ends_at), [str(n) for n in one.detail["after"]],
         one.detail["warnings"][:2])
        for one in shown[: ask.rows]
    )  # fmt: skip
    opens = tuple(f"show wave {one.number} of {which.project.name}" for one in shown[: ask.rows])
    strategy = shown[0].detail["strategy"].replace("_", " ") if shown else ""
    where = f" of {of.name}" if of else ""
    lead = f"{which.project.name}: {len(shown)} wave{'s' if len(shown) != 1 else ''}{where}, {strategy}"
    left = await rows.in_no_wave(ask.conn, which.project.id)
    parts: list[Part] = [Text(lead, "heading"), *stale_parts(which.project.name, which.project.stale)]
    parts.append(Table(_WAVES, cells, len(shown), "Waves", opens))
    if not left:
        return parts
    are = "1 VM in scope is" if left == 1 else f"{left:,} VMs in scope are"
    return [*parts, Text(f"{are} in no wave: on hold, done, or tied to those.")]


def _state(wave: WaveRow, states: Mapping[int, Mapping[str, int]]) -> str:
    """ "running, 12 of 30 cut over"; without its VMs before it has begun."""
    found = states.get(wave.number, {})
    if wave.state in ("planned", "confirmed", "held", "cancelled") or not found:
        return wave.state
    failed = f", {found['failed']:,} failed" if "failed" in found else ""
    return f"{wave.state}, {found.get('cut_over', 0):,} of {sum(found.values()):,} cut over{failed}"


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
    for one in [which, *(await others(ask, which) if migration is None else ())]:
        for wave in await _waves_seen(ask, one):
            if migration_names.means(name.name, wave.name, "wave", wave.number):
                return one, wave
    lead = Text(f"There is no {name.name} in the migration {which.project.name}.", "heading")
    if which.only is not None:
        return told(ask, which, (lead, Text("Of its waves you see those with your tenants' VMs.")), outcome="not_found")
    build = Choice("build waves", f"plan waves for {which.project.name}, pilot first")
    return told(ask, which, (lead, Choices((build,))), outcome="not_found")


async def _waves_seen(ask: Ask, which: Meant) -> Sequence[WaveRow]:
    """All of them; of a migration seen in part those with VMs of these tenants, without the names they were given."""
    made = await rows.waves(ask.conn, which.project.id)
    if which.only is None:
        return made
    seen = {one.number: one.name for one in await pages.waves(ask.conn, which.sight)}
    return [replace(one, name=seen[one.number]) for one in made if one.number in seen]


@answers("wave_show")
async def wave_show(ask: Ask, migration: Name | None, cohort: Name | None, wave: Name | None) -> Reply:
    if wave is not None:
        found = await _wave_meant(ask, wave, migration)
        if isinstance(found, Reply):
            return found
        return await (_one(ask, *found) if found[0].only is None else wave_in_part(ask, found[0], found[1].number))
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    if which.only is not None:
        return await waves_in_part(ask, which, cohort)
    made = await rows.waves(ask.conn, which.project.id)
    if not made:
        lead = Text(f"No waves were built for {which.project.name} yet.", "heading")
        build = Choice("build waves", f"plan waves for {which.project.name}, pilot first")
        return told(ask, which, (lead, Choices((build,))))
    return told(ask, which, await _wave_parts(ask, which, made, cohort), page="/waves")


async def _one(ask: Ask, which: Meant, wave: WaveRow) -> Reply:
    from engines.migration.advancing import counted, progress_of

    id_ = which.project.id
    lines, total = await vms.listed(ask.conn, id_, vms.Narrow(wave=wave.number), ask.rows)
    progress = (await progress_of(ask.conn, id_, wave.number))[wave.number]
    d = wave.detail
    lead = f"{wave.name} of {which.project.name} is {wave.state}: {total:,} VMs, {formats.size(d['mib'] * 2**20)}"
    facts = [
        ("VMs", counted(progress, len(progress.vms)) if wave.state in ("running", "complete", "failed") else ""),
        ("from", formats.stamp(wave.starts_at) if wave.starts_at else ""),
        ("to", formats.stamp(wave.ends_at) if wave.ends_at else ""),
        ("longest downtime", f"{d['longest_downtime_minutes']:g} minutes"),
        ("after", ", ".join(f"wave {number}" for number in d["after"])),
        ("warnings", "; ".join(d["warnings"][:3])),
        (wave.state, f"by {wave.changed_by}, {formats.stamp(wave.changed_at)}" if wave.changed_at else ""),
    ]
    stale = stale_parts(which.project.name, which.project.stale) if wave.state in ("planned", "confirmed") else ()
    parts: list[Part] = [Text(lead, "heading"), *stale, Fields(tuple((k, v) for k, v in facts if v))]
    parts += [Text("Preflight", "heading"), _items(progress), await _members(ask, which, lines, total, progress)]
    parts.append(Choices(_moves(which, wave)))
    return told(ask, which, parts, scope=wave.name, page=f"/vms?wave={wave.number}")


_MEMBERS = (Column("name", "VM"), Column("state", "state"), Column("risk", "risk"), Column("mode", "mode"),
            Column("tenant", "tenant"), Column("move_mib", "to move", "mib"), Column("why", "why here"))  # fmt: skip


async def _members(ask: Ask, which: Meant, lines: Sequence[Line], total: int, progress: "Progress") -> Table:
    """Each row opens why the VM is graded as it is."""
    why = await rows.reasons(ask.conn, which.project.id, [one.key for one in lines])
    cells = tuple(
        (one.name, progress.vms[one.key].replace("_", " "), f"{one.risk}, {one.score}", one.mode, one.tenant or None,
         one.move_mib, formats.cut(why.get(one.key, ""), 160) or None)
        for one in lines
    )  # fmt: skip
    opens = tuple(f'explain the risk of "{one.name}" in {which.project.name}' for one in lines)
    return Table(_MEMBERS, cells, total, "VMs", opens)


def _items(progress: "Progress") -> Fields:
    """By the words that tick them; those that stand in the way first."""
    from engines.migration.lifecycles import PREFLIGHT

    order = {"fail": 0, "pending": 1}
    ranked = sorted(PREFLIGHT, key=lambda spec: (order.get(progress.item(spec.id).state, 2), spec.weight != "blocker"))
    return Fields(tuple((spec.id.replace("_", " "), _item_words(spec, progress.item(spec.id))) for spec in ranked))


def _item_words(spec: "ItemSpec", item: "Item") -> str:
    """ "open, blocks confirm: Finance: fin-prod, not confirmed"; what is well says who saw it."""
    seen = f": {formats.cut(item.evidence, 160)}" if item.evidence else ""
    by = f", by {item.by}" if item.by else ""
    if item.state in ("pass", "skipped"):
        return f"{'done' if item.state == 'pass' else 'skipped'}{by}{seen}"
    weight = {"blocker": f"blocks {spec.before}", "warning": f"a warning before {spec.before}"}.get(
        spec.weight, "to know"
    )
    return f"{'not met' if item.state == 'fail' else 'open'}{by}, {weight}{seen}"


def _moves(which: Meant, wave: WaveRow) -> tuple[Choice, ...]:
    said = f'wave {wave.number} of "{which.project.name}"'  # in quotes any word may be a name
    moves = {
        "planned": ("confirm", "hold", "cancel"), "confirmed": ("start", "hold", "cancel"), "running": ("complete",),
        "held": ("reopen", "cancel"), "cancelled": ("reopen",), "failed": ("reopen", "cancel"),
    }.get(wave.state, ())  # fmt: skip
    return (
        *(Choice(move, f"{move} {said}") for move in moves),
        Choice("all waves", f"all waves of {which.project.name}"),
    )


@answers("wave_advance")
async def wave_advance(ask: Ask, wave: Name, to: str, migration: Name | None) -> Reply:
    from engines.migration import advancing
    from engines.migration.lifecycles import ENDS, MOVES

    found = await _wave_meant(ask, wave, migration)
    if isinstance(found, Reply):
        return found
    which, row = found
    if to not in MOVES:
        return told(ask, which, (Text(f"A wave cannot be moved on by {to}.", "heading"),), outcome="incomplete")
    move = MOVES[MOVES.index(to)]
    if row.state == ENDS[move]:
        by = f" by {row.changed_by}, {formats.stamp(row.changed_at)}" if row.changed_at else ""
        lead = Text(f"{row.name} of {which.project.name} is {row.state} already{by}.", "heading")
        return told(ask, which, (lead, Text("Nothing was changed."), Choices(_moves(which, row))))
    if which.project.stale and to == "confirm":
        return _is_stale(ask, which, row)
    if move in ("confirm", "start") and row.state in ("planned", "confirmed"):
        problem = await _look(ask, which, row)
        if problem is not None:
            return problem
    waves = await advancing.progress_of(ask.conn, which.project.id, row.number)
    plan = advancing.plan(
        (which.project.id, which.project.name), row.number, move, waves, ask.who.id, ask.now, row.detail["vms"]
    )
    return await propose(ask, plan)


def _is_stale(ask: Ask, which: Meant, row: WaveRow) -> Reply:
    """A wave is not confirmed that is not what would be built now."""
    lead = Text(f"{row.name} is not confirmed: the plan has changed since it was built.", "heading")
    return told(ask, which, (lead, *stale_parts(which.project.name, which.project.stale)), outcome="failed")


async def _look(ask: Ask, which: Meant, row: WaveRow) -> Reply | None:
    """Items that the plan answers by itself, looked at anew; or why there is no plan."""
    plan = await plan_or_why(ask, which)
    if isinstance(plan, Reply):
        return plan
    members = await rows.vm_states(ask.conn, which.project.id, row.number)
    await keep_items(ask, which.project.id, {row.number: tuple(members)}, plan)
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
