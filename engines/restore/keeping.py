"""Steps about what a replace keeps: the original is marked, and deleted by a change of its own, after another look."""

from dataclasses import dataclass

from engines.actions import Doing, Result, StepError
from engines.clouds.acting_servers import KEPT, ServerState
from engines.restore.working import Pace, Site, made_by, mark_of, site_of, until, wait

_LOOK = "look at it in the cloud, and ask again"


@dataclass(frozen=True, slots=True)
class Keep:
    """The mark on the original that says which restore keeps it; without it, it is never deleted here."""

    pace: Pace
    name: str = "restore.keep"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        vm = await site.servers.server(site.project_id, site.vm_id)
        if vm is None:
            raise StepError(f"the original {site.vm_id} is gone", "look who deleted it")
        return {"mark": mark_of(doing)} if vm.metadata.get(KEPT) == mark_of(doing) else None

    async def act(self, doing: Doing) -> Result:
        site = await site_of(doing)
        await site.servers.keep_server(site.project_id, site.vm_id, mark_of(doing))
        return {"mark": mark_of(doing)}

    async def undo(self, doing: Doing, result: Result) -> None:
        site, mark = await site_of(doing), mark_of(doing)

        async def unmarked() -> bool:
            vm = await site.servers.server(site.project_id, site.vm_id)
            if vm is None or vm.metadata.get(KEPT) != mark:
                return True
            await site.servers.keep_server(site.project_id, site.vm_id, "")
            return False

        command = f"openstack server unset --property {KEPT} {site.vm_id}"
        await until(self.pace, unmarked, f"VM {site.vm_id} still bears a mark of ours", command)


@dataclass(frozen=True, slots=True)
class Halt:
    """The new VM is switched off, once it was verified."""

    pace: Pace
    name: str = "restore.halt"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        id_ = made_by(doing, "server")
        vm = await site.servers.server(site.project_id, id_)
        if vm is None:
            raise StepError(f"the new VM {id_} is gone", "look who deleted it")
        if vm.task:
            raise await wait(doing, self.pace, f"it is {vm.task}")
        return {"stopped": id_} if vm.status == "SHUTOFF" else None

    async def act(self, doing: Doing) -> Result:
        site = await site_of(doing)
        await site.servers.stop_server(site.project_id, made_by(doing, "server"))
        raise await wait(doing, self.pace, "it is stopping")

    async def undo(self, doing: Doing, result: Result) -> None:
        """The VM is taken away by the step that made it."""


@dataclass(frozen=True, slots=True)
class DeleteKept:
    """Deletes an original that a replace of ours kept. Everything that speaks against it is looked at again right
    before; the client itself looks at mark and status once more. It cannot be undone."""

    pace: Pace
    name: str = "restore.delete_kept"

    async def look(self, doing: Doing) -> Result | None:
        site = await site_of(doing)
        vm = await site.servers.server(site.project_id, site.vm_id)
        if vm is None:
            return {"deleted": site.vm_id}
        if vm.task == "deleting":
            raise await wait(doing, self.pace, "it is being deleted")
        return None

    async def act(self, doing: Doing) -> Result:
        site, told = await site_of(doing), doing.step.arguments
        vm = await site.servers.server(site.project_id, site.vm_id)
        if vm is None:
            return {"deleted": site.vm_id}
        wrong = _in_the_way(vm, told["kept"], told["mark"]) + await _successor(site, told["new_id"])
        wrong += await _shared(site, vm)
        if wrong:
            raise StepError(f"Nothing was deleted: {'; '.join(wrong)}", _LOOK)
        await site.servers.delete_kept_server(site.project_id, site.vm_id, told["mark"])
        raise await wait(doing, self.pace, "it is being deleted")

    async def undo(self, doing: Doing, result: Result) -> None:
        """What is deleted stays so."""


def _in_the_way(vm: ServerState, kept: str, mark: str) -> list[str]:
    wrong = []
    if vm.metadata.get(KEPT) != mark:
        wrong.append(f"VM {vm.id} does not bear the mark of the restore that kept it")
    if vm.name != kept:
        wrong.append(f"it is called {vm.name}, not {kept}: somebody uses it")
    if vm.status not in ("SHUTOFF", "ERROR"):
        wrong.append(f"it is {vm.status}, not stopped")
    if vm.locked:
        wrong.append("it is locked")
    if vm.task:
        wrong.append(f"something is under way with it: {vm.task}")
    return wrong


async def _successor(site: Site, new_id: str) -> list[str]:
    """While what replaced it does not run, the original is all that is left."""
    new = await site.servers.server(site.project_id, new_id)
    if new is None:
        return [f"the VM that replaced it ({new_id}) is gone: the original is all that is left"]
    return [f"the VM that replaced it is {new.status}"] if new.status == "ERROR" else []


async def _shared(site: Site, vm: ServerState) -> list[str]:
    """Volumes of it that another VM uses, or that somebody attached to it since."""
    there = {one.id: one for one in await site.acting.volumes(site.project_id)}
    held = [id_ for id_ in sorted(vm.volume_ids) if id_ in there and set(there[id_].vms) - {vm.id}]
    return [f"volume {id_} is used by another VM too" for id_ in held]
