"""Steps that build: volumes, ports, the VM. Each finds what it made by its mark, and takes away only that."""

from dataclasses import dataclass
from typing import Any

from engines.actions import Doing, Result, StepError, Telling
from engines.clouds.acting import ActError, SnapshotState, VolumeState
from engines.clouds.acting_backups import ORIGIN_KEY, BackupState, is_being_filled, mark_of_volume
from engines.clouds.acting_servers import MARK, BootVolume, NewPort, NewServer, NewVolume, PortState, ServerState
from engines.plans import Step
from engines.restore.working import Pace, Site, is_ours, made_by, mark_of, patient, remove, site_of, text, until, wait

RESTORED_FROM = "stackhand_restored_from"
S_PER_GIB = 60.0
"""How long a GiB out of a backup may take, beside what a step waits anyway: 17 MiB a second."""
MOST_UNDO_S = 1800.0
"""How much longer an undo waits for a volume that is being filled; then it is told by its id."""


@dataclass(frozen=True, slots=True)
class Volume:
    pace: Pace
    name: str = "restore.volume"

    async def look(self, doing: Doing) -> Result | None:
        found = await marked_volumes(await site_of(doing), mark_of(doing))
        return {"id": found[0].id} if found else None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        copy = await (_backup(site, told) if told.get("backup_id") else _snapshot(site, told))
        new = NewVolume(
            told.get("snapshot_id", ""), told["name"], max(told["size_gib"], copy.size_gib), mark_of(doing),
            told["metadata"], told.get("backup_id", ""), told.get("volume_type", ""), told.get("zone", ""),
        )  # fmt: skip
        return {"id": (await site.servers.create_volume(site.project_id, new)).id}

    async def undo(self, doing: Doing, result: Result) -> None:
        """One that is being filled from a backup is not deleted before that has ended."""
        told = doing.step.arguments
        slow = told["size_gib"] * S_PER_GIB if told.get("backup_id") else 0.0
        await remove_volumes(patient(self.pace, min(slow, MOST_UNDO_S)), await site_of(doing), mark_of(doing))


async def _snapshot(site: Site, told: Any) -> SnapshotState:
    copy = await site.acting.snapshot(site.project_id, told["snapshot_id"])
    if copy is None or copy.volume_id != told["volume_id"]:
        raise StepError(f"snapshot {told['snapshot_id']} is gone, or of another volume", "plan the restore again")
    return copy


async def _backup(site: Site, told: Any) -> BackupState:
    """Cinder restores one backup at a time, and only a good one."""
    there = {one.id: one for one in await site.servers.backups(site.project_id)}
    copy = there.get(told["backup_id"])
    if copy is None or copy.volume_id != told["volume_id"]:
        raise StepError(f"backup {told['backup_id']} is gone, or of another volume", "plan the restore again")
    if copy.status != "available":
        raise StepError(f"backup {copy.name or copy.id} is {copy.status}", "wait until it is available, then ask again")
    return copy


async def marked_volumes(site: Site, mark: str) -> list[VolumeState]:
    rows = await site.acting.volumes(site.project_id)
    return sorted((row for row in rows if mark_of_volume(row) == mark), key=lambda row: row.id)


async def remove_volumes(pace: Pace, site: Site, mark: str, without: str = "") -> None:
    async def there() -> list[VolumeState]:
        return [one for one in await marked_volumes(site, mark) if one.id != without]

    async def delete(one: VolumeState) -> None:
        """Cinder never deletes one again whose deletion failed, until an administrator has set its state."""
        if one.status == "error_deleting":
            command = f"openstack volume set --state error {one.id} && openstack volume delete {one.id}"
            raise StepError(f"volume {one.id} could not be deleted: Cinder failed (error_deleting)", command)
        if one.status != "deleting" and not is_being_filled(one):
            await site.servers.delete_volume(site.project_id, one.id)

    def left(found: Any) -> tuple[str, str]:
        ids = " ".join(one.id for one in found)
        command = f"openstack volume delete {ids}" if ids else f"openstack volume list --property {MARK}={mark}"
        return f"volume {ids or mark} could not be deleted", command

    await remove(pace, there, delete, left)


