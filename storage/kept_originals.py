"""The originals that replaces have kept, out of the record of their jobs."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import job, job_step
from storage.filters import Ref
from storage.scopes import Scope

_KEEPS, _MADE = "mark original", "server"


@dataclass(frozen=True, slots=True)
class Kept:
    """`vm_id` is the original, `name` what it was called, `kept` what it is called since; `mark` is what it bears.

    `new_id` is the VM that replaced it, `ended_at` when that was done.
    """

    job_id: int
    source: str
    project_id: str
    vm_id: str
    name: str
    kept: str
    mark: str
    new_id: str
    ended_at: datetime
    demo: bool = False

    @property
    def job(self) -> str:
        return f"JOB-{self.job_id}"


async def kept_originals(
    conn: AsyncConnection, scope: Scope, *, vms: tuple[Ref, ...] = (), name: str = ""
) -> list[Kept]:
    """The newest first. `vms` are originals, or what replaced them; without any it goes by the name of both."""
    made, marked = job_step.alias("made"), job_step.alias("marked")
    options, steps = job.c.plan["options"], job.c.plan["steps"]
    new_id = made.c.result["id"].astext
    conditions = [job.c.kind == "restore_replace", job.c.state == "done", job.c.ended_at.is_not(None)]
    if not scope.everything:
        conditions.append(tuple_(job.c.source, job.c.project_id).in_(sorted(scope.projects)))
    originals = or_(tuple_(job.c.source, options["vm_id"].astext).in_(vms), tuple_(job.c.source, new_id).in_(vms))
    conditions.append(originals if vms else options["vm"].astext == name)
    query = (
        select(
            job.c.id, job.c.source, job.c.project_id, options["vm_id"].astext, options["vm"].astext, steps,
            marked.c.result["mark"].astext, new_id, job.c.ended_at, job.c.plan["demo"].astext,
        )
        .join(made, and_(made.c.job_id == job.c.id, made.c.name == _MADE, made.c.state == "done"))
        .join(marked, and_(marked.c.job_id == job.c.id, marked.c.name == _KEEPS, marked.c.state == "done"))
        .where(*conditions)
        .order_by(job.c.id.desc())
        .limit(50)
    )  # fmt: skip
    return [
        Kept(id_, source, project, vm_id, vm, _kept_name(plan_steps), mark, new, ended, demo == "true")
        for id_, source, project, vm_id, vm, plan_steps, mark, new, ended, demo in await conn.execute(query)
    ]


def _kept_name(steps: list[dict[str, object]]) -> str:
    found = next((step for step in steps if step.get("action") == "restore.rename"), {})
    arguments = found.get("arguments")
    return str(arguments.get("kept") or "") if isinstance(arguments, dict) else ""
