"""The demo cloud's volumes, snapshots and where they lie, as the inventory's fields."""

from collections.abc import Sequence
from types import MappingProxyType

from engines.clouds import Resource
from engines.clouds.demo_catalogue import IMAGES, NUTANIX, OPENSTACK, USERS, VMWARE, Source
from engines.clouds.demo_ids import Ids
from engines.clouds.demo_listing import Listing, facts
from engines.clouds.demo_model import iso
from engines.clouds.demo_policies import MADE_BY, protection
from engines.clouds.demo_view import Backup, Disk, Snap, View

_AGENTS = MappingProxyType({image.name: image.agent for image in IMAGES})
_TYPES = {OPENSTACK: ("ssd", "hdd"), VMWARE: ("thin", "thick"), NUTANIX: ("default", "default")}.__getitem__


def volumes(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    mine = [disk for disk in view.disks if view.source(disk.project) == source]
    return Listing(mine, lambda disk: _volume(view, source, ids, disk))


def _volume(view: View, source: Source, ids: Ids, disk: Disk) -> Resource:
    attached = None if disk.vm is None else ids.vm(disk.vm)
    device = f"/dev/vd{'abcd'[disk.number]}" if source == OPENSTACK else f"scsi0:{disk.number}"
    system = disk.number == 0 and disk.vm is not None
    attrs = facts(
        state=disk.state,
        status=_status(source, disk.state),
        size_gib=disk.size_gib,
        volume_type=_TYPES(source)[view.plan.roll(disk.key + "t") // 70],
        bootable=system,
        encrypted=view.plan.roll(disk.key + "e") < 20,
        multiattach=False,
        zone="nova" if source == OPENSTACK else None,
        parent_id=attached,
        attachments=[{"vm_id": attached, "device": device}] if attached else [],
        image=disk.vm.image if disk.vm and system and source == OPENSTACK else None,
        guest_agent=_AGENTS.get(disk.vm.image) if disk.vm and system and source == OPENSTACK else None,
        user_id=ids.user(USERS[view.plan.roll(disk.key + "u", 2)][0]) if source == OPENSTACK else None,
        metadata=dict(protection(view.plan, disk.key).labels) if source == OPENSTACK else {},
        created=iso(disk.born),
    )
    return Resource("volume", ids.of("disk", disk.key), disk.name, ids.project(disk.project), attrs)


def _status(source: Source, state: str) -> str:
    if source == OPENSTACK:
        return {"attached": "in-use", "unattached": "available"}.get(state, state)
    return "ok"


def snapshots(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    mine = [snap for snap in view.snapshots if view.source(snap.project) == source]
    return Listing(mine, lambda snap: _snapshot(source, ids, snap))


def _snapshot(source: Source, ids: Ids, snap: Snap) -> Resource:
    project, volume = ids.project(snap.project), ids.of("disk", snap.volume)
    labels = {
        "created_by": MADE_BY,
        "policy": snap.policy,
        "original_project_id": project,
        "original_volume_id": volume,
    }
    attrs = {
        "state": "available",
        "status": "available",
        "size_gib": snap.size_gib,
        "parent_id": volume,
        "metadata": labels if snap.policy and source == OPENSTACK else {},
        "created": iso(snap.born),
    }
    return Resource("snapshot", ids.of("snapshot", snap.key), snap.name, project, attrs)


def volume_backups(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    mine = [one for one in view.backups if view.source(one.project) == source]
    return Listing(mine, lambda one: _backup(ids, one))


def _backup(ids: Ids, one: Backup) -> Resource:
    attrs = facts(
        state=one.state,
        status=one.state,
        size_gib=one.size_gib,
        parent_id=ids.of("disk", one.volume),
        incremental=bool(one.base),
        container="volumebackups",
        failure="Object storage answered 503" if one.state == "error" else None,
        metadata={},
        data_at=iso(one.born),
        created=iso(one.born),
    )
    derived = facts(needed=one.needed, base_id=ids.of("volume_backup", one.base) if one.base else None)
    return Resource(
        "volume_backup", ids.of("volume_backup", one.key), one.name, ids.project(one.project), attrs, derived
    )


def volume_types(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource(
            "volume_type",
            ids.of("volume_type", name),
            name,
            None,
            {"description": text, "public": True, "extra_specs": {"volume_backend_name": name}},
        )
        for name, text in (("ssd", "Fast"), ("hdd", "Large and slow"))
    ]


def datastores(view: View, source: Source) -> Sequence[Resource]:
    """One for each cluster, sized so that what lies on them fills them to three quarters."""
    ids = Ids(view.plan, source)
    names = sorted({h.cluster or "" for h in view.plan.hosts if h.source == source})
    used = sum(disk.size_gib for disk in view.disks if view.source(disk.project) == source)
    share = used // len(names)
    size = -(-_planned_gib(view, source) * 4 // 3 // len(names) // 1000) * 1000 + 1000
    return [
        Resource(
            "datastore",
            ids.of("datastore", name),
            f"ds-{name}-01",
            None,
            {"state": "up", "status": "available", "size_gib": size, "cluster": name},
            {"free_gib": max(0, size - share)},
        )
        for name in names
    ]


def _planned_gib(view: View, source: Source) -> int:
    return sum(sum(vm.disks) for vm in view.plan.vms if view.source(vm.project) == source)