@dataclass(frozen=True, slots=True)
class VolumesReady:
    """Waits, gives volumes of backups their own metadata again, and makes bootable what the original starts from: not
    every cloud copies that."""

    pace: Pace
    name: str = "restore.volumes_ready"

    async def look(self, doing: Doing) -> Result | None:
        site, told = await site_of(doing), doing.step.arguments
        wanted = {made_by(doing, step): step for step in told["steps"]}
        there = {one.id: one for one in await site.acting.volumes(site.project_id) if one.id in wanted}
        for id_, step in wanted.items():
            if id_ not in there:
                raise StepError(f"{step} ({id_}) is gone", "look who deleted it, then ask again")
            if there[id_].status.startswith("error"):
                raise StepError(f"{step} ({id_}) could not be made: it is in {there[id_].status}", "see Cinder's log")
        ready = [id_ for id_, one in there.items() if one.status == "available"]
        if len(ready) < len(wanted):
            await doing.tell(Telling(len(ready), len(wanted)))
            slow = sum(one.arguments["size_gib"] for one in _of_backups(doing).values()) * S_PER_GIB
            raise await wait(doing, patient(self.pace, slow), f"{len(ready)} of {len(wanted)} volumes are ready")
        for id_, step in wanted.items():
            await _put_right(doing, site, step, there[id_])
        for step in told["bootable"]:
            if not there[made_by(doing, step)].bootable:
                await site.servers.set_bootable(site.project_id, made_by(doing, step))
        return {"volumes": len(ready), "counts": {}}

    async def act(self, doing: Doing) -> Result:
        raise await wait(doing, self.pace, "")

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


def _of_backups(doing: Doing) -> dict[str, Step]:
    """The steps of those that this one waits for, which fill a volume from a backup."""
    waited_for = doing.step.arguments["steps"]
    return {one.name: one for one in doing.plan.steps if one.name in waited_for and one.arguments.get("backup_id")}


async def _put_right(doing: Doing, site: Site, step: str, volume: VolumeState) -> None:
    """Cinder wrote the metadata of the volume that was backed up over those that this one was made with: policies and
    marks that are not its own."""
    made = _of_backups(doing).get(step)
    if made is None:
        return
    own = {**made.arguments["metadata"], MARK: mark_of(doing, step)}
    foreign = [key for key in volume.metadata if key not in own and key != ORIGIN_KEY]
    if foreign or any(volume.metadata.get(key) != value for key, value in own.items()):
        await site.acting.set_volume_metadata(site.project_id, volume.id, own, foreign)


@dataclass(frozen=True, slots=True)
class Port:
    """Takes over a free port of the original where there is one, else makes one. The create itself is the check
    whether an address is free."""

    pace: Pace
    name: str = "restore.port"

    async def look(self, doing: Doing) -> Result | None:
        site, told = await site_of(doing), doing.step.arguments
        if told["reuse"]:
            port = await site.servers.port(site.project_id, told["reuse"])
            if port is not None and port.server_id == "":
                return {**_port_result(doing, port), "reused": True}
        found = await site.servers.marked_ports(site.project_id, mark_of(doing))
        return _port_result(doing, sorted(found, key=lambda one: one.id)[0]) if found else None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        new = new_port(told["nic"], mark_of(doing), told["mac"])
        return _port_result(doing, await create_port(site, new, strict=told["strict"]))

    async def undo(self, doing: Doing, result: Result) -> None:
        site = await site_of(doing)
        if result.get("reused"):
            await _unplug(self.pace, doing, site, str(result["id"]))
        else:
            await remove_ports(self.pace, site, mark_of(doing))


def new_port(nic: Any, mark: str, mac: str) -> NewPort:
    return NewPort(
        nic["network_id"],
        text(nic, "name"),
        mark,
        tuple((str(ip), str(subnet)) for ip, subnet in nic["fixed"]),
        mac,
        None if nic["port_security"] is False else tuple(nic["security_groups"]) or None,
        tuple(nic["pairs"]),
        nic["port_security"],
        text(nic, "dns_name"),
    )


async def create_port(site: Site, new: NewPort, *, strict: bool) -> PortState:
    """With all that is wanted, then without the MAC, then, unless strict, with any address of the same subnets.

    Raises ActError; StepError when an address that must be the same is taken.
    """
    from dataclasses import replace

    attempts = [new, replace(new, mac="")] if new.mac else [new]
    if not strict and any(ip for ip, _ in new.fixed):
        loose = tuple(("", subnet) for _, subnet in new.fixed if subnet)
        attempts.append(replace(new, mac="", fixed=loose))
    for attempt in attempts:
        try:
            return await site.servers.create_port(site.project_id, attempt)
        except ActError as error:
            if error.maybe_done or error.reason not in ("busy", "refused"):
                raise
            last = error
    wanted = ", ".join(ip for ip, _ in new.fixed if ip) or "an address"
    raise StepError(f"{wanted} cannot be had: {last.detail}", "ask for new addresses, or free it") from last


