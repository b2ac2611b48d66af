"""Plans for runs of a policy: one step a project, several projects at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.clouds.acting import StorageQuota
from engines.plans import Check, Plan, Step, Target
from engines.snapshots.forecast import quota_of
from engines.snapshots.gathering import Held, demo_sources, volumes
from engines.snapshots.naming import tick_run
from engines.snapshots.planning import PLATFORM, Asked, PlanError, item, several
from engines.snapshots.policies import Policy
from engines.snapshots.quotas import Wanted, fit
from storage import inventory, snapshot_runs
from storage import snapshot_coverage as kept
from storage.filters import Ref, Where
from storage.snapshot_coverage import Copies


@dataclass(frozen=True, slots=True)
class Would:
    """What a run would do with one volume: make, skip, block. `prunes` are older copies that it would delete."""

    held: Held
    does: str
    why: str = ""
    retention: int = 0
    prunes: int = 0


@dataclass(frozen=True, slots=True)
class RunPlan:
    plan: Plan
    lines: tuple[Would, ...]

    def count(self, does: str) -> int:
        return sum(line.does == does for line in self.lines)

    @property
    def prunes(self) -> int:
        return sum(line.prunes for line in self.lines)


async def plan_run(
    conn: AsyncConnection,
    asked: Asked,
    policy: Policy,
    *,
    projects: Collection[Ref] = (),
    tick: datetime | None = None,
    dry_run: bool = False,
) -> RunPlan:
    """What is under the policy, in these projects or everywhere the asker sees. A volume that has a good copy since
    the policy was due last is skipped, so that a run can be asked for again.

    Raises PlanError where nothing is under it.
    """
    held = await volumes(conn, asked.scope, Where("volume", projects=tuple(projects)), asked.now)
    mine = [one for one in held if one.verdict.of(policy.name) is not None and one.facts.project_id]
    if not mine:
        raise PlanError(
            f"No volume is under {policy.name} here", f"assign {policy.name} to a volume, VM or project first"
        )
    copies = await kept.copies(conn, asked.scope)
    just = await snapshot_runs.just_made(conn, policy.name)
    due = tick or policy.last_due(asked.now)
    demo = await demo_sources(conn)
    quotas = {row.ref: row for row in await inventory.rows(conn, asked.scope, Where("quota"))}
    by_project: dict[Ref, list[Held]] = {}
    for one in mine:
        by_project.setdefault((one.facts.source, one.facts.project_id), []).append(one)
    lines: list[Would] = []
    for ref in sorted(by_project):
        looked = [_look(one, policy, copies, due, just.get(one.ref)) for one in by_project[ref]]
        lines += _blocked(looked, quota_of(quotas.get(ref)))
    return RunPlan(_plan(asked, policy, lines, due, tick, demo, dry_run), tuple(lines))


def _look(
    held: Held,
    policy: Policy,
    copies: Mapping[tuple[str, str, str], Copies],
    due: datetime | None,
    just: datetime | None,
) -> Would:
    """`just`: when a copy was made that no listing has shown yet."""
    under = held.verdict.of(policy.name)
    assert under is not None
    have = copies.get((*held.ref, policy.name))
    if held.platform != PLATFORM:
        return Would(held, "skip", f"{held.platform} is not snapshotted", under.retention)
    newest = max((at for at in (have.newest if have else None, just) if at is not None), default=None)
    if newest is not None and due is not None and newest >= due:
        return Would(held, "skip", f"copied {newest:%m-%d %H:%M}", under.retention)
    if held.state not in ("attached", "unattached"):
        return Would(held, "skip", f"the volume is {held.state or 'in an unknown state'}", under.retention)
    prunes = max((have.count if have else 0) + 1 - under.retention, 0)
    return Would(held, "make", "", under.retention, prunes)


def _blocked(looked: Sequence[Would], quota: StorageQuota) -> list[Would]:
    """By the quota of the record; a volume whose new copy takes the place of an old one fits."""
    wanted = [
        Wanted(one.held.facts.id, one.held.facts.size_gib, one.held.facts.volume_type)
        for one in looked
        if one.does == "make" and not (one.prunes and one.retention > 1)
    ]
    words = {one.wanted.id: one.words for one in fit(wanted, quota).blocked}
    return [
        Would(one.held, "block", words[one.held.facts.id], one.retention) if one.held.facts.id in words else one
        for one in looked
    ]


def _plan(
    asked: Asked,
    policy: Policy,
    lines: Sequence[Would],
    due: datetime | None,
    tick: datetime | None,
    demo: Collection[str],
    dry_run: bool,
) -> Plan:
    """What the record says is skipped or blocked is left to the step all the same where the cloud may know better."""
    by_project: dict[Ref, list[Would]] = {}
    for line in lines:
        if line.does in ("make", "block"):
            by_project.setdefault((line.held.facts.source, line.held.facts.project_id), []).append(line)
    steps = tuple(_step(asked, policy, group, due, tick) for _, group in sorted(by_project.items()))
    count = sum(map(len, by_project.values()))
    blocked = sum(line.does == "block" for line in lines)
    prunes, size = sum(line.prunes for line in lines), _gib(lines)
    facts = [("policy", f"{policy.name}: {policy.calendar.words}"),
             ("makes", f"{several(count - blocked, 'snapshot')}, {size:,} GiB"),
             ("skips", several(len(lines) - count, "volume") if len(lines) > count else ""),
             ("would not fit the quota", several(blocked, "volume") if blocked else ""),
             ("deletes what expired", several(prunes, "snapshot") if prunes else ""),
             ("consistency", "crash-consistent; the volumes of a VM at the same time")]  # fmt: skip
    where = f"{several(count, 'volume')} in {several(len(steps), 'project')}"
    since = f" since {due:%Y-%m-%d %H:%M} UTC" if due else ""
    return Plan(
        "snapshot_run",
        f"Run {policy.name}: {where}",
        tuple(_target(group) for _, group in sorted(by_project.items())),
        steps,
        {"policy": policy.name, "volumes": count, "dry_run": dry_run, "tick": tick.isoformat() if tick else ""},
        () if steps else (Check("something to do", False, f"every volume has a good copy{since} already"),),
        tuple(pair for pair in facts if pair[1]),
        ((f"The quota has no room for {several(blocked, 'volume')}: quota_blocked, unless the project gets more.",)
         if blocked else ()),
        where,
        "what was made is kept",
        demo=any(source in demo for source, _ in by_project),
    )  # fmt: skip


def _gib(lines: Sequence[Would]) -> int:
    return sum(line.held.facts.size_gib for line in lines if line.does == "make")


def _target(group: Sequence[Would]) -> Target:
    """The project itself: a run must not wait until every single volume is free, nor hold them all."""
    facts = group[0].held.facts
    return Target(facts.source, "project", facts.project_id, facts.project or facts.project_id, facts.project_id)


def _step(asked: Asked, policy: Policy, group: Sequence[Would], due: datetime | None, tick: datetime | None) -> Step:
    facts = group[0].held.facts
    ordered = sorted(group, key=lambda one: (one.held.facts.vm_ids[:1], one.held.facts.size_gib, one.held.facts.id))
    told = {
        "source": facts.source, "project_id": facts.project_id, "policy": policy.name, "by": asked.by,
        "run": tick_run(policy.name, tick) if tick else "", "due": due.isoformat() if due else "",
        "volumes": [item(one.held, one.retention) for one in ordered],
    }  # fmt: skip
    name = facts.project or facts.project_id
    words = f"snapshot {several(len(group), 'volume')} of {name}"
    return Step(f"{facts.source} {facts.project_id}", "snapshot.batch", words, told, together="projects")
