"""The queues of durable work: what is enqueued belongs to the caller's transaction, and is there once by its id."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

APPLICATION = "stackhand"
VERSION = "1"
"""Of the work, not of the program: another number strands what waits and runs. Raised on purpose only."""
JOBS = "jobs"
TICKS = "ticks"
SCHEMA_VERSION = 125
"""What DBOS's tables must be at least; the library brings older ones up to date."""

_ENQUEUE = text(
    "SELECT dbos.enqueue_workflow(workflow_name => :workflow, queue_name => :queue,"
    " positional_args => ARRAY[CAST(:argument AS json)], workflow_id => :id,"
    " app_version => :version, application_name => :application)"
)
_TABLES = text("SELECT to_regclass('dbos.dbos_migrations') IS NOT NULL")
_FOUND = text("SELECT coalesce(max(version), 0) FROM dbos.dbos_migrations")
_PURGE = (
    text(
        "DELETE FROM dbos.workflow_input i USING dbos.workflow_status s WHERE i.workflow_uuid = s.workflow_uuid"
        " AND s.status IN ('SUCCESS', 'ERROR', 'CANCELLED') AND s.application_name = :application"
        " AND s.updated_at < extract(epoch FROM now() - make_interval(days => :days)) * 1000"
    ),
    text(
        "DELETE FROM dbos.workflow_output o USING dbos.workflow_status s WHERE o.workflow_uuid = s.workflow_uuid"
        " AND s.status IN ('SUCCESS', 'ERROR', 'CANCELLED') AND s.application_name = :application"
        " AND s.updated_at < extract(epoch FROM now() - make_interval(days => :days)) * 1000"
    ),
    text(
        "DELETE FROM dbos.workflow_status"
        " WHERE status IN ('SUCCESS', 'ERROR', 'CANCELLED') AND application_name = :application"
        " AND updated_at < extract(epoch FROM now() - make_interval(days => :days)) * 1000"
    ),
)


async def enqueue(conn: AsyncConnection, queue: str, workflow: str, id_: str, argument: Any) -> None:
    """Ask for a run of the workflow `workflow` with one JSON value; a second one with the same id is none."""
    values = {"workflow": workflow, "queue": queue, "argument": json.dumps(argument), "id": id_}
    await conn.execute(_ENQUEUE, {**values, "version": VERSION, "application": APPLICATION})


async def are_current(conn: AsyncConnection) -> bool:
    """Whether the tables of the queues are there, and not old."""
    if not (await conn.execute(_TABLES)).scalar_one():
        return False
    return bool((await conn.execute(_FOUND)).scalar_one() >= SCHEMA_VERSION)


async def purge(conn: AsyncConnection, days: int) -> int:
    """Forget the runs that ended so long ago; our own record of them stays."""
    gone = 0
    for statement in _PURGE:
        gone = (await conn.execute(statement, {"application": APPLICATION, "days": days})).rowcount
    return gone