def _port_result(doing: Doing, port: PortState) -> Result:
    wanted = [str(ip) for ip, _ in doing.step.arguments["nic"]["fixed"] if ip]
    lost = [ip for ip in wanted if ip not in port.ips]
    return {"id": port.id, "ips": list(port.ips), "mac": port.mac, "lost": lost}


async def remove_ports(pace: Pace, site: Site, mark: str, without: str = "") -> None:
    async def there() -> list[PortState]:
        return [one for one in await site.servers.marked_ports(site.project_id, mark) if one.id != without]

    async def delete(one: PortState) -> None:
        await site.servers.delete_port(site.project_id, one.id)

    def left(found: Any) -> tuple[str, str]:
        ids = " ".join(one.id for one in found)
        return f"port {ids or mark} could not be deleted", f"openstack port delete {ids or mark}"

    await remove(pace, there, delete, left)


async def _unplug(pace: Pace, doing: Doing, site: Site, port_id: str) -> None:
    """Free for its original again: it may still be in a VM of ours that could not be deleted."""

    async def free() -> bool:
        port = await site.servers.port(site.project_id, port_id)
        if port is None or port.server_id in ("", site.vm_id):
            return True
        holder = await site.servers.server(site.project_id, port.server_id)
        if holder is None:
            return False
        if not is_ours(doing, holder.mark):
            return True
        await site.servers.unplug_port(site.project_id, holder.id, port_id)
        return False

    await until(pace, free, f"port {port_id} is not free", f"openstack server remove port SERVER {port_id}")


@dataclass(frozen=True, slots=True)
class Server:
    pace: Pace
    name: str = "restore.server"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        found = await site.servers.marked_servers(site.project_id, mark_of(doing))
        return {"id": found[0].id} if found else None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        left_out = []
        key_name = told["key_name"]
        if key_name and key_name not in await site.servers.keypairs(site.project_id):
            key_name = ""
            left_out.append(f"keypair {told['key_name']}: the service user has none of that name")
        original = None if told["deleted"] else await site.servers.server(site.project_id, site.vm_id)
        user_data = original.user_data if original is not None else ""  # as it is now, and kept nowhere
        if not user_data:
            left_out.append("user data, if it had any: the cloud does not show it")
        new = NewServer(
            told["name"], told["flavor_id"], mark_of(doing), told["image_id"],
            tuple(BootVolume(made_by(doing, v["step"]), v["boot"], v["delete_with_vm"]) for v in told["volumes"]),
            tuple(made_by(doing, step) for step in told["ports"]), told["zone"], key_name,
            {**told["metadata"], RESTORED_FROM: site.vm_id}, tuple(told["tags"]), told["config_drive"],
            told["description"], told["server_group_id"], user_data,
        )  # fmt: skip
        return {"id": await site.servers.create_server(site.project_id, new), "left_out": left_out}

    async def undo(self, doing: Doing, result: Result) -> None:
        await remove_servers(self.pace, await site_of(doing), mark_of(doing))


async def remove_servers(pace: Pace, site: Site, mark: str, without: str = "") -> None:
    """Until it is gone: only then its volumes and ports are free."""

    async def there() -> list[ServerState]:
        found = await site.servers.marked_servers(site.project_id, mark)
        return [one for one in found if one.id != without]

    async def delete(one: ServerState) -> None:
        if one.task != "deleting":
            await site.servers.delete_server(site.project_id, one.id)

    def left(found: Any) -> tuple[str, str]:
        ids = " ".join(one.id for one in found)
        return f"VM {ids or mark} could not be deleted", f"openstack server delete {ids or mark}"

    await remove(pace, there, delete, left)


@dataclass(frozen=True, slots=True)
class ServerActive:
    pace: Pace
    name: str = "restore.server_active"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        id_ = made_by(doing, "server")
        vm = await site.servers.server(site.project_id, id_)
        if vm is None:
            raise StepError(f"the new VM {id_} is gone", "look who deleted it, then ask again")
        if vm.status == "ERROR":
            raise StepError(f"the cloud could not start it: {vm.fault or 'it is in ERROR'}", "see Nova's log")
        if vm.status != "ACTIVE":
            raise await wait(doing, self.pace, f"it is {vm.status}")
        return {"id": id_}

    async def act(self, doing: Doing) -> Result:
        raise await wait(doing, self.pace, "")

    async def undo(self, doing: Doing, result: Result) -> None:
        """The VM is taken away by the step that made it."""
