"""Plans for putting volumes under a policy, or taking it off."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.plans import Check, Plan, Step, Target
from engines.snapshots.gathering import Held, demo_sources, volumes
from engines.snapshots.planning import Asked, PlanError, platform_check, several
from engines.snapshots.policies import MOST_COPIES, Policy
from storage.filters import Where
from storage.inventory import Found

_SHOWN = 5


async def _of(conn: AsyncConnection, asked: Asked, of: Found) -> list[Held]:
    """The volumes of a volume, VM or project; a VM's are those that are attached to it."""
    where = {
        "volume": Where("volume", volumes=(of.ref,)),
        "vm": Where("volume", vms=(of.ref,)),
        "project": Where("volume", projects=(of.ref,)),
    }[of.kind]
    return [one for one in await volumes(conn, asked.scope, where, asked.now) if one.facts.project_id]


async def plan_assign(
    conn: AsyncConnection, asked: Asked, policy: Policy, of: Found, retention: int | None = None
) -> Plan:
    """For a project also volumes that it gets later. Raises PlanError where there is no volume, or no such number."""
    if retention is not None and not 1 <= retention <= MOST_COPIES:
        raise PlanError(f"{retention:,} copies cannot be kept", f"keep 1 to {MOST_COPIES:,}")
    held = await _of(conn, asked, of)
    off = [one for one in held if one.verdict.excluded]
    wanted = [one for one in held if not one.verdict.excluded]
    denied = [(one, words) for one in wanted for name, words in one.verdict.denied if name == policy.name]
    if not held and of.kind != "project":
        raise PlanError(f"{of.name} has no volume that is known", "only volumes have snapshots")
    keep = retention or policy.retention
    checks = [
        Check("may be protected", bool(wanted) or of.kind == "project", _why_off(off)) if off and not wanted else None,
        Check("no rule is against it", not denied, f"{denied[0][0].facts.name}: {denied[0][1]}") if denied else None,
    ]
    size = sum(one.facts.size_gib for one in wanted)
    warnings = (f"Left as it is: {several(len(off), 'volume')}, {_why_off(off)}.",) if off and wanted else ()
    facts: tuple[tuple[str, str], ...]
    facts = (("policy", f"{policy.name}: {policy.calendar.words}"),
             ("keeps", "1 copy" if keep == 1 else f"{keep:,} copies"),
             ("volumes", f"{len(wanted):,} of {size:,} GiB: {_names(wanted)}" if wanted else "none yet"),
             ("room needed in the end", f"up to {size * keep:,} GiB"))  # fmt: skip
    if of.kind == "project":
        facts = (*facts, ("as well", "volumes that it gets later"))
    return await _plan(conn, asked, "policy_assign", f"Put {of.name} under {policy.name}", policy, of, wanted,
                       retention, facts, warnings, [one for one in checks if one])  # fmt: skip


async def plan_remove(conn: AsyncConnection, asked: Asked, policy: Policy, of: Found) -> Plan:
    """The snapshots that there are stay. Raises PlanError where nothing is under the policy."""
    held = await _of(conn, asked, of)
    mine = [one for one in held if one.verdict.of(policy.name) is not None]
    if not mine and of.kind != "project":
        raise PlanError(f"{of.name} is not under {policy.name}", f"say: which policy does {of.name} have")
    by_rule = [one for one in mine if (under := one.verdict.of(policy.name)) and under.by == "rule"]
    warnings = (f"A rule puts {len(by_rule):,} of them there; what is said here counts before it.",) if by_rule else ()
    facts = (("volumes", f"{len(mine):,}: {_names(mine)}"), ("snapshots that there are", "stay, and expire no more"))
    return await _plan(conn, asked, "policy_remove", f"Take {policy.name} off {of.name}", policy, of, mine, None, facts,
                       warnings, [])  # fmt: skip


async def _plan(
    conn: AsyncConnection,
    asked: Asked,
    kind: str,
    title: str,
    policy: Policy,
    of: Found,
    held: Sequence[Held],
    retention: int | None,
    facts: tuple[tuple[str, str], ...],
    warnings: tuple[str, ...],
    checks: Sequence[Check],
) -> Plan:
    project = of.external_id if of.kind == "project" else of.project_id
    if not project or any(one.facts.project_id != project for one in held):
        raise PlanError(f"The volumes of {of.name} are of several projects", "name them one by one")
    demo = of.source in await demo_sources(conn)
    told = {
        "source": of.source, "project_id": project, "policy": policy.name, "retention": retention, "by": asked.by,
        "on": kind == "policy_assign", "kind": of.kind, "id": of.external_id,
        "volumes": [{"id": one.facts.id, "name": one.facts.name} for one in held],
    }  # fmt: skip
    own = () if of.kind == "volume" else (Target(of.source, of.kind, of.external_id, of.name, project),)
    targets = tuple(
        Target(of.source, "volume", one.facts.id, one.facts.name, project, {"metadata": dict(one.facts.metadata)})
        for one in held
    )
    does = f"write it down, and into the metadata of {several(len(held), 'volume')}"
    step = Step("write", "volume.set_policies", does, told, "what was written before is written again")
    where = of.name if of.kind == "project" else of.value("project") or project
    return Plan(kind, title, (*own, *targets), (step,), {"policy": policy.name}, (*platform_check(of.platform),
                *checks), facts, warnings, f"{several(len(held), 'volume')} of {where}",
                "what was written before is written again", demo=demo)  # fmt: skip


def _names(held: Sequence[Held]) -> str:
    told = ", ".join(one.facts.name or one.facts.id for one in held[:_SHOWN])
    more = f" and {len(held) - _SHOWN:,} more" if len(held) > _SHOWN else ""
    return f"{told}{more}" if held else "none yet"


def _why_off(off: Sequence[Held]) -> str:
    return off[0].verdict.excluded if off else ""
