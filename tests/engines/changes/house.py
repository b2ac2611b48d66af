"""A small house for changes: a VM with two volumes in acme-prod, and people with and without rights on it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from engines.changes.requests import Asker, Decided, Place, Submitted, Voter, decide, submit
from engines.clouds import Resource
from engines.inventory.collect import sync_source
from engines.plans import Check, Plan, Step, Target
from storage.database import Database
from storage.people import Grant, add_person, grant, link_account
from storage.requests import Request
from tests.bot.world_base import PCD, own, project_id
from tests.engines.inventory.small_cloud import SmallCloud

PROD, DEV = project_id("acme-prod"), project_id("acme-dev")
PEOPLE: dict[str, tuple[Grant, ...]] = {
    "bob": (Grant("operator", PCD, PROD), Grant("operator", PCD, DEV)),
    "carol": (Grant("technical", PCD, PROD),),
    "dave": (Grant("technical", PCD, PROD), Grant("technical", PCD, DEV)),
    "erin": (Grant("admin"),),
    "vic": (Grant("viewer"),),
    "gus": (Grant("admin", PCD, project_id("globex-prod")),),
}
WEB = own("vm", "web-01", "acme-prod", "vm-1", status="ACTIVE", volume_ids=["vol-1"])


def rows() -> dict[str, list[Resource]]:
    return {
        "domain": [Resource("domain", "d-acme", "acme", None, {})],
        "project": [
            Resource("project", project_id(name), name, None, {"domain_id": "d-acme", "enabled": True})
            for name in ("acme-prod", "acme-dev", "globex-prod")
        ],
        "vm": [WEB, own("vm", "dev-01", "acme-dev", "vm-2", status="ACTIVE")],
        "volume": [own("volume", "web-01-data", "acme-prod", "vol-1", size_gib=200, status="in-use",
                       attachments=[{"vm_id": "vm-1", "device": "/dev/vda"}])],
        "snapshot": [own("snapshot", "old", "acme-prod", "snap-1", size_gib=200, parent_id="vol-1")],
    }  # fmt: skip


async def furnish(database: Database) -> SmallCloud:
    cloud = SmallCloud(PCD, "openstack", rows=rows())
    await sync_source(database, cloud)
    async with database.begin() as conn:
        for person, grants in PEOPLE.items():
            await add_person(conn, person, person.capitalize())
            await link_account(conn, "slack", f"T000000001/U{person.upper()}", person)
            for one in grants:
                await grant(conn, person, one, "test")
    return cloud


def plan(kind: str = "vm_reboot", **other: Any) -> Plan:
    """A change of web-01 and its volume, as a planner makes it."""
    volume = Target(PCD, "volume", "vol-1", "web-01-data", PROD, {"size_gib": 200, "snapshots": ["snap-1"]})
    vm = Target(PCD, "vm", "vm-1", "web-01", PROD, {"volume_ids": ["vol-1"]})
    steps = (Step("stop", "vm.stop", "Stop web-01", {"vm": "vm-1"}, undo="start it"),
             Step("start", "vm.start", "Start web-01", {"vm": "vm-1"}))  # fmt: skip
    made = Plan(
        kind, "Reboot web-01", (vm, volume), steps, facts=(("host", "compute-03"),), blast="1 VM of acme-prod (acme)",
        checks=(Check("the VM is on", True),), undo="none is needed", demo=False,
    )  # fmt: skip
    return replace(made, **other)


SLACK = Place("slack", "C1", "slack:T1:C1:1.1")


async def ask(
    database: Database, made: Plan | None = None, by: str = "bob", *, place: Place = SLACK, now: Any = None
) -> Submitted:
    async with database.begin() as conn:
        return await submit(conn, made or plan(), Asker(by, "reboot web-01", f"T1/U{by.upper()}"), place, now)


async def asked(database: Database, made: Plan | None = None, by: str = "bob") -> Request:
    done = await ask(database, made, by)
    assert done.request is not None, done.refused
    return done.request


async def say(
    database: Database, ref: str | int, by: str, verdict: Any = "approve", reason: str = "", *, chat: bool = True,
    now: Any = None,
) -> Decided:  # fmt: skip
    async with database.begin() as conn:
        voter = Voter(by, "slack" if chat else "", "C1" if chat else "", f"T1/U{by.upper()}", chat=chat)
        return await decide(conn, ref, voter, verdict, reason, now)


async def count(database: Database, what: str) -> int:
    """Rows of `job`, or of the audit record with this action."""
    async with database.connect() as conn:
        if what == "job":
            return int((await conn.execute(text("SELECT count(*) FROM job"))).scalar_one())
        found = await conn.execute(text("SELECT count(*) FROM audit WHERE action = :what"), {"what": what})
        return int(found.scalar_one())


async def set_back(database: Database, request: Request, by: timedelta) -> None:
    """As if it had been asked for so much earlier."""
    values = {"by": by, "id": request.id}
    async with database.begin() as conn:
        await conn.execute(text(_REQUEST_BACK), values)
        await conn.execute(text(_JOB_BACK), values)


_REQUEST_BACK = """
    UPDATE request SET created_at = created_at - CAST(:by AS interval), approve_by = approve_by - CAST(:by AS interval),
                       run_by = run_by - CAST(:by AS interval) WHERE id = :id
"""
_JOB_BACK = "UPDATE job SET run_by = run_by - CAST(:by AS interval) WHERE request_id = :id"
