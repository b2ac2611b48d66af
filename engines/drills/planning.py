"""The plan of a drill: which VMs, from when, what is made, what it needs; all of it is taken away again."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds.acting_servers import MARK
from engines.drills.steps import steps_of
from engines.drills.wishes import FALLBACK_CIDR, KIND, Chosen, Mirror, Outline, Wish, nics_of
from engines.plans import Check, Plan, Target
from engines.restore.checks import checks_of, needs
from engines.restore.designs import Design, design
from engines.restore.facts import facts_of
from engines.restore.needs import Need, check_of, needs_of
from engines.restore.planning import age, backup_s, copy_target, guess_s
from engines.restore.wishes import CannotPlanError, House
from engines.restore.wishes import Wish as RestoreWish
from storage import drills, inventory
from storage.filters import Where
from storage.inventory import Found
from storage.scopes import Scope

_OF_THE_VM = frozenset({"copies", "volume types", "multi-attach", "flavor", "image"})
"""Checks of a restore that say whether a VM can come back at all; the others are about its place, and a drill brings
its own."""


async def plan_drill(
    conn: AsyncConnection, scope: Scope, wish: Wish, now: datetime, house: House, *, demo: bool = False
) -> Plan:
    """Reads the inventory and nothing else. Raises CannotPlanError when there is nothing to drill."""
    vms = await _chosen(conn, scope, wish)
    chosen = [await _one(conn, scope, vm, now, house, demo) for vm in vms]
    quota = await inventory.one(conn, scope, "quota", (wish.source, wish.project_id))
    names = await inventory.names_of(conn, scope, "project", [(wish.source, wish.project_id)])
    project = next((one.name for one in names.values()), wish.project_id)
    outline = Outline(tuple(chosen), _mirrors([one.design for one in chosen if one.design is not None]), now)
    return _plan(outline, wish, house, quota, project, demo)


async def _chosen(conn: AsyncConnection, scope: Scope, wish: Wish) -> list[Found]:
    """Raises CannotPlanError for a name that is none, or several, and for too many."""
    ref = (wish.source, wish.project_id)
    there = [vm for vm in await inventory.rows(conn, scope, Where("vm", projects=(ref,), tag=wish.tag))
             if MARK not in (vm.attrs.get("metadata") or {})]  # fmt: skip
    if not there:
        tagged = f" with the tag {wish.tag}" if wish.tag else ""
        raise CannotPlanError(f"There is no VM{tagged} in that project.")
    if wish.names:
        if len(set(wish.names)) > wish.most:
            raise CannotPlanError(f"{len(set(wish.names))} VMs are more than the {wish.most} of one drill.",
                                  "ask for fewer at a time")  # fmt: skip
        return [_named(there, name) for name in dict.fromkeys(wish.names)]
    last = await drills.latest(conn, scope, [ref])
    ordered = sorted(there, key=lambda vm: _turn(last.get(vm.ref), vm))
    return ordered[: max(wish.most, 1)]


def _turn(last: drills.Drilled | None, vm: Found) -> tuple[float, str]:
    return (last.began_at.timestamp() if last else 0.0, vm.name)


def _named(there: Sequence[Found], said: str) -> Found:
    found = [vm for vm in there if said == vm.external_id] or [
        vm for vm in there if vm.name.casefold() == said.casefold()
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(vm.external_id for vm in found))
        raise CannotPlanError(f"Several VMs are called {said[:100]}.", f"give the id of the one: {ids}")
    raise CannotPlanError(f"That project has no VM {said[:100]}.", "list its VMs, then ask again")


async def _one(conn: AsyncConnection, scope: Scope, vm: Found, now: datetime, house: House, demo: bool) -> Chosen:
    try:
        made = design(await facts_of(conn, scope, vm, demo=demo), RestoreWish(strategy="new_ips"), now)
    except CannotPlanError as error:
        return Chosen(vm, None, error.what)
    wrong = [check for check in checks_of(made, house) if not check.well and check.name in _OF_THE_VM]
    if wrong:
        return Chosen(vm, None, "; ".join(f"{check.name}: {check.detail}" for check in wrong))
    return Chosen(vm, made)


def _mirrors(designs: Sequence[Design]) -> dict[str, Mirror]:
    """One for each network that any of the VMs is in."""
    found: dict[str, Mirror] = {}
    for made in designs:
        for nic in nics_of(made):
            if nic.network_id not in found:
                known = tuple((one.id, one.cidr) for one in made.book.of(nic.network_id) if one.cidr)
                cidrs = known or (("", FALLBACK_CIDR),)
                found[nic.network_id] = Mirror(len(found) + 1, nic.network or nic.network_id, cidrs)
    return found


def _plan(outline: Outline, wish: Wish, house: House, quota: Found | None, project: str, demo: bool) -> Plan:
    needed = _needs(outline, quota)
    count = f"{len(outline.chosen)} VM" + ("s" if len(outline.chosen) != 1 else "")
    return Plan(
        KIND,
        f"Restore drill of {count} of {project}",
        tuple(_targets(outline)),
        steps_of(outline, wish, {need.metric: need.more for need in needed}),
        {
            "vms": [one.vm.name for one in outline.chosen],
            "project": project,
            "planned_at": f"{outline.now:%Y-%m-%dT%H:%M:%SZ}",
        },
        (*_checks(outline, wish.source, house), check_of(needed, quota)),
        tuple(_facts(outline, needed)),
        tuple(_warnings(outline)),
        f"{count} of {project}",
        "everything made is removed; nothing else is touched",
        demo=demo,
    )


def _needs(outline: Outline, quota: Found | None) -> tuple[Need, ...]:
    """The VMs come back one after another, so that it needs what the largest of them needs; the networks stay."""
    more: dict[str, int] = {}
    for _, made in outline.able:
        for need in needs(made):
            more[need.metric] = max(more.get(need.metric, 0), need.more)
    mirrors = outline.mirrors.values()
    subnets = sum(len(mirror.cidrs) for mirror in mirrors)
    return needs_of({**more, "networks": len(mirrors), "subnets": subnets}, quota)


def _checks(outline: Outline, source: str, house: House) -> Iterator[Check]:
    on = house.may_run_on(source)
    off = (
        f"restores are not switched on for {source}: an admin sets STACKHAND_RESTORE_EXECUTE={source.partition('/')[0]}"
    )
    yield Check("restore.execute", on, f"on for {source}" if on else off)
    detail = f"{len(outline.able)} have a restore point"
    if outline.unable:
        detail += f", {len(outline.unable)} cannot come back: {', '.join(one.vm.name for one in outline.unable)}"
    yield Check("VMs", True, detail)


def _targets(outline: Outline) -> Iterator[Target]:
    """What is held while it runs: the VMs, and the copies, so that no retention takes them away."""
    for one in outline.unable:
        yield Target(one.vm.source, "vm", one.vm.external_id, one.vm.name, one.vm.project_id)
    for vm, made in outline.able:
        held = {"volume_ids": vm.value("volume_ids")}
        yield Target(vm.source, "vm", vm.external_id, vm.name, vm.project_id, held)
        for disk in made.disks:
            yield copy_target(vm.source, disk.copy, vm.project_id)


def _facts(outline: Outline, needed: Sequence[Need]) -> Iterator[tuple[str, str]]:
    now = outline.now
    assert now is not None
    for vm, made in outline.able:
        point = made.point
        yield vm.name, f"from {point.at:%Y-%m-%d %H:%M} UTC, {age(now - point.at)} old, {point.words}"
    for one in outline.unable:
        yield one.vm.name, f"cannot come back, and is recorded as failed: {one.why}"
    cidrs = ", ".join(sorted({cidr for mirror in outline.mirrors.values() for _, cidr in mirror.cidrs}))
    if cidrs:
        yield "into", f"networks of its own without a router: {cidrs}"
    yield "then", "each VM is deleted again before the next one comes back"
    yield "originals", "are not touched"
    yield "quota", "; ".join(need.words for need in needed) or "nothing is added"
    yield "takes", _takes(outline)


def _takes(outline: Outline) -> str:
    seconds = 0.0
    for _, made in outline.able:
        past = sorted(float(one) for one in made.facts.past.get("side_by_side", ()))
        seconds += (past[len(past) // 2] if past else guess_s(made)) + backup_s(made)
    return f"about {max(1, round(seconds / 60))} min, and the time to delete"


def _warnings(outline: Outline) -> Iterator[str]:
    for vm, made in outline.able:
        if made.point.missing or made.point.rootless:
            yield f"{vm.name}: its newest point is {made.point.words}; it cannot come back whole."
    if outline.able:
        yield "A VM that comes back starts its services; in the drill's networks they reach nothing, and nothing them."
