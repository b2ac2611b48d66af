"""Restores: what a VM can come back from, the plan, asking for it, how it goes on, what there was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.changing import propose
from bot.deciding import pressed_in
from bot.drilling import drilled
from bot.formats import ago
from bot.handlers.asking import Ask, refs, reply
from bot.handlers.registry import answers
from bot.replies import Choice, Choices, Column, Fields, File, Part, Progress, Reply, Table, Text
from bot.restore_changes import change, choices
from bot.restore_wishes import Wished, changed, sentence, vm_words, when_words
from bot.restoring import OPEN, cannot, may_not, vm_named
from bot.revealing import reveal
from engines.plans import Plan
from engines.restore.designs import point_of
from engines.restore.facts import Facts, facts_of, points_for
from engines.restore.planning import plan_of
from engines.restore.points import Point
from engines.restore.recipe import Disk, Recipe
from engines.restore.record_pages import as_pdf
from engines.restore.records import MODES, as_csv, duration, lines_of
from engines.restore.wishes import CannotPlanError, Wish
from intents.readings import Name
from storage import restores
from storage.drills import Window as Drills
from storage.inventory import Found
from storage.listings import listings
from storage.restores import Restore, Window

_KINDS = {"vm", "volume", "snapshot", "volume_backup", "port", "image"}
_POINT_COLUMNS = (
    Column("at", "state of", "time"), Column("made_of", "made of"), Column("holds", "holds"),
    Column("moment", "consistency"), Column("policy", "policy"), Column("size_gib", "size", "gib"),
    Column("copies", "copies", "list"),
)  # fmt: skip
_COLUMNS = (
    Column("job", "restore"), Column("title", "what"), Column("asked", "asked by"), Column("approved", "approved by"),
    Column("began", "began", "time"), Column("took", "took"), Column("state", "outcome"),
)  # fmt: skip
_MOST_DIGITS = 18
_MOST_FORMER = 5


@answers("restore_points")
async def restore_points(ask: Ask, vm: Name) -> Reply:
    found = await vm_named(ask, vm)
    if isinstance(found, Reply):
        return found
    recipe, points = await points_for(ask.conn, ask.who.scope, found)
    parts: list[Part] = [Text(_points_lead(recipe, points, ask.now), "heading")]
    if points:
        shown = points[: ask.rows]
        opens = tuple(f"plan a restore of {recipe.name} from {when_words(one, points, found.source)}" for one in shown)
        cells = tuple(_point_cells(one) for one in shown)
        parts.append(Table(_POINT_COLUMNS, cells, len(points), opens=opens))
        parts.append(Choices((Choice("plan from the newest", f"plan a restore of {recipe.name}"),)))
    parts += [Text(_former(recipe, one), "note") for one in recipe.former[:_MOST_FORMER]]
    if recipe.deleted:
        parts.append(Text("It is deleted: what the inventory knew of it last is the recipe.", "note"))
    return await reply(ask, parts, _KINDS, scope=f"restore points of {recipe.name}", sources={found.source},
                       outcome="answered" if points else "not_found")  # fmt: skip


def _points_lead(recipe: Recipe, points: Sequence[Point], now: datetime) -> str:
    name = f"{recipe.name}, which is deleted," if recipe.deleted else recipe.name
    if not points:
        return f"{name} cannot come back from anything: no copy of its volumes and no image of it is on record"
    whole = sum(1 for point in points if point.complete)
    newest = points[0]
    some = "point" if len(points) == 1 else "points"
    backed = sum(1 for point in points if point.count("backup"))
    more = f", {backed} with volume backups" if backed else ""
    return (
        f"{name} has {len(points)} restore {some}, {whole} complete{more}; the newest is of "
        f"{newest.at:%Y-%m-%d %H:%M} UTC, {ago(now - newest.at)}"
    )


def _former(recipe: Recipe, disk: Disk) -> str:
    name = disk.name or disk.volume_id
    say = f"restore only the volume {name} of {recipe.name} from backup"
    return f"It had a volume {name}, which is deleted and of which backups are left. Say: {say}"


def _point_cells(point: Point) -> tuple[object, ...]:
    moment = "one moment" if point.one_moment else f"{int(point.spread.total_seconds() // 60)} min apart"
    names = sorted(copy.name or copy.id for copy in point.copies.values())
    return (
        f"{point.at:%Y-%m-%dT%H:%M:%SZ}", point.made_of or "server image", point.words, moment, point.policy or None,
        point.size_gib, names or [point.image],
    )  # fmt: skip


@answers("restore_plan")
async def restore_plan(ask: Ask, vm: Name, wished: Wished) -> Reply:
    """The dry run: everything is shown, nothing is asked for."""
    found = await vm_named(ask, vm)
    if isinstance(found, Reply):
        return found
    made = await _planned(ask, found, wished)
    return made if isinstance(made, Reply) else await dry_run(ask, *made)


@answers("restore")
async def restore(ask: Ask, vm: Name, wished: Wished) -> Reply:
    """Asks for it, or for it otherwise. Of a replace the VM's name is typed by whoever decides."""
    pressed = pressed_in(ask.reading)
    if pressed is not None:
        return await change(ask, pressed, wished)
    found = await vm_named(ask, vm)
    if isinstance(found, Reply):
        return found
    refused = may_not(ask, found)
    if refused:
        return refused
    made = await _planned(ask, found, wished)
    if isinstance(made, Reply):
        return made
    asked = await propose(ask, made[2])
    return replace(asked, parts=(*asked.parts, *_otherwise(*made[:2]))) if made[2].failed else asked


