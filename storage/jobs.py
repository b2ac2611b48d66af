"""Jobs: plans that are to be run. A job is written with the decision that allowed it, or not at all."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.change_tables import job, job_target
from storage.json_texts import clean_text, json_value


async def add(
    conn: AsyncConnection,
    plan: Mapping[str, Any],
    *,
    request_id: int | None,
    asked_by: str,
    run_by: datetime | None,
) -> int:
    """The id of a new job for a plan as `engines.plans.to_json` writes it, in the caller's transaction."""
    targets = plan["targets"]
    sources, projects = {t["source"] for t in targets}, {(t["source"], t["project_id"]) for t in targets}
    values = {
        "request_id": request_id,
        "kind": plan["kind"],
        "plan": json_value(plan),
        "source": next(iter(sources)) if len(sources) == 1 else None,
        "project_id": next(iter(projects))[1] if len(projects) == 1 else None,
        "asked_by": clean_text(asked_by),
        "run_by": run_by,
    }
    id_ = int((await conn.execute(insert(job).values(**values).returning(job.c.id))).scalar_one())
    held = {(t["source"], t["kind"], t["external_id"]) for t in targets}
    rows = [{"job_id": id_, "source": s, "kind": k, "external_id": e} for s, k, e in sorted(held)]
    if rows:
        await conn.execute(insert(job_target), rows)
    return id_


async def ask_cancel(conn: AsyncConnection, job_id: int, by: str) -> bool:
    """False when it has ended, or somebody asked before: it stops at its next step."""
    waits = (job.c.id == job_id, job.c.state.in_(("waiting", "running")), job.c.cancel_at.is_(None))
    values = {"cancel_by": clean_text(by), "cancel_at": func.clock_timestamp()}
    return (await conn.execute(update(job).where(*waits).values(**values))).rowcount == 1
