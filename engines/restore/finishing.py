"""The last steps: attach to a VM that stands, see that all is as it should be, write down what came of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engines.actions import Doing, Result, StepError
from engines.clouds.acting import ActError
from engines.clouds.acting_backups import mark_of_volume
from engines.restore.building import remove_ports, remove_servers, remove_volumes
from engines.restore.probing import answers
from engines.restore.working import Pace, Site, made_by, mark_of, result_of, site_of, until, wait, waited


@dataclass(frozen=True, slots=True)
class Attach:
    pace: Pace
    name: str = "restore.attach"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        volume_id = made_by(doing, doing.step.arguments["volume"])
        vm = await site.servers.server(site.project_id, site.vm_id)
        if vm is None:
            raise StepError(f"VM {site.vm_id} is gone", "look who deleted it")
        volume = await site.acting.volume(site.project_id, volume_id)
        if volume is not None and volume.status == "in-use" and site.vm_id in volume.vms:
            return {"volume": volume_id}
        if volume is not None and volume.status in ("attaching", "reserved"):
            raise await wait(doing, self.pace, "it is attaching")
        return None

    async def act(self, doing: Doing) -> Result:
        site = await site_of(doing)
        await site.servers.attach_volume(site.project_id, site.vm_id, made_by(doing, doing.step.arguments["volume"]))
        raise await wait(doing, self.pace, "it is attaching")

    async def undo(self, doing: Doing, result: Result) -> None:
        site, volume_id = await site_of(doing), str(result["volume"])

        async def free() -> bool:
            volume = await site.acting.volume(site.project_id, volume_id)
            if volume is None or not volume.vms:
                return True
            if volume.status != "detaching":
                await site.servers.detach_volume(site.project_id, site.vm_id, volume_id)
            return False

        command = f"openstack server remove volume {site.vm_id} {volume_id}"
        await until(self.pace, free, f"volume {volume_id} is not detached", command)


@dataclass(frozen=True, slots=True)
class Verify:
    """The VM as the cloud has it: status, volumes, ports with their addresses, something on its console."""

    pace: Pace
    name: str = "restore.verify"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        id_ = made_by(doing, "server")
        vm = await site.servers.server(site.project_id, id_)
        if vm is None or vm.status != "ACTIVE":
            raise StepError(f"the new VM {id_} does not run: {vm.status if vm else 'gone'}", "see Nova's log")
        volumes = {made_by(doing, step) for step in told["volumes"]}
        if vm.volume_ids != volumes:
            raise StepError(f"the new VM has {len(vm.volume_ids)} volumes, not the {len(volumes)} that were made", "")
        ips = await _addresses(site, doing, told["ports"], id_)
        console = await self._console(site, doing, id_)
        await _no_spares(self.pace, site, doing)
        reach = await answers(ips, told.get("probe", ()))
        found = {"volumes": len(volumes), "addresses": ips, "console": console, "reach": reach}
        return {"id": id_, **found, "counts": {}}

    async def _console(self, site: Site, doing: Doing, id_: str) -> str:
        try:
            log = await site.servers.console_log(site.project_id, id_, 50)
        except ActError as error:
            if error.reason in ("refused", "gone", "busy"):
                return "cannot be read"
            raise
        if log.strip():
            return "shows output"
        if await waited(doing) < self.pace.console_s:
            raise await wait(doing, self.pace, "its console is silent so far")
        return "is silent"

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


async def _addresses(site: Site, doing: Doing, steps: Sequence[str], server_id: str) -> list[str]:
    there = {port.id: port for port in await site.servers.ports_of(site.project_id, server_id)}
    missing = [step for step in steps if made_by(doing, step) not in there]
    if missing:
        raise StepError(f"the new VM lacks {', '.join(missing)}", "see Neutron's log")
    return [ip for step in steps for ip in there[made_by(doing, step)].ips]


async def _no_spares(pace: Pace, site: Site, doing: Doing) -> None:
    """What was made twice because an answer was lost is taken away, all but the one that is used."""
    marks = Counter(mark_of_volume(one) for one in await site.acting.volumes(site.project_id))
    for step in doing.plan.steps:
        used = str(result_of(doing, step.name).get("id", ""))
        mark = mark_of(doing, step.name)
        if not used:
            continue
        if step.action == "restore.server":
            await remove_servers(pace, site, mark, without=used)
        elif step.action == "restore.port":
            await remove_ports(pace, site, mark, without=used)
        elif step.action == "restore.volume" and marks[mark] > 1:
            await remove_volumes(pace, site, mark, without=used)


@dataclass(frozen=True, slots=True)
class Report:
    """What the record and the last message tell; it changes nothing."""

    pace: Pace
    name: str = "restore.report"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        told = doing.step.arguments
        lost = [f"{network} {ip} {why}" for network, ip, why in told["lost"]]
        for result in doing.earlier.values():
            lost += [f"{ip} could not be kept" for ip in result.get("lost", ()) if not isinstance(result["lost"], str)]
            lost += [str(result["lost"])] if isinstance(result.get("lost"), str) else []
            lost += [str(one) for one in result.get("left_out", ())]
        seen = result_of(doing, "verify")
        return {
            "vm_id": str(seen.get("id") or told["vm_id"]),
            "name": told["name"],
            "addresses": list(seen.get("addresses", ())),
            "console": str(seen.get("console", "")),
            "reach": list(seen.get("reach", ())),
            "not_kept": lost,
            "counts": _made(doing),
            "words": _words(told["name"], seen, lost, result_of(doing, "password")),
        }

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


def _words(name: str, seen: Result, lost: Sequence[str], password: Result) -> str:
    """For the last message: what there is now, who was reached, and what it lacks; empty where no VM was made."""
    if not seen.get("console"):
        return ""
    runs = f"{name} runs with {', '.join(seen['addresses']) or 'no address'}, its console {seen['console']}"
    told = "; ".join((runs, *map(str, seen.get("reach", ()))))
    words = f"{told}.{_of_password(password)}"  # before what is long: a card may cut the end
    return f"{words} Not kept: {'; '.join(lost)}." if lost else words


def _of_password(told: Result) -> str:
    """What became of the new password, and what to do where it was not set; empty where none was asked for."""
    match told.get("password"):
        case "set":
            return " A new password is set: only whoever asked can see it, once."
        case "unsure":
            return f" Nobody knows whether the new password was set ({told['why']}): try it, or set one: {told['fix']}."
        case "refused":
            return f" No new password was set: {told['why']}. Set one by hand: {told['fix']}."
    return ""


def _made(doing: Doing) -> dict[str, int]:
    """What stays of the restore, each thing counted once."""
    steps, done = doing.plan.steps, doing.earlier
    volumes = [step for step in steps if step.action == "restore.volume" and step.name in done]
    ports = [s for s in steps if s.action == "restore.port" and s.name in done and not done[s.name].get("reused")]
    copies = [step for step in steps if step.action == "restore.safety" and step.name in done]
    counted = (
        ("VM", "VMs", int("server" in done)),
        ("volume", "volumes", len(volumes)),
        ("GiB of volumes", "GiB of volumes", sum(int(step.arguments["size_gib"]) for step in volumes)),
        ("port", "ports", len(ports)),
        ("safety snapshot", "safety snapshots", len(copies)),
    )
    return {one if number == 1 else several: number for one, several, number in counted if number}
