"""The demo cloud that workers of their own change: in each project volumes that a policy of two copies protects."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from engines.changes.requests import Asker, Place, Voter, decide, submit
from engines.clouds import Resource
from engines.inventory.collect import sync_source
from engines.plans import Plan
from engines.snapshots.metadata import for_snapshot, read_snapshot
from engines.snapshots.planning import Asked
from engines.snapshots.planning_runs import plan_run
from engines.snapshots.policies import told_by_name
from storage.database import Database
from storage.demo_changes import DemoObject, changed
from storage.people import Grant, add_person, grant
from storage.scopes import EVERYTHING
from tests.engines.clouds.demo_rows import SOURCE, Rows, copy
from tests.engines.inventory.small_cloud import SmallCloud

PROJECTS, EACH = 6, 10
POLICY = "daily_2"


def invented() -> Rows:
    """Each volume has two copies of the policy, the older one due to go, and one that a person made."""
    rows = Rows(PROJECTS, EACH, labels={"stackhand_policies": POLICY})
    for project in rows.projects:
        rows.invented[project] = [one for number in range(EACH) for one in _copies(project, f"v{project[1:]}-{number}")]
    return rows


def _copies(project: str, volume: str) -> list[Resource]:
    def told(key: str) -> dict[str, str]:
        return for_snapshot(key=key, policy=POLICY, run="before", volume_id=volume, project_id=project)

    return [
        copy(f"old-{volume}", project, volume, metadata=told(f"old-{volume}"), created="2026-11-20T02:00:00Z"),
        copy(f"new-{volume}", project, volume, metadata=told(f"new-{volume}"), created="2026-11-21T02:00:00Z"),
        copy(f"hand-{volume}", project, volume, created="2026-11-01T02:00:00Z"),
    ]


async def furnish(database: Database) -> None:
    rows, now = invented(), datetime.now(UTC)
    listed = {kind: [r for p in rows.projects for r in rows.in_project(SOURCE, kind, p, now)]
              for kind in ("volume", "snapshot", "quota")}  # fmt: skip
    listed["domain"] = [Resource("domain", "d1", "acme", None, {"state": "enabled"})]
    listed["project"] = [Resource("project", p, f"name-{p}", p, {"state": "enabled", "domain_id": "d1"})
                         for p in rows.projects]  # fmt: skip
    await sync_source(database, SmallCloud(SOURCE, demo=True, rows=listed))
    async with database.begin() as conn:
        await add_person(conn, "bob", "Bob")
        await grant(conn, "bob", Grant("operator"), "test")


async def planned(database: Database) -> Plan:
    policy = told_by_name(POLICY)
    assert policy is not None
    async with database.begin() as conn:
        return (await plan_run(conn, Asked("bob", EVERYTHING, datetime.now(UTC)), policy)).plan


async def begin(database: Database, plan: Plan) -> int:
    """Asked for and confirmed; the number of its job."""
    async with database.begin() as conn:
        done = await submit(conn, plan, Asker("bob", "run it"), Place())
    assert done.request is not None, done.refused
    async with database.begin() as conn:
        decided = await decide(conn, done.request.token, Voter("bob"), "confirm", "", None)
    assert decided.request is not None and decided.request.job_id is not None, decided.refused
    return decided.request.job_id


@dataclass(frozen=True)
class Counted:
    """What the cloud itself holds: copies by volume, how many of them share a key, which invented ones were deleted."""

    made: Counter[str]
    twice: int
    deleted: Counter[str]


async def counted(database: Database) -> Counted:
    async with database.connect() as conn:
        rows = await changed(conn, SOURCE)
    made = [row for row in rows if row.made_at is not None and row.deleted_at is None]
    keys = Counter(read_snapshot(row.attrs["metadata"]).key for row in made)
    deleted = Counter(_kind(row) for row in rows if row.deleted_at is not None)
    return Counted(Counter(row.attrs["volume_id"] for row in made), len(made) - len(keys), deleted)


def _kind(row: DemoObject) -> str:
    return "made" if row.made_at is not None else row.external_id.partition("-")[0]
