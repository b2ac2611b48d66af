"""An approved request sets off what was shown: a job, or at once for a change of Stackhand itself."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.changes import freezes, rule_sets
from engines.plans import from_json
from storage import audit, jobs, requests
from storage.requests import Request

_HOUSE = frozenset({freezes.ON, freezes.OFF, rule_sets.KIND})


async def launch(
    conn: AsyncConnection,
    request: Request,
    by: str,
    reason: str,
    now: datetime | None,
    *,
    surface: str = "",
    account: str = "",
    break_glass: bool = False,
) -> Request:
    """The request as approved, with its job, in the caller's transaction. Raises LostRaceError when it is no longer
    pending, or its time is over."""
    approved = await requests.decide(conn, request.id, "approved", by, reason, break_glass=break_glass)
    if approved is None:
        raise LostRaceError(request.name)
    if approved.kind in _HOUSE:
        await _apply(conn, approved)
        await requests.end(conn, approved.id, "done")
        job_id = None
    else:
        job_id = await jobs.add(
            conn, approved.plan, request_id=approved.id, asked_by=approved.asker, run_by=approved.run_by
        )
        await requests.set_job(conn, approved.id, job_id)
    detail = {"digest": approved.digest, "asker": approved.asker, "reason": reason, "surface": surface,
              "account": account, "job": job_id}  # fmt: skip
    action = "request.break_glass" if break_glass else "request.approved"
    await audit.record(conn, person=by, action=action, target=approved.name, outcome="done", detail=detail, at=now)
    return await requests.find(conn, approved.id) or approved


class LostRaceError(Exception):
    """Somebody else decided first, or the time is over."""


async def _apply(conn: AsyncConnection, request: Request) -> None:
    plan = from_json(request.plan)
    if request.kind == rule_sets.KIND:
        await rule_sets.apply(conn, plan.options, request.asker)
    else:
        await freezes.apply(conn, request.kind, plan.options, request.asker)
