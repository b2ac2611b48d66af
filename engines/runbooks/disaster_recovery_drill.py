"""The restore drill, by name."""

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.drills.planning import plan_drill
from engines.drills.wishes import KIND, MOST_VMS, Wish
from engines.plans import Plan
from engines.runbooks.runbook import Run, Runbook
from storage.listings import listings


async def plan(conn: AsyncConnection, run: Run) -> Plan:
    """Of one VM, or of those of the project whose last drill is the oldest. Raises CannotPlanError."""
    source, project_id = run.project
    demo = any(one.demo for one in await listings(conn, kinds={"vm"}, sources={source}))
    names = (run.vm.external_id,) if run.vm is not None else ()
    return await plan_drill(conn, run.scope, Wish(source, project_id, names), run.now, run.house, demo=demo)


RUNBOOK = Runbook(
    name="disaster_recovery_drill",
    title="Disaster recovery drill",
    does="VMs come back from their newest restore points into networks without a way out, are looked at, measured "
    "against the targets, and go again: proof that the backups work",
    kind=KIND,
    plan=plan,
    also=("restore drill", "recovery drill", "dr drill", "backup drill"),
    parameters=(
        ("project", f"the {MOST_VMS} VMs of it that were never drilled, or whose last drill is the oldest"),
        ("vm", "this VM alone"),
    ),
)
