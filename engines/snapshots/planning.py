"""Plans for snapshots of one VM or volume, and for deleting one. Planning changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds.acting import StorageQuota
from engines.plans import Check, Plan, Step, Target
from engines.snapshots.forecast import quota_of
from engines.snapshots.gathering import Held, demo_sources, volumes
from engines.snapshots.metadata import PAUSE, flag, read_snapshot
from engines.snapshots.quotas import Wanted, fit
from storage import inventory
from storage.filters import Where
from storage.inventory import Found
from storage.scopes import Scope

_USABLE = frozenset({"attached", "unattached"})
PLATFORM = "openstack"
_SECONDS_EACH = 2


class PlanError(Exception):
    """It cannot even be planned: `what` is the case, and what to do about it as `fix`."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def several(count: int, what: str) -> str:
    """ "1 volume", "1,200 volumes"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a plan, what they may see, and when."""

    by: str
    scope: Scope
    now: datetime


def volume_target(held: Held) -> Target:
    facts = held.facts
    state = {"size_gib": facts.size_gib, "state": held.state, "parent_id": facts.vm_ids[0] if facts.vm_ids else None}
    return Target(facts.source, "volume", facts.id, facts.name, facts.project_id, state)


def item(held: Held, retention: int = 1) -> dict[str, object]:
    """As the steps that make copies want it."""
    facts = held.facts
    return {
        "id": facts.id, "name": facts.name, "size_gib": facts.size_gib, "volume_type": facts.volume_type,
        "vm": facts.vms[0] if facts.vms else "", "vm_id": facts.vm_ids[0] if facts.vm_ids else "",
        "retention": retention,
    }  # fmt: skip


def platform_check(platform: str) -> tuple[Check, ...]:
    if platform == PLATFORM:
        return ()
    return (Check("platform", False, f"snapshots are made in OpenStack only, not in {platform}"),)


async def quota_for(conn: AsyncConnection, asked: Asked, source: str, project_id: str) -> StorageQuota:
    """As the record has it; the run looks again in the cloud."""
    rows = await inventory.rows(conn, asked.scope, Where("quota", projects=((source, project_id),)))
    return quota_of(rows[0] if rows else None)


def quota_check(quota: StorageQuota, wanted: Sequence[Held]) -> Check:
    result = fit([Wanted(one.facts.id, one.facts.size_gib, one.facts.volume_type) for one in wanted], quota)
    size = sum(one.facts.size_gib for one in wanted)
    if result.blocked:
        return Check("quota", False, f"{size:,} GiB: {result.blocked[-1].words}")
    free = quota.size_gib.free()
    room = f"{free:,} GiB are free" if free is not None else "no limit is known"
    return Check("quota", True, f"it needs {size:,} GiB, {room}")


async def plan_snapshot(
    conn: AsyncConnection, asked: Asked, *, vm: Found | None = None, volume: Found | None = None, pause: bool = False
) -> Plan:
    """All volumes of a VM as one restore point, or one volume. Raises PlanError where there is nothing to copy."""
    of = vm or volume
    assert of is not None
    where = Where("volume", vms=(vm.ref,)) if vm else Where("volume", volumes=(of.ref,))
    held = await volumes(conn, asked.scope, where, asked.now)
    if vm is not None:
        held = [one for one in held if vm.external_id in one.facts.vm_ids]
    if not held:
        fix = "only volumes can be copied; its disk may lie on the host alone" if vm else "see: freshness"
        raise PlanError(f"{of.name} has no volume that is known", fix)
    if len({one.facts.project_id for one in held}) > 1 or not held[0].facts.project_id:
        raise PlanError(f"The volumes of {of.name} are of several projects", "snapshot them one by one")
    demo = of.source in await demo_sources(conn)
    pause = vm is not None and of.value("state") == "on" and (pause or flag(str(_meta(of).get(PAUSE, ""))) is True)
    quota = await quota_for(conn, asked, of.source, held[0].facts.project_id)
    own = (Target(of.source, "vm", of.external_id, of.name, of.project_id, {"state": of.value("state")}),) if vm else ()
    size = sum(one.facts.size_gib for one in held)
    return Plan(
        "snapshot",
        f"Snapshot {of.name}" + (f": {several(len(held), 'volume')}" if vm else ""),
        (*own, *map(volume_target, held)),
        _steps(of, held, asked, pause),
        {"pause": pause},
        (*platform_check(of.platform), *_usable(held), quota_check(quota, held)),
        (("makes", f"{several(len(held), 'snapshot')}, {size:,} GiB"),
         ("consistency", consistency(len(held), pause)), ("kept", "until somebody deletes it")),
        _warnings(of, held, pause),
        f"{several(len(held), 'volume')} of {held[0].facts.project or held[0].facts.project_id}",
        "the snapshots that were made are removed",
        demo=demo,
    )  # fmt: skip


def _meta(of: Found) -> dict[str, object]:
    held = of.value("metadata")
    return dict(held) if isinstance(held, dict) else {}


