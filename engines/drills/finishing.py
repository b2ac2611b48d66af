"""Steps that look at what came back, take it away again, and say what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines.actions import Doing, Result, StepError
from engines.clouds.acting import ActError
from engines.drills.building import remove_networks
from engines.drills.working import FAILED, DrillPace, number_of
from engines.restore.building import remove_ports, remove_servers, remove_volumes
from engines.restore.working import Site, made_by, mark_of, site_of, wait, waited
from storage import drills
from storage.drills import Window
from storage.scopes import EVERYTHING

LEFT = "left"
_FEW = 2  # looks for what cannot go because something else did not
_SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Active:
    pace: DrillPace
    name: str = "drill.active"

    async def look(self, doing: Doing) -> Result | None:
        site, id_ = await site_of(doing), made_by(doing, _server_step(doing))
        vm = await site.servers.server(site.project_id, id_)
        if vm is None:
            raise StepError(f"the VM {id_} that came back is gone", "look who deleted it")
        if vm.status == "ERROR":
            raise StepError(f"the cloud could not start it: {vm.fault or 'it is in ERROR'}", "see Nova's log")
        if vm.status != "ACTIVE":
            raise await wait(doing, self.pace.restore, f"it is {vm.status}")
        return {"id": id_}

    async def act(self, doing: Doing) -> Result:
        raise await wait(doing, self.pace.restore, "")

    async def undo(self, doing: Doing, result: Result) -> None:
        """The VM is taken away by the step that made it."""


def _server_step(doing: Doing) -> str:
    return f"{drills.step_prefix(number_of(doing.step))}server"


@dataclass(frozen=True, slots=True)
class Verify:
    """Each check with its result, written down with the time that the restore took."""

    pace: DrillPace
    name: str = "drill.verify"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        site, id_ = await site_of(doing), made_by(doing, _server_step(doing))
        console = await self._console(site, doing, id_)
        checks = [*await _looks(site, doing, id_), _told("console", console == "shows output", console)]
        if console != "shows output":
            checks[-1]["well"] = None
        bad = [one for one in checks if one["well"] is False]
        outcome = FAILED if bad else "passed" if console == "shows output" else "unproven"
        reason = "; ".join(f"{one['name']}: {one['detail']}" for one in bad)
        idle = await waited(doing) if console == _SILENT else 0.0
        runs = all(one["well"] for one in checks if one["name"] in ("status", "volumes", "ports"))
        async with doing.database.begin() as conn:
            await drills.end(
                conn, doing.job_id, number_of(doing.step), outcome, reason, checks, idle_s=idle if runs else None
            )
        return {"outcome": outcome, "id": id_}

    async def _console(self, site: Site, doing: Doing, id_: str) -> str:
        """Raises NotYet as long as it may still say something."""
        try:
            log = await site.servers.console_log(site.project_id, id_, 50)
        except ActError as error:
            if error.reason in ("refused", "gone", "busy"):
                return "cannot be read"
            raise
        if log.strip():
            return "shows output"
        if await waited(doing) < self.pace.restore.console_s:
            raise await wait(doing, self.pace.restore, "its console is silent so far")
        return _SILENT

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


async def _looks(site: Site, doing: Doing, id_: str) -> list[dict[str, Any]]:
    told = doing.step.arguments
    vm = await site.servers.server(site.project_id, id_)
    plugged = {port.id: port for port in await site.servers.ports_of(site.project_id, id_)}
    volumes = {made_by(doing, step) for step in told["volumes"]}
    ports = [made_by(doing, step) for step in told["ports"]]
    has = len(volumes & vm.volume_ids) if vm else 0
    there = [id_ for id_ in ports if id_ in plugged]
    ips = [ip for id_ in there for ip in plugged[id_].ips]
    same = set(ips) == set(told["addresses"])
    return [
        _told("restore point", told["complete"], told["point"]),
        _told("status", vm is not None and vm.status == "ACTIVE", vm.status if vm else "gone"),
        _told("volumes", vm is not None and vm.volume_ids == volumes, f"{has} of {len(volumes)} attached"),
        _told("ports", len(there) == len(ports), f"{len(there)} of {len(ports)} plugged"),
        _told("addresses", True if same else None, ", ".join(ips) + ("" if same else " (others than the original's)")),
    ]


def _told(name: str, well: bool | None, detail: str) -> dict[str, Any]:
    return {"name": name, "well": well, "detail": detail}


@dataclass(frozen=True, slots=True)
class Remove:
    """All that was made of one VM, also what was made twice, or too late to be seen. What cannot go is told, and the
    drill goes on; its end tries once more, and fails when something is still there."""

    pace: DrillPace
    name: str = "drill.remove"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        site, pace = await site_of(doing), self.pace.restore
        left: list[str] = []
        order = (("drill.server", remove_servers), ("drill.port", remove_ports), ("drill.volume", remove_volumes))
        for action, take_away in order:
            for step in doing.plan.steps:
                if step.action != action or number_of(step) != number_of(doing.step):
                    continue
                try:
                    await take_away(pace if not left else replace(pace, tries=_FEW), site, mark_of(doing, step.name))
                except StepError as error:
                    left.append(error.what)
        return {LEFT: left} if left else {"removed": True}

    async def undo(self, doing: Doing, result: Result) -> None:
        """What it could not take away is tried again by the steps that made it."""


@dataclass(frozen=True, slots=True)
class Close:
    """The networks of the drill; ports of this job that are still in them go first."""

    pace: DrillPace
    name: str = "drill.close"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        left: list[str] = []
        for step in doing.step.arguments["networks"]:
            stuck = any(LEFT in result for result in doing.earlier.values())
            pace = replace(self.pace, restore=replace(self.pace.restore, tries=_FEW)) if stuck or left else self.pace
            try:
                await remove_networks(pace, doing, mark_of(doing, step))
            except StepError as error:
                left.append(error.what)
        return {LEFT: left} if left else {"removed": True}

    async def undo(self, doing: Doing, result: Result) -> None:
        """What it could not take away is tried again by the steps that made it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of the drill. Raises StepError when something of it is still there: what made it tries once more to
    take it away, and what stays is told by its id."""

    pace: DrillPace
    name: str = "drill.report"

    async def look(self, doing: Doing) -> Result | None:
        return None

    async def act(self, doing: Doing) -> Result:
        left = [what for result in doing.earlier.values() for what in result.get(LEFT, ())]
        if left:
            raise StepError(f"Not all of the drill could be taken away: {'; '.join(left)}", "see what is still there")
        async with doing.database.connect() as conn:
            found = await drills.history(conn, EVERYTHING, Window(jobs=(doing.job_id,)))
        counts: dict[str, int] = {}
        for one in found:
            counts[one.outcome] = counts.get(one.outcome, 0) + 1
        return {"words": _words([(one.vm, one.outcome, one.reason) for one in found], counts), "counts": counts}

    async def undo(self, doing: Doing, result: Result) -> None:
        """Nothing was made."""


def _words(found: Sequence[tuple[str, str, str]], counts: Mapping[str, int]) -> str:
    lead = f"{counts.get('passed', 0)} of {len(found)} VMs came back and were seen to run"
    rest = [f"{vm} {outcome}" + (f" ({reason})" if reason else "") for vm, outcome, reason in found
            if outcome != "passed"]  # fmt: skip
    return f"{lead}; {'; '.join(rest)}." if rest else f"{lead}."
