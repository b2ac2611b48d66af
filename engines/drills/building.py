"""Steps that make what a drill needs beside what a restore makes: networks without a way out, ports in them."""

from dataclasses import dataclass
from typing import Any

from engines.actions import Doing, Result, StepError
from engines.clouds.acting_networks import NetworkState
from engines.drills.working import DrillPace, networks_at
from engines.inventory.quotas import TITLES
from engines.restore.building import create_port, new_port, remove_ports
from engines.restore.checking import Check as RestoreCheck
from engines.restore.working import made_by, mark_of, remove, site_of
from storage import drills
from storage.drills import Begun


@dataclass(frozen=True, slots=True)
class Check:
    """Whether the project has room for it. It changes nothing in the cloud; VMs that cannot come back at all are
    written down."""

    pace: DrillPace
    name: str = "drill.check"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        site, networks, told = await site_of(doing), await networks_at(doing), doing.step.arguments
        limits = {**await site.servers.limits(site.project_id), **await networks.network_limits(site.project_id)}
        short = []
        for metric, more in told["more"].items():
            free = limits[metric].free() if metric in limits else None
            if free is not None and free < more:
                short.append(f"quota of {TITLES.get(metric, metric)}: {free:,} left, {more:,} needed")
        if short:
            raise StepError("There is no room, so nothing was begun: " + "; ".join(short), "make room, then ask again")
        async with doing.database.begin() as conn:
            for one in told["unable"]:
                begun = Begun(
                    doing.job_id, one["number"], told["source"], site.project_id, one["vm_id"], one["vm"],
                    outcome="failed", reason=one["why"],
                )  # fmt: skip
                await drills.begin(conn, begun)
        return {"looked_at": sorted(told["more"])}

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


@dataclass(frozen=True, slots=True)
class Network:
    pace: DrillPace
    name: str = "drill.network"

    async def look(self, doing: Doing) -> Result | None:
        networks, told = await networks_at(doing), doing.step.arguments
        found = await networks.marked_networks(told["project_id"], mark_of(doing))
        return {"id": found[0].id} if found else None

    async def act(self, doing: Doing) -> Result:
        networks, told = await networks_at(doing), doing.step.arguments
        return {"id": (await networks.create_network(told["project_id"], told["name"], mark_of(doing))).id}

    async def undo(self, doing: Doing, result: Result) -> None:
        await remove_networks(self.pace, doing, mark_of(doing))


async def remove_networks(pace: DrillPace, doing: Doing, mark: str) -> None:
    """Those that bear the mark, until the cloud shows none. Raises StepError with the ids of those that stay."""
    networks, project_id = await networks_at(doing), doing.step.arguments["project_id"]

    async def there() -> list[NetworkState]:
        return list(await networks.marked_networks(project_id, mark))

    async def delete(one: NetworkState) -> None:
        await networks.delete_network(project_id, one.id, mark)

    def left(found: Any) -> tuple[str, str]:
        ids = " ".join(one.id for one in found)
        return f"network {ids or mark} could not be deleted", f"openstack network delete {ids or mark}"

    await remove(pace.restore, there, delete, left)


@dataclass(frozen=True, slots=True)
class Subnet:
    """It goes with its network."""

    pace: DrillPace
    name: str = "drill.subnet"

    async def look(self, doing: Doing) -> Result | None:
        networks, told = await networks_at(doing), doing.step.arguments
        found = await networks.marked_subnets(told["project_id"], mark_of(doing))
        return {"id": found[0].id} if found else None

    async def act(self, doing: Doing) -> Result:
        networks, told = await networks_at(doing), doing.step.arguments
        network_id = made_by(doing, told["network"])
        made = await networks.create_subnet(told["project_id"], network_id, told["cidr"], told["name"], mark_of(doing))
        return {"id": made.id}

    async def undo(self, doing: Doing, result: Result) -> None:
        """It goes with its network."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The time of a VM counts from here. What it is made of is looked at as before any restore."""

    pace: DrillPace
    name: str = "drill.begin"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        from datetime import datetime

        told = doing.step.arguments
        at = datetime.fromisoformat(told["point_at"])
        begun = Begun(
            doing.job_id, told["number"], told["source"], told["project_id"], told["vm_id"], told["vm"], at,
            told["point"],
        )  # fmt: skip
        async with doing.database.begin() as conn:
            await drills.begin(conn, begun)
        await RestoreCheck(self.pace.restore).act(doing)
        return {"point_at": told["point_at"]}

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


@dataclass(frozen=True, slots=True)
class Port:
    """In the network of the drill, with the address of the original where that can be had. Before the first one is
    made the network is looked at: nobody else may have given it a way out."""

    pace: DrillPace
    name: str = "drill.port"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        found = await site.servers.marked_ports(site.project_id, mark_of(doing))
        return {"id": min(one.id for one in found)} if found else None

    async def act(self, doing: Doing) -> Result:
        site, networks, told = await site_of(doing), await networks_at(doing), doing.step.arguments
        network_id = made_by(doing, told["network"])
        if await networks.routers_on(site.project_id, network_id):
            raise StepError(
                f"the drill's network {network_id} was plugged into a router: nothing is started in it",
                "look who did that, then ask again",
            )
        fixed = [(ip, made_by(doing, subnet)) for ip, subnet in told["nic"]["fixed"]]
        nic = {**told["nic"], "network_id": network_id, "fixed": fixed}
        port = await create_port(site, new_port(nic, mark_of(doing), told["mac"]), strict=False)
        return {"id": port.id, "ips": list(port.ips)}

    async def undo(self, doing: Doing, result: Result) -> None:
        await remove_ports(self.pace.restore, await site_of(doing), mark_of(doing))