def consistency(count: int, pause: bool) -> str:
    if pause:
        return "crash-consistent, at one moment: the VM is held still meanwhile"
    if count == 1:
        return "crash-consistent"
    return f"crash-consistent: the {count} volumes are taken one after the other within about {count * _SECONDS_EACH} s"


def _warnings(of: Found, held: Sequence[Held], pause: bool) -> tuple[str, ...]:
    if of.kind != "vm" or len(held) == 1 or pause:
        return ()
    if of.value("state") != "on":
        return (f"{of.name} is {of.value('state')}: nothing is written, so there is nothing to hold still.",)
    return (f"To hold it still meanwhile, set {PAUSE}=true in the metadata of {of.name}.",)


def _usable(held: Sequence[Held]) -> tuple[Check, ...]:
    return tuple(
        Check(one.facts.name or one.facts.id, False, f"the volume is {one.state or 'in an unknown state'}")
        for one in held
        if one.state not in _USABLE
    )


def _steps(of: Found, held: Sequence[Held], asked: Asked, pause: bool) -> tuple[Step, ...]:
    project = held[0].facts.project_id
    told = {"source": of.source, "project_id": project, "policy": "", "run": "", "by": asked.by,
            "volumes": [item(one) for one in held]}  # fmt: skip
    names = ", ".join(one.facts.name or one.facts.id for one in held)
    action = "snapshot.group" if len(held) > 1 else "snapshot.create"
    take = Step("take", action, f"snapshot {names}", told, "the snapshots are removed")
    if not pause:
        return (take,)
    vm = {"source": of.source, "project_id": of.project_id or project, "vm_id": of.external_id, "vm_name": of.name}
    return (
        Step("hold", "vm.hold", f"pause {of.name}", vm, f"{of.name} goes on"),
        take,
        Step("go on", "vm.go_on", f"let {of.name} go on", {**vm, "held": "hold"}),
    )


async def plan_delete(conn: AsyncConnection, asked: Asked, snapshot: Found) -> Plan:
    """With what speaks against it: the last good copy of its volume, volumes that were made from it."""
    source, project = snapshot.source, snapshot.project_id
    if not project:
        raise PlanError(f"Whose snapshot {snapshot.name} is, is not known", "see: freshness")
    volume_id = str(snapshot.value("parent_id") or "")
    others = await inventory.rows(conn, asked.scope, Where("snapshot", volumes=((source, volume_id),)))
    made_from = await inventory.rows(conn, asked.scope, Where("volume", attrs={"snapshot_id": snapshot.external_id}))
    clones = [one for one in made_from if one.source == source]
    demo = source in await demo_sources(conn)
    policy = read_snapshot(snapshot.value("metadata") or {}).policy
    target = Target(source, "snapshot", snapshot.external_id, snapshot.name, project,
                    {"size_gib": snapshot.value("size_gib"), "parent_id": volume_id or None})  # fmt: skip
    told = {"source": source, "project_id": project, "snapshot_id": snapshot.external_id, "volume_id": volume_id}
    size, volume = snapshot.value("size_gib") or 0, snapshot.value("volume") or volume_id or "an unknown volume"
    names = ", ".join(one.name or one.external_id for one in clones[:5])
    depends = Check("nothing depends on it", not clones, f"made from it: {names}" if clones else "as far as is known")
    return Plan(
        "snapshot_delete",
        f"Delete snapshot {snapshot.name}",
        (target,),
        (Step("delete", "snapshot.delete", f"delete {snapshot.name}", told),),
        {},
        (*platform_check(snapshot.platform), depends),
        (("of volume", str(volume)), ("size", f"{size:,} GiB"), ("made", _when(snapshot)),
         ("by", f"policy {policy}" if policy else "hand"), ("left of the volume", f"{_left(others, snapshot)} good")),
        _last(others, snapshot, policy, str(volume)),
        f"1 snapshot of {snapshot.value('project') or project}",
        "a deleted snapshot cannot be brought back",
        demo=demo,
    )  # fmt: skip


def _when(snapshot: Found) -> str:
    created = snapshot.value("created")
    return f"{str(created).replace('T', ' ')[:16]} UTC" if created else "at an unknown time"


def _good(others: Sequence[Found], but: Found) -> list[Found]:
    return [one for one in others if one.external_id != but.external_id and one.value("state") == "available"]


def _left(others: Sequence[Found], snapshot: Found) -> int:
    return len(_good(others, snapshot))


def _last(others: Sequence[Found], snapshot: Found, policy: str, volume: str) -> tuple[str, ...]:
    if snapshot.value("state") != "available":
        return ()
    left = _good(others, snapshot)
    if not left:
        return (f"It is the last good snapshot of {volume}.",)
    of_policy = [one for one in left if read_snapshot(one.value("metadata") or {}).policy == policy]
    return (f"It is the last good one of policy {policy}.",) if policy and not of_policy else ()
