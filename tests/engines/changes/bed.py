"""A place to run jobs in: actions whose effects are rows under a unique key, and a cloud that is opened and counted."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from engines.actions import Doing, Result
from engines.clouds.acting import Acting
from engines.plans import Plan, Step, Target, to_json
from storage import jobs
from storage.change_tables import request
from storage.database import Database

_TABLES = (
    "CREATE TABLE IF NOT EXISTS effect (key text PRIMARY KEY, undone boolean NOT NULL DEFAULT false)",
    "CREATE TABLE IF NOT EXISTS act_call (id bigint GENERATED ALWAYS AS IDENTITY, key text, what text,"
    " at timestamptz DEFAULT clock_timestamp())",
)


async def make_tables(database: Database) -> None:
    async with database.begin() as conn:
        for statement in _TABLES:
            await conn.execute(text(statement))


@dataclass(frozen=True)
class Making:
    """Makes one row. Twice under one key is an error of the database: that is the proof that it was done once.

    `before` is called at each point with the job and the point: the step's name with :begun, :effect or :undone.
    """

    name: str = "test.make"
    before: Callable[[int, str], None] = field(default=lambda *_: None)

    async def look(self, doing: Doing) -> Result | None:
        async with doing.database.connect() as conn:
            found = (
                await conn.execute(text("SELECT 1 FROM effect WHERE key = :k AND NOT undone"), {"k": doing.key})
            ).scalar()
        return {"made": doing.key, "counts": {"made": 1}} if found else None

    async def act(self, doing: Doing) -> Result:
        self.before(doing.job_id, f"{doing.step.name}:begun")
        await self._pause(doing)
        async with doing.database.begin() as conn:
            await conn.execute(text("INSERT INTO effect (key) VALUES (:k)"), {"k": doing.key})
            await note(conn, doing.key, "made")
        self.before(doing.job_id, f"{doing.step.name}:effect")
        return {"made": doing.key, "counts": {"made": 1}}

    async def undo(self, doing: Doing, result: Result) -> None:
        async with doing.database.begin() as conn:
            await conn.execute(text("UPDATE effect SET undone = true WHERE key = :k"), {"k": doing.key})
            await note(conn, doing.key, "undone")
        self.before(doing.job_id, f"{doing.step.name}:undone")

    async def _pause(self, doing: Doing) -> None:
        await asyncio.sleep(float(doing.step.arguments.get("seconds", 0)))


@dataclass(frozen=True)
class Scripted:
    """Does what its test says: `acts`, `looks` and `undoes` are what each call in turn gives or raises."""

    name: str
    acts: list[object] = field(default_factory=list)
    looks: list[object] = field(default_factory=list)
    undoes: list[object] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    async def look(self, doing: Doing) -> Result | None:
        return cast(Result | None, self._next("look", self.looks, doing))

    async def act(self, doing: Doing) -> Result:
        return cast(Result, self._next("act", self.acts, doing) or {})

    async def undo(self, doing: Doing, result: Result) -> None:
        self._next("undo", self.undoes, doing)

    def _next(self, what: str, script: list[object], doing: Doing) -> object:
        self.calls.append(f"{what} {doing.step.name}")
        given = script.pop(0) if script else None
        if callable(given) and not isinstance(given, type):
            given = given()
        if isinstance(given, BaseException):
            raise given
        return given


class NoClouds:
    """Counts who opens it; `client` is what it gives."""

    def __init__(self, client: object = None) -> None:
        self.opened: list[str] = []
        self.closed = 0
        self._client = client

    async def open(self, source: str) -> Acting:
        self.opened.append(source)
        return cast(Acting, self)

    async def close(self) -> None:
        self.closed += 1


class Still:
    """An engine that never stops, and does not really wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def check(self) -> None: ...

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def note(conn: AsyncConnection, key: str, what: str) -> None:
    await conn.execute(text("INSERT INTO act_call (key, what) VALUES (:k, :w)"), {"k": key, "w": what})


def step(name: str, action: str = "test.make", undo: str = "take it away", **more: Any) -> Step:
    together = more.pop("together", "")
    return Step(name, action, f"make {name}", more, undo, together)


def target(name: str = "web-01", project: str | None = "p1", source: str = "pcd") -> Target:
    return Target(source, "vm", name, name, project)


def plan(*steps: Step, targets: tuple[Target, ...] = (target(),), title: str = "Make things") -> Plan:
    return Plan("snapshot_run", title, targets, steps)


async def add_job(
    database: Database,
    given: Plan,
    *,
    state: str = "approved",
    digest: str | None = None,
    run_by: datetime | None = None,
    asked_by: str = "ada",
) -> int:
    """A request that stands as `state`, and its job."""
    async with database.begin() as conn:
        return await add_job_in(conn, given, state=state, digest=digest, run_by=run_by, asked_by=asked_by)


async def add_job_in(
    conn: AsyncConnection,
    given: Plan,
    *,
    state: str = "approved",
    digest: str | None = None,
    run_by: datetime | None = None,
    asked_by: str = "ada",
) -> int:
    now = datetime.now(UTC)
    token = (await conn.execute(text("SELECT gen_random_uuid()::text"))).scalar_one()
    values: Mapping[str, Any] = {
        "token": token, "kind": given.kind, "plan": to_json(given), "digest": digest or given.digest,
        "asker": asked_by, "mode": "confirm", "state": state, "created_at": now,
        "approve_by": now + timedelta(hours=1), "run_within_s": 900,
    }  # fmt: skip
    id_ = (await conn.execute(insert(request).values(**values).returning(request.c.id))).scalar_one()
    return await jobs.add(conn, to_json(given), request_id=id_, asked_by=asked_by, run_by=run_by)


async def effects(database: Database) -> tuple[list[str], list[str]]:
    """The keys of what stands, and all that was done, in order ("made JOB-1-1")."""
    async with database.connect() as conn:
        stands = await conn.scalars(text("SELECT key FROM effect WHERE NOT undone ORDER BY key"))
        calls = await conn.scalars(text("SELECT what || ' ' || key FROM act_call ORDER BY id"))
        return list(stands), list(calls)
