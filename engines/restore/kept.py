"""Deleting the original that a replace has kept: a change of its own, once its grace time is over."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds.acting_servers import KEPT
from engines.plans import Check, Plan, Step, Target
from engines.restore.wishes import CannotPlanError, House
from storage import inventory, restore_facts
from storage.inventory import Found
from storage.kept_originals import Kept
from storage.scopes import Scope

KIND = "original_delete"


async def plan_delete_kept(conn: AsyncConnection, scope: Scope, kept: Kept, now: datetime, house: House) -> Plan:
    """Reads the inventory and nothing else. Raises CannotPlanError when the original is not there any more."""
    vm = await restore_facts.vm_of(conn, scope, kept.source, kept.vm_id)
    if vm is None or vm.deleted_at is not None:
        raise CannotPlanError(f"{kept.kept}, the original that {kept.job} kept, is not there any more.")
    new = await restore_facts.vm_of(conn, scope, kept.source, kept.new_id)
    own = await restore_facts.belongings(conn, scope, vm, tuple(map(str, vm.attrs.get("volume_ids") or ())))
    projects = await inventory.names_of(conn, scope, "project", [(kept.source, kept.project_id)])
    project = projects.get((kept.source, kept.project_id))
    state = {name: vm.value(name) for name in ("state", "volume_ids")}
    target = Target(kept.source, "vm", kept.vm_id, vm.name, kept.project_id, state)
    return Plan(
        KIND,
        f"Delete {kept.kept}, the original of {kept.name}",
        (target,),
        (_step(kept),),
        {"typed": kept.kept, "vm": kept.kept, "vm_id": kept.vm_id, "job": kept.job_id},
        tuple(_checks(kept, vm, new, now, house)),
        tuple(_facts(kept, vm, own, now)),
        tuple(_warnings(own)),
        f"1 VM of {project.name if project else kept.project_id}",
        "a deleted VM does not come back; its volumes that stay, and their snapshots, do not go with it",
        demo=kept.demo,
    )


def _step(kept: Kept) -> Step:
    told = {"source": kept.source, "project_id": kept.project_id, "vm_id": kept.vm_id, "kept": kept.kept,
            "mark": kept.mark, "new_id": kept.new_id}  # fmt: skip
    return Step("delete original", "restore.delete_kept", f"look at {kept.kept} again, and delete it", told)


def _checks(kept: Kept, vm: Found, new: Found | None, now: datetime, house: House) -> Iterator[Check]:
    source = kept.source
    runs = house.may_run_on(source)
    yield Check("restore.execute", runs, f"on for {source}" if runs else f"restores are not switched on for {source}")
    until = kept.ended_at + house.keep
    over = now >= until
    yield Check("grace time", over, f"{'over since' if over else 'it is kept until'} {until:%Y-%m-%d %H:%M} UTC")
    ours = vm.attrs.get("metadata", {}).get(KEPT) == kept.mark
    yield Check("mark", ours, f"of {kept.job}" if ours else f"it does not bear the mark of {kept.job}: sync, or look")
    same = vm.name == kept.kept
    yield Check("name", same, vm.name if same else f"it is called {vm.name}, not {kept.kept}: somebody uses it")
    state = str(vm.attrs.get("state") or "unknown")
    off = state in ("off", "error")
    yield Check("stopped", off, state if off else f"it is {state}: stop it first")
    there = new is not None and new.deleted_at is None
    why = "the VM that replaced it is gone: the original is all that is left"
    yield Check("what replaced it", there, f"{new.name} is {new.attrs.get('state')}" if new and there else why)
    tags = sorted({tag for tag in vm.attrs.get("tags") or () if str(tag).lower() in house.protected})
    if tags:
        yield Check("protection", False, f"it is protected (tag {', '.join(tags)})")
    if vm.attrs.get("locked"):
        yield Check("lock", False, "it is locked: unlock it first")


def _facts(kept: Kept, vm: Found, own: restore_facts.Belongings, now: datetime) -> Iterator[tuple[str, str]]:
    days = (now - kept.ended_at).days
    yield "kept by", f"{kept.job}, {days} day{'s' if days != 1 else ''} ago ({kept.ended_at:%Y-%m-%d %H:%M} UTC)"
    goes_with = set(vm.attrs.get("deletes_volume_ids") or ())
    names = {one.external_id: f"{one.name or one.external_id} ({one.attrs.get('size_gib') or 0} GiB)"
             for one in own.volumes}  # fmt: skip
    going, staying = _split(names, goes_with)
    yield "deletes", ", ".join([f"VM {vm.name}", *going])
    if staying:
        yield "stays", f"{', '.join(staying)}: free afterwards, to be deleted by hand when nobody needs them"


def _split(names: Mapping[str, str], goes_with: set[str]) -> tuple[list[str], list[str]]:
    going = [f"volume {name}" for id_, name in names.items() if id_ in goes_with]
    return going, [f"volume {name}" for id_, name in names.items() if id_ not in goes_with]


def _warnings(own: restore_facts.Belongings) -> Iterator[str]:
    yield "It cannot be undone."
    if own.snapshots:
        some = "snapshot is" if len(own.snapshots) == 1 else "snapshots are"
        yield f"{len(own.snapshots)} {some} of its volumes: a volume with snapshots stays, whatever the VM says of it."
