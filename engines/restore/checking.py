"""The first step of a restore: everything that its plan relies on, looked at in the cloud itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.actions import Doing, Result, StepError
from engines.clouds.acting import SnapshotState
from engines.clouds.acting_backups import BackupState
from engines.clouds.acting_servers import Thing
from engines.inventory.quotas import TITLES
from engines.restore.working import Pace, Site, site_of

_STATUS = {"on": "ACTIVE", "off": "SHUTOFF", "error": "ERROR"}
_AGAIN = "sync, and plan the restore again"
_THINGS: Sequence[tuple[str, Thing]] = (
    ("flavor_id", "flavor"),
    ("image_id", "image"),
    ("server_group_id", "server_group"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """It changes nothing. What is not as it was planned stops the restore before its first act."""

    pace: Pace
    name: str = "restore.check"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        found = await asyncio.gather(
            _vm(site, told), _copies(site, told), _things(site, told), _limits(site, told), _ports(site, told)
        )
        wrong = [line for lines in found for line in lines]
        if wrong:
            raise StepError("Not as it was planned, so nothing was begun: " + "; ".join(wrong), _AGAIN)
        return {"counts": {}}

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was changed."""


async def _vm(site: Site, told: Mapping[str, Any]) -> list[str]:
    vm = await site.servers.server(site.project_id, site.vm_id)
    if told["deleted"]:
        return [f"the VM {site.vm_id} exists again"] if vm is not None else []
    if vm is None:
        return [f"the VM {site.vm_id} does not exist any more"]
    wrong = []
    if vm.volume_ids != frozenset(told["volume_ids"]):
        wrong.append("other volumes are attached to the VM than were planned for")
    if told["mode"] == "replace":
        if vm.name != told["name"]:
            wrong.append(f"it is called {vm.name} now")
        if vm.status != _STATUS.get(told["state"], ""):
            wrong.append(f"the VM is {vm.status} now, not {told['state']}")
        if vm.locked:
            wrong.append("the VM is locked")
        if vm.task:
            wrong.append(f"something is under way with the VM: {vm.task}")
    return wrong


async def _copies(site: Site, told: Mapping[str, Any]) -> list[str]:
    """One listing of each origin: each copy is there, can be used, and is of the volume and project that it was
    planned for."""
    own, wrong = {*told["volume_ids"], *told.get("former_ids", ())}, []
    there: dict[str, SnapshotState | BackupState] = {}
    there |= {one.id: one for one in await site.acting.snapshots(site.project_id)}
    if any("backup_id" in copy for copy in told["copies"]):
        there |= {one.id: one for one in await site.servers.backups(site.project_id)}
    for copy in told["copies"]:
        word, id_ = ("backup", copy["backup_id"]) if "backup_id" in copy else ("snapshot", copy["snapshot_id"])
        one = there.get(id_)
        if one is None:
            wrong.append(f"{word} {id_} is not in the project any more")
        elif one.volume_id != copy["volume_id"]:
            wrong.append(f"{word} {one.name or one.id} is of another volume")
        elif one.status != "available":
            wrong.append(f"{word} {one.name or one.id} is {one.status}")
        if copy["volume_id"] not in own:
            wrong.append(f"{word} {id_} is of no volume of the VM")
    return wrong


async def _things(site: Site, told: Mapping[str, Any]) -> list[str]:
    asked: list[tuple[Thing, str]] = [(thing, str(told[key])) for key, thing in _THINGS if told[key]]
    asked += [("network", str(one)) for one in told["network_ids"]]
    asked += [("security_group", str(one)) for one in told["security_group_ids"]]
    there = await asyncio.gather(*(site.servers.exists(site.project_id, thing, id_) for thing, id_ in asked))
    return [
        f"{thing.replace('_', ' ')} {id_} cannot be used any more"
        for (thing, id_), is_there in zip(asked, there, strict=True)
        if not is_there
    ]


async def _limits(site: Site, told: Mapping[str, Any]) -> list[str]:
    limits = await site.servers.limits(site.project_id)
    wrong = []
    for metric, more in told["more"].items():
        free = limits[metric].free() if metric in limits else None
        if free is not None and free < more:
            wrong.append(f"quota of {TITLES.get(metric, metric)}: {free:,} left, {more:,} needed")
    return wrong


async def _ports(site: Site, told: Mapping[str, Any]) -> list[str]:
    """Ports that go over are the original's still, or free as they were."""
    if not told["port_ids"]:
        free = told.get("free_port_ids", ())
        there = await asyncio.gather(*(site.servers.port(site.project_id, id_) for id_ in free))
        return [
            f"port {id_} is not free any more"
            for id_, port in zip(free, there, strict=True)
            if port is None or port.server_id
        ]
    own = {port.id for port in await site.servers.ports_of(site.project_id, site.vm_id)}
    gone = [id_ for id_ in told["port_ids"] if id_ not in own]
    more = own - set(told["port_ids"])
    wrong = [f"port {id_} is not the VM's any more" for id_ in gone]
    return wrong + ([f"the VM has {len(more)} more ports than were planned for"] if more else [])
