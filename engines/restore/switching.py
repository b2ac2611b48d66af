"""Steps that put the original out of the way, and back: nothing of it is ever deleted here."""

from dataclasses import dataclass
from typing import Any

from engines.actions import Doing, Result, StepError
from engines.clouds.acting import ActError, SnapshotState
from engines.clouds.acting_servers import MARK, PortState, ServerState
from engines.restore.building import create_port, new_port
from engines.restore.working import Pace, Site, made_by, mark_of, remove, result_of, site_of, until, wait


async def _original(site: Site) -> ServerState:
    vm = await site.servers.server(site.project_id, site.vm_id)
    if vm is None:
        raise StepError(f"the original {site.vm_id} is gone", "look who deleted it")
    return vm


@dataclass(frozen=True, slots=True)
class Safety:
    """A snapshot of the original as it is now; it is kept when the restore is done."""

    pace: Pace
    name: str = "restore.safety"

    async def look(self, doing: Doing) -> Result | None:
        found = await _marked(await site_of(doing), mark_of(doing))
        return {"id": found[0].id} if found else None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        made = await site.acting.create_snapshot(
            site.project_id, told["volume_id"], told["name"], {MARK: mark_of(doing), "created_by": "stackhand"}
        )
        return {"id": made.id}

    async def undo(self, doing: Doing, result: Result) -> None:
        site, mark = await site_of(doing), mark_of(doing)

        async def delete(one: SnapshotState) -> None:
            if one.status != "deleting":
                await site.acting.delete_snapshot(site.project_id, one.id)

        def left(found: Any) -> tuple[str, str]:
            ids = " ".join(one.id for one in found)
            return f"snapshot {ids or mark} could not be deleted", f"openstack volume snapshot delete {ids or mark}"

        await remove(self.pace, lambda: _marked(site, mark), delete, left)


async def _marked(site: Site, mark: str) -> list[SnapshotState]:
    rows = await site.acting.snapshots(site.project_id)
    return sorted((row for row in rows if row.metadata.get(MARK) == mark), key=lambda row: row.id)


@dataclass(frozen=True, slots=True)
class SafetyReady:
    pace: Pace
    name: str = "restore.safety_ready"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        wanted = {made_by(doing, step) for step in doing.step.arguments["steps"]}
        there = {one.id: one for one in await site.acting.snapshots(site.project_id) if one.id in wanted}
        broken = [id_ for id_, one in there.items() if one.status.startswith("error")]
        if broken or len(there) < len(wanted):
            raise StepError("a safety snapshot of the original could not be made", "see Cinder's log")
        ready = [id_ for id_, one in there.items() if one.status == "available"]
        if len(ready) < len(wanted):
            raise await wait(doing, self.pace, f"{len(ready)} of {len(wanted)} snapshots are ready")
        return {"snapshots": len(ready), "counts": {}}

    async def act(self, doing: Doing) -> Result:
        raise await wait(doing, self.pace, "")

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


@dataclass(frozen=True, slots=True)
class Stop:
    pace: Pace
    name: str = "restore.stop"

    async def look(self, doing: Doing) -> Result | None:
        vm = await _original(await site_of(doing))
        if vm.task:
            raise await wait(doing, self.pace, f"it is {vm.task}")
        return {"stopped": vm.id} if vm.status == "SHUTOFF" else None

    async def act(self, doing: Doing) -> Result:
        site = await site_of(doing)
        await site.servers.stop_server(site.project_id, site.vm_id)
        raise await wait(doing, self.pace, "it is stopping")

    async def undo(self, doing: Doing, result: Result) -> None:
        """Started again if it ran. Its ports are looked at once more: one that was still on its way out when the
        restore was cut off is brought back here."""
        site, told = await site_of(doing), doing.step.arguments
        for number, nic in enumerate(told["nics"], 1):
            await put_back(self.pace, site, nic, f"{mark_of(doing)}-{number}")
        if not told["running"]:
            return

        async def runs() -> bool:
            vm = await site.servers.server(site.project_id, site.vm_id)
            if vm is None or vm.status == "ACTIVE":
                return True
            if not vm.task:
                await site.servers.start_server(site.project_id, site.vm_id)
            return False

        await until(self.pace, runs, f"VM {site.vm_id} does not start", f"openstack server start {site.vm_id}")


