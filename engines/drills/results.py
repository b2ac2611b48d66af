"""How well the backups of each VM are proven: its last drill against the targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds.acting_servers import MARK
from engines.restore.planning import age
from engines.restore.records import duration
from storage import drills, inventory
from storage.drills import Drilled, Target, Targets
from storage.filters import Ref, Where
from storage.inventory import Found
from storage.scopes import Scope

Verdict = Literal["met", "missed", "not proven", "never drilled", "no target"]
VERDICTS: tuple[Verdict, ...] = ("missed", "not proven", "never drilled", "no target", "met")
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One VM. `misses` say which target was missed by how much, or why it did not come back."""

    vm: Found
    project: str
    last: Drilled | None
    target: Target
    verdict: Verdict
    misses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """One project: its VMs by verdict, the slowest restore and the oldest data among their last drills, and the last
    drill of all."""

    source: str
    project_id: str
    project: str
    target: Target
    vms: int
    counts: Mapping[Verdict, int]
    slowest_s: float | None
    oldest_s: float | None
    last_at: datetime | None


def judge(last: Drilled | None, target: Target) -> tuple[Verdict, tuple[str, ...]]:
    """A VM that came back meets its targets, or misses them; one that was not seen to work proves nothing."""
    if last is None:
        return "never drilled", ()
    if last.outcome == "failed":
        return "missed", (last.reason or "it did not come back",)
    misses = tuple(_misses(last, target))
    if misses:
        return "missed", misses
    if last.outcome != "passed":
        silent = next((str(one["detail"]) for one in last.checks if one.get("name") == "console"), "")
        return "not proven", (f"its console {silent or 'showed nothing'}",)
    return ("no target", ()) if target.rto_minutes is None and target.rpo_hours is None else ("met", ())


def _misses(last: Drilled, target: Target) -> list[str]:
    misses = []
    if target.rto_minutes is not None and last.restored_s is not None and last.restored_s > target.rto_minutes * 60:
        misses.append(f"RTO: took {duration(last.restored_s)}, target {span(target.rto_minutes)}")
    if target.rpo_hours is not None and last.age_s is not None and last.age_s > target.rpo_hours * 3600:
        misses.append(f"RPO: data {old(last.age_s)} old, target {span(target.rpo_hours * 60)}")
    return misses


def span(minutes: float) -> str:
    """A target in words: 45 min, 4 h, 1.5 h."""
    return f"{minutes:g} min" if minutes < 60 else f"{minutes / 60:g} h"


def old(seconds: float) -> str:
    from datetime import timedelta

    return age(timedelta(seconds=seconds))


async def proofs(conn: AsyncConnection, scope: Scope, projects: Sequence[Ref] = ()) -> list[Proof]:
    """All VMs that live in these projects, or in all of the scope, the worst first within their project."""
    where = Where("vm", projects=tuple(projects))
    vms = [vm for vm in await inventory.rows(conn, scope, where) if vm.project_id and _is_own(vm)]
    last = await drills.latest(conn, scope, projects)
    targets = await drills.targets(conn)
    refs = sorted({(vm.source, vm.project_id or "") for vm in vms})
    names = await inventory.names_of(conn, scope, "project", refs)
    found = [_proof(vm, names, last.get(vm.ref), targets) for vm in vms]
    return sorted(found, key=lambda one: (one.project, VERDICTS.index(one.verdict), one.vm.name))


def _is_own(vm: Found) -> bool:
    """Not one that Stackhand made for a drill or beside an original: that one is drilled."""
    return vm.platform == "openstack" and MARK not in (vm.attrs.get("metadata") or {})


def _proof(vm: Found, names: Mapping[Ref, Found], last: Drilled | None, targets: Targets) -> Proof:
    ref = (vm.source, vm.project_id or "")
    target = targets.of(*ref)
    verdict, misses = judge(last, target)
    return Proof(vm, names[ref].name if ref in names else ref[1], last, target, verdict, misses)


def summaries(proofs: Sequence[Proof]) -> list[Summary]:
    """By project, in the order of the proofs."""
    by_project: dict[Ref, list[Proof]] = {}
    for one in proofs:
        by_project.setdefault((one.vm.source, one.vm.project_id or ""), []).append(one)
    return [_summary(ref, mine) for ref, mine in by_project.items()]


def _summary(ref: Ref, mine: Sequence[Proof]) -> Summary:
    last = [one.last for one in mine if one.last is not None]
    counts = {verdict: sum(1 for one in mine if one.verdict == verdict) for verdict in VERDICTS}
    return Summary(
        *ref, mine[0].project, mine[0].target, len(mine), counts,
        max((one.restored_s for one in last if one.restored_s is not None), default=None),
        max((one.age_s for one in last if one.age_s is not None), default=None),
        max((one.began_at for one in last), default=None),
    )  # fmt: skip
