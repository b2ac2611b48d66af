"""Snapshots: one VM or volume now, a policy's run now, deleting one, putting things under policies."""

from bot.changing import propose
from bot.handlers.asking import Ask, UnknownNameError, reply
from bot.handlers.filtering import sources_of
from bot.handlers.registry import answers
from bot.handlers.snapshot_asking import asked, cannot, may_not, object_named, one_ref, policy_named
from bot.replies import Choice, Choices, Column, Part, Reply, Table, Text
from engines.snapshots.planning import PlanError, plan_delete, plan_snapshot
from engines.snapshots.planning_policies import plan_assign, plan_remove
from engines.snapshots.planning_runs import RunPlan, plan_run
from engines.snapshots.policies import Policy
from intents.readings import Name
from storage.filters import Ref
from storage.inventory import Found


@answers("snapshot")
async def snapshot(ask: Ask, vm: Name | None, volume: Name | None) -> Reply:
    of = await _object(ask, vm, volume, None)
    if isinstance(of, Reply):
        return of
    refused = may_not(ask, of.source, of.project_id)
    if refused:
        return refused
    try:
        plan = await plan_snapshot(
            ask.conn, asked(ask), vm=of if of.kind == "vm" else None, volume=of if of.kind == "volume" else None
        )
    except PlanError as error:
        return cannot(error)
    for source, project in plan.projects:  # a volume may be of another project than its VM
        refused = may_not(ask, source, project)
        if refused:
            return refused
    return await propose(ask, plan)


async def _object(ask: Ask, vm: Name | None, volume: Name | None, project: Name | None) -> Found | Reply:
    """The one that was named."""
    named = [(kind, name) for kind, name in (("volume", volume), ("vm", vm), ("project", project)) if name is not None]
    if not named:
        intent = ask.catalogue.intents[str(ask.reading.intent)]
        return Reply((Text("Of which VM or volume?", "heading"), Text(f"For example: {intent.examples[0]}", "note")),
                     "incomplete")  # fmt: skip
    if len(named) > 1 and not (len(named) == 2 and project is not None):
        return Reply((Text("Name either a VM or a volume, not both.", "heading"),), "incomplete")
    kind, name = named[0]
    found = await object_named(ask, kind, name)
    if len(named) == 2 and project is not None and one_ref(project) != (found.source, found.project_id):
        raise UnknownNameError(Name(kind, f"{name.name} in {project.name}"))
    return found


@answers("snapshot_run")
async def snapshot_run(ask: Ask, policy: Name, project: Name | None, dry_run: bool | None) -> Reply:
    """Only of projects where the asker may; the others are told."""
    found = await policy_named(ask, policy)
    if isinstance(found, Reply):
        return found
    wanted = _places(ask, project)
    if isinstance(wanted, Reply):
        return wanted
    try:
        run = await plan_run(ask.conn, asked(ask), found, projects=wanted, dry_run=bool(dry_run))
    except PlanError as error:
        return cannot(error)
    return await _would(ask, found, run, project) if dry_run else await propose(ask, run.plan)


def _places(ask: Ask, project: Name | None) -> list[Ref] | Reply:
    """The projects where the asker may run it, none for all; or the refusal."""
    if project is not None:
        return may_not(ask, *one_ref(project)) or [one_ref(project)]
    refused = may_not(ask, "", "")
    mine = [ref for ref in sorted(ask.who.on) if may_not(ask, *ref) is None] if refused else []
    return refused if refused and not mine else mine


_WOULD = (Column("volume", "volume"), Column("project", "project"), Column("vm", "VM"),
          Column("size_gib", "size", "gib"),
          Column("does", "what"), Column("why", "why"), Column("prunes", "deletes", "int"))  # fmt: skip
_ORDER = ("block", "make", "skip")
_SAID = {"make": "would be made", "skip": "skipped", "block": "blocked by the quota"}


async def _would(ask: Ask, policy: Policy, run: RunPlan, project: Name | None) -> Reply:
    """A dry run: everything that would be made, skipped, blocked, pruned. Nothing was asked for."""
    counts = ", ".join(
        f"{run.count(does):,} {words}"
        for does, words in (("make", "would be made"), ("skip", "skipped"), ("block", "blocked by the quota"))
        if does == "make" or run.count(does)
    )
    expired = f", {run.prunes:,} expired deleted" if run.prunes else ""
    lines = sorted(run.lines, key=lambda one: (_ORDER.index(one.does), -one.held.facts.size_gib, one.held.facts.name))
    cells = tuple(
        (one.held.facts.name, one.held.facts.project, ", ".join(one.held.facts.vms) or None, one.held.facts.size_gib,
         _SAID[one.does], one.why or None, one.prunes or None)
        for one in lines[: ask.rows]
    )  # fmt: skip
    where = f" in {project.name}" if project else ""
    say = f"run {policy.name} snapshots" + (f" for {project.name}" if project else "")
    parts: list[Part] = [
        Text(f"Dry run of {policy.name}{where}: {counts}{expired}", "heading"),
        Text("Nothing was started. The run itself looks again in the cloud before it makes anything.", "note"),
        Table(_WOULD, cells, len(lines)),
        Choices((Choice(f"run {policy.name}…", say),)),
    ]
    return await reply(ask, parts, {"volume", "snapshot", "quota"}, scope=f"dry run of {policy.name}{where}",
                       sources=sources_of(project))  # fmt: skip


@answers("snapshot_delete")
async def snapshot_delete(ask: Ask, snapshot: Name) -> Reply:
    found = await object_named(ask, "snapshot", snapshot)
    refused = may_not(ask, found.source, found.project_id)
    if refused:
        return refused
    try:
        return await propose(ask, await plan_delete(ask.conn, asked(ask), found))
    except PlanError as error:
        return cannot(error)


@answers("policy_assign")
async def policy_assign(
    ask: Ask, policy: Name, volume: Name | None, vm: Name | None, project: Name | None, retention: int | None
) -> Reply:
    found, of = await policy_named(ask, policy), await _object(ask, vm, volume, project)
    if isinstance(found, Reply) or isinstance(of, Reply):
        return found if isinstance(found, Reply) else _whole(of)
    refused = _refused(ask, of)
    if refused:
        return refused
    try:
        keep = None if retention is None else int(retention)
        return await propose(ask, await plan_assign(ask.conn, asked(ask), found, of, keep))
    except PlanError as error:
        return cannot(error)


@answers("policy_remove")
async def policy_remove(ask: Ask, policy: Name, volume: Name | None, vm: Name | None, project: Name | None) -> Reply:
    found, of = await policy_named(ask, policy), await _object(ask, vm, volume, project)
    if isinstance(found, Reply) or isinstance(of, Reply):
        return found if isinstance(found, Reply) else _whole(of)
    refused = _refused(ask, of)
    if refused:
        return refused
    try:
        return await propose(ask, await plan_remove(ask.conn, asked(ask), found, of))
    except PlanError as error:
        return cannot(error)


def _whole(of: Found | Reply) -> Reply:
    assert isinstance(of, Reply)
    return of


def _refused(ask: Ask, of: Found) -> Reply | None:
    return may_not(ask, of.source, of.external_id if of.kind == "project" else of.project_id)