@dataclass(frozen=True, slots=True)
class Rename:
    pace: Pace
    name: str = "restore.rename"

    async def look(self, doing: Doing) -> Result | None:
        vm = await _original(await site_of(doing))
        kept = doing.step.arguments["kept"]
        return {"name": kept} if vm.name == kept else None

    async def act(self, doing: Doing) -> Result:
        site, kept = await site_of(doing), doing.step.arguments["kept"]
        await site.servers.rename_server(site.project_id, site.vm_id, kept)
        return {"name": kept}

    async def undo(self, doing: Doing, result: Result) -> None:
        site, told = await site_of(doing), doing.step.arguments

        async def named() -> bool:
            vm = await site.servers.server(site.project_id, site.vm_id)
            if vm is None or vm.name != told["kept"]:
                return True
            await site.servers.rename_server(site.project_id, site.vm_id, told["name"])
            return False

        command = f"openstack server set --name {told['name']} {site.vm_id}"
        await until(self.pace, named, f"VM {site.vm_id} is not renamed", command)


@dataclass(frozen=True, slots=True)
class FreePort:
    """The port goes out of the original. The cloud keeps it, or deletes it where it made it itself: then the step for
    the new port makes one with the same address."""

    pace: Pace
    name: str = "restore.free_port"

    async def look(self, doing: Doing) -> Result | None:
        site, nic = await site_of(doing), doing.step.arguments["nic"]
        port = await site.servers.port(site.project_id, nic["port_id"])
        if port is None:
            return {"port": nic["port_id"], "kept": False}
        return None if port.server_id == site.vm_id else {"port": port.id, "kept": True}

    async def act(self, doing: Doing) -> Result:
        site, nic = await site_of(doing), doing.step.arguments["nic"]
        try:
            await site.servers.unplug_port(site.project_id, site.vm_id, nic["port_id"])
        except ActError as error:
            if error.reason != "gone":
                raise
        raise await wait(doing, self.pace, "the port is on its way out")

    async def undo(self, doing: Doing, result: Result) -> None:
        await put_back(self.pace, await site_of(doing), doing.step.arguments["nic"], mark_of(doing))


async def put_back(pace: Pace, site: Site, nic: Any, mark: str) -> None:
    """The original has its port again, or one with the same addresses and MAC, and its floating IPs lead to it."""
    said = ", ".join(str(ip) for ip, _ in nic["fixed"]) or nic["network"]
    command = f"openstack server add port {site.vm_id} {nic['port_id']}"

    async def back() -> bool:
        if await site.servers.server(site.project_id, site.vm_id) is None:
            return True
        port = await _own(site, nic, mark)
        if port is None:
            port = await create_port(site, new_port(nic, mark, nic["mac"]), strict=True)
        if port.server_id == "":
            await site.servers.plug_port(site.project_id, site.vm_id, port.id)
            return False
        if port.server_id != site.vm_id:
            return False
        for floating_id, fixed_ip in nic["floating"]:
            there = await site.servers.floating_ip(site.project_id, floating_id)
            if there is not None and there.port_id != port.id:
                await site.servers.lead_floating_ip(site.project_id, floating_id, port.id, fixed_ip)
        return True

    await until(pace, back, f"port {said} is not back at VM {site.vm_id}", command)


async def _own(site: Site, nic: Any, mark: str) -> PortState | None:
    """The port itself, or the one that was made in its place; one of the original with its addresses will do."""
    port = await site.servers.port(site.project_id, nic["port_id"])
    if port is not None:
        return port
    marked = await site.servers.marked_ports(site.project_id, mark)
    if marked:
        return marked[0]
    ips = {str(ip) for ip, _ in nic["fixed"]}
    own = await site.servers.ports_of(site.project_id, site.vm_id)
    return next((one for one in own if one.network_id == nic["network_id"] and ips <= set(one.ips)), None)


@dataclass(frozen=True, slots=True)
class Floating:
    """With a port that went over it leads to the right place already. One that somebody took meanwhile is left."""

    pace: Pace
    name: str = "restore.floating"

    async def look(self, doing: Doing) -> Result | None:
        site, told = await site_of(doing), doing.step.arguments
        port = made_by(doing, told["port"])
        there = await site.servers.floating_ip(site.project_id, told["floating_id"])
        if there is None:
            return {"lost": f"{told['address']} is gone"}
        if there.port_id == port:
            return {"address": there.address, "port": port}
        if there.port_id not in ("", told["original_port"]):
            return {"lost": f"{told['address']} leads elsewhere by now"}
        return None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        port = made_by(doing, told["port"])
        kept = told["fixed_ip"] if told["fixed_ip"] in result_of(doing, told["port"]).get("ips", ()) else ""
        await site.servers.lead_floating_ip(site.project_id, told["floating_id"], port, kept)
        return {"address": told["address"], "port": port}

    async def undo(self, doing: Doing, result: Result) -> None:
        """It goes back with the port of the original."""
