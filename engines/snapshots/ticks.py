"""What the clock does: schedules for the policies in use, and the plan of a tick."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.plans import Plan
from engines.snapshots import gathering
from engines.snapshots.coverage import record_day
from engines.snapshots.metadata import names_used
from engines.snapshots.planning import Asked, PlanError
from engines.snapshots.planning_runs import plan_run
from engines.snapshots.policies import Policy
from engines.snapshots.rules import from_json
from storage import snapshot_coverage as kept
from storage import snapshots as said
from storage.change_tables import schedule
from storage.scopes import EVERYTHING

KIND = "snapshot_run"
COVERAGE_KIND = "snapshot_coverage"
_COVERAGE_CRON = "45 5 * * *"
_AUTO = "kept_by"


class Scheduled(Protocol):
    """A row of `schedule`."""

    @property
    def name(self) -> str: ...
    @property
    def arguments(self) -> Mapping[str, Any]: ...
    @property
    def zone(self) -> str: ...


async def plan_tick(conn: AsyncConnection, scheduled: Scheduled, tick: datetime) -> Plan | None:
    """The run that is due at this tick; None where the policy is not due then, or nothing is to be done.

    Raises PlanError for a schedule that names no policy.
    """
    name = str(scheduled.arguments.get("policy", ""))
    policy = (await gathering.policies(conn)).get(name)
    if policy is None:
        raise PlanError(f"The schedule {scheduled.name} names {name!r}, which is no policy", "remove the schedule")
    if not policy.due_on(tick, scheduled.zone):
        return None
    asked = Asked(f"schedule:{scheduled.name}", EVERYTHING, tick)
    try:
        run = await plan_run(conn, asked, policy, tick=tick)
    except PlanError:
        return None
    return run.plan if run.plan.steps else None


async def record_tick(conn: AsyncConnection, scheduled: Scheduled, tick: datetime) -> str:
    """Keep how coverage stands, for the trend; what was kept in a few words."""
    return f"{await record_day(conn, tick):,} rows kept"


async def policies_in_use(conn: AsyncConnection) -> dict[str, Policy]:
    """Those that an assignment, a rule or any volume's metadata names, and the custom ones."""
    policies = await gathering.policies(conn)
    ruled = {name for one in await said.rules(conn) for name in from_json(one).allow}
    told = names_used(await kept.metadata_policies(conn))
    names = {*await said.policy_names(conn), *ruled, *told}
    return {name: policy for name in sorted(names) if (policy := policies.get(name)) is not None}


async def ensure_schedules(conn: AsyncConnection) -> list[str]:
    """A schedule for each policy in use, and one for the trend; the names of those that were made or changed.

    One that a person has changed stays as it is; one whose policy is not in use any more is switched off.
    """
    used = await policies_in_use(conn)
    wanted = {_name(name): (KIND, policy.calendar.cron, policy.calendar.zone, name) for name, policy in used.items()}
    if used:
        wanted[_name("coverage")] = (COVERAGE_KIND, _COVERAGE_CRON, "UTC", "")
    changed = [name for name, told in wanted.items() if await _keep(conn, name, *told)]
    ours = schedule.c.arguments[_AUTO].astext == "stackhand"
    gone = (
        update(schedule)
        .where(ours, schedule.c.enabled, schedule.c.kind.in_((KIND, COVERAGE_KIND)), schedule.c.name.not_in(wanted))
        .values(enabled=False, changed_at=func.now(), arguments=schedule.c.arguments.op("||")({"unused": True}))
        .returning(schedule.c.name)
    )
    return [*changed, *(await conn.scalars(gone))]


def _name(policy: str) -> str:
    return f"snapshots-{policy}"


async def _keep(conn: AsyncConnection, name: str, kind: str, cron: str, zone: str, policy: str) -> bool:
    """Whether anything was written: a new row, another calendar of an untouched one, or one that is in use again."""
    arguments: dict[str, Any] = {_AUTO: "stackhand", "cron": cron, "zone": zone}
    if policy:
        arguments["policy"] = policy
    row = {"name": name, "kind": kind, "arguments": arguments, "cron": cron, "zone": zone, "owner": "local"}
    found = (
        await conn.execute(
            select(schedule.c.cron, schedule.c.zone, schedule.c.enabled, schedule.c.arguments).where(
                schedule.c.name == name
            )
        )
    ).first()
    if found is None:
        await conn.execute(insert(schedule).values(row).on_conflict_do_nothing())
        return True
    told = found.arguments
    untouched = told.get(_AUTO) == "stackhand" and (found.cron, found.zone) == (told.get("cron"), told.get("zone"))
    enabled = found.enabled or bool(told.get("unused"))
    if not untouched or ((found.cron, found.zone) == (cron, zone) and enabled == found.enabled):
        return False
    new = {"cron": cron, "zone": zone, "arguments": arguments, "enabled": enabled, "changed_at": func.now()}
    await conn.execute(update(schedule).where(schedule.c.name == name).values(new))
    return True