async def _planned(ask: Ask, vm: Found, wished: Wished) -> tuple[Facts, Wish, Plan] | Reply:
    demo = any(one.demo for one in await listings(ask.conn, kinds={"vm"}, sources={vm.source}))
    wish = changed(Wish(), _of_today(wished, ask.now))
    try:
        facts = await facts_of(ask.conn, ask.who.scope, vm, demo=demo)
        return facts, wish, plan_of(facts, wish, ask.now, ask.house)
    except CannotPlanError as error:
        return cannot(error)


def _of_today(wished: Wished, now: datetime) -> Wished:
    """ "today" has no end yet, and is no moment."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return replace(wished, until=now) if wished.since == midnight and wished.until is None else wished


async def dry_run(ask: Ask, facts: Facts, wish: Wish, plan: Plan) -> Reply:
    checks = tuple((check.name, "well" if check.well else "NOT WELL", check.detail) for check in plan.checks)
    columns = (Column("check", "check"), Column("state", "result"), Column("detail", "detail"))
    steps = tuple((step.does, step.undo or None) for step in plan.steps)
    point, vm = point_of(facts, wish), vm_words(facts)
    parts: list[Part] = [
        Text(f"{plan.title}: a dry run, nothing is changed", "heading"),
        Fields((*plan.facts, ("undo", plan.undo))),
        *(Text(line, "warning") for line in plan.warnings),
        Table(columns, checks, len(checks), "Checks"),
        Table((Column("step", "step"), Column("undo", "undo")), steps, len(steps), "Steps"),
    ]
    if plan.failed:
        parts.append(Text("It cannot be run like this: " + "; ".join(c.name for c in plan.failed), "warning"))
    else:
        parts.append(Choices((Choice("ask for it", sentence("restore", vm, wish, facts, point)),)))
    parts += _otherwise(facts, wish)
    return await reply(ask, parts, _KINDS, scope=f"dry run of a restore of {facts.vm.name}", sources={facts.vm.source})


def _otherwise(facts: Facts, wish: Wish) -> Sequence[Part]:
    """Everything that could be wished otherwise: each shows the plan of that."""
    vm = vm_words(facts)
    return choices(
        facts, wish, point_of(facts, wish),
        lambda other: sentence("plan a restore of", vm, other, facts, point_of(facts, other)),
    )  # fmt: skip


@answers("restore_status")
async def restore_status(ask: Ask, vm: Name | None, job: str | None) -> Reply:
    """One restore with its steps and its record, or those that go on; or its new password, to whoever asked."""
    pressed = pressed_in(ask.reading)
    if pressed is not None:
        return await reveal(ask, pressed)
    ids = _ids(job)
    if job is not None and not ids:
        return _none(f"{job[:40]} is no restore that you may see.")
    states = OPEN if vm is None and job is None else ()
    window = Window(vms=refs(vm) if vm is not None and vm.source else (), states=states, ids=ids)
    found, total = await restores.restores(ask.conn, ask.who.scope, window, ask.rows)
    if not found:
        return _none(f"{job.upper()} is no restore that you may see." if job else "No restore is running.")
    if job is not None or vm is not None:
        return await _one(ask, found[0])
    parts: list[Part] = [Text(f"{total} restore{'s' if total != 1 else ''} running or waiting", "heading")]
    parts += [_progress(one) for one in found if one.progress][:5]
    parts.append(_table(found, total))
    follows = tuple(f"job/{one.job_id}" for one in found[:5])
    return Reply(tuple(parts), scope="restores", demo=any(one.demo for one in found), follows=follows)


def _ids(job: str | None) -> tuple[int, ...]:
    digits = (job or "").upper().removeprefix("JOB-")
    return (int(digits),) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else ()


def _none(words: str) -> Reply:
    return Reply((Text(words, "heading"), Choices((Choice("past restores", "restore history"),))), "not_found")


def _progress(one: Restore) -> Progress:
    told = one.progress
    return Progress(f"{one.name} {one.title}", int(told.get("step") or 0), int(told.get("steps") or 0),
                    str(told.get("note") or told.get("name") or ""))  # fmt: skip


async def _one(ask: Ask, one: Restore) -> Reply:
    plan = await restores.plan_of(ask.conn, one.job_id) or {}
    ran = await restores.steps_of(ask.conn, one.job_id)
    took = f" in {duration(one.took_s)}" if one.took_s is not None else ""
    parts: list[Part] = [Text(f"{one.name} {one.title}: {one.state}{took}", "heading")]
    if one.progress and one.state in OPEN:
        parts.append(_progress(one))
    if one.error:
        parts += [Text(one.error, "warning"), *([Text(one.fix)] if one.fix else [])]
    parts += [Text(f"Left: {left.get('what', '')}. Remove it: {left.get('fix', '')}", "warning")
              for left in one.outcome.get("left", ())]  # fmt: skip
    parts.append(Fields(tuple(lines_of(one, plan))))
    does = {str(step["name"]): str(step["does"]) for step in plan.get("steps", ())}
    columns = (Column("step", "step"), Column("state", "state"), Column("took", "took"))
    cells = tuple(
        (does.get(s.name, s.name), s.state, duration((s.ended_at - s.began_at).total_seconds()) if s.ended_at else None)
        for s in ran
    )
    if cells:
        parts.append(Table(columns, cells, len(cells), f"Steps, of {len(does)}"))
    if one.state not in OPEN:
        name = f"restore-{one.name}"
        parts += [
            File(f"{name}.pdf", "application/pdf", as_pdf(one, plan, ran, ask.now)),
            File(f"{name}.csv", "text/csv", as_csv(one, plan, ran)),
        ]
    follows = (f"job/{one.job_id}",) if one.state in OPEN else ()
    return Reply(tuple(parts), scope=one.name, demo=one.demo, follows=follows)


@answers("restore_history")
async def restore_history(
    ask: Ask, vm: Name | None, project: Name | None, since: datetime | None, until: datetime | None
) -> Reply:
    window = Window(refs(vm), refs(project), since, until)
    found, total = await restores.restores(ask.conn, ask.who.scope, window, ask.rows)
    drills = Drills(window.vms, window.projects, since, until)
    also, invented = await drilled(ask.conn, ask.who.scope, drills, ask.rows)
    if not found:
        none = Text("No restore is on record there" + (", but drills are." if also else "."), "heading")
        return Reply((none, *also), "answered", scope="past restores", demo=invented)
    done = sum(1 for one in found if one.state == "done")
    some = "restore" if total == 1 else "restores"
    parts: list[Part] = [
        Text(f"{total} {some}, {done} of the {len(found)} shown done", "heading"),
        _table(found, total),
        *also,
    ]
    return Reply(tuple(parts), scope="past restores", demo=invented or any(one.demo for one in found))


def _table(found: Sequence[Restore], total: int) -> Table:
    cells = tuple(
        (
            one.name, f"{one.title} ({MODES.get(str(one.options.get('mode')), '')})", one.asked_by,
            ", ".join(one.approvers) or None, f"{one.started_at:%Y-%m-%dT%H:%M:%SZ}" if one.started_at else None,
            duration(one.took_s) or None, one.state,
        )
        for one in found
    )  # fmt: skip
    return Table(_COLUMNS, cells, total, opens=tuple(f"restore status of {one.name}" for one in found))
