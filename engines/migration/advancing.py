"""A wave moved on, as a change that is asked for: its plan, and how the wave stands in the database."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.migration.lifecycles import (
    Item,
    ItemState,
    Move,
    MoveRefused,
    Progress,
    WaveState,
    advance,
)
from engines.plans import Check, Plan, Step
from storage import migration_waves as rows
from storage.migration_waves import WaveRow

KIND, ACTION = "wave_advance", "migration.wave"


async def progress_of(conn: AsyncConnection, migration_id: int) -> dict[int, Progress]:
    """Every wave by its number. VMs have no state of their own here: no agent reports them yet."""
    return {one.number: await _progress(conn, migration_id, one) for one in await rows.waves(conn, migration_id)}


async def _progress(conn: AsyncConnection, migration_id: int, row: WaveRow) -> Progress:
    found = await rows.items(conn, migration_id, row.number)
    items = {name: Item(_item_state(one.state), one.by, one.at, one.evidence) for name, one in found.items()}
    after = tuple(int(number) for number in row.detail.get("after", ()))
    return Progress(row.number, row.name, _wave_state(row.state), items, {}, after, row.changed_by, row.changed_at)


def _wave_state(said: str) -> WaveState:
    known: Mapping[str, WaveState] = {
        "planned": "planned", "confirmed": "confirmed", "running": "running", "complete": "complete",
        "failed": "failed", "cancelled": "cancelled",
    }  # fmt: skip
    return known[said]


def _item_state(said: str) -> ItemState:
    known: Mapping[str, ItemState] = {"pending": "pending", "pass": "pass", "fail": "fail", "skipped": "skipped"}
    return known[said]


def plan(
    migration: tuple[int, str], wave: int, move: Move, waves: Mapping[int, Progress], by: str, now: datetime, vms: int
) -> Plan:
    """What would be done; what stands in the way is a check that has failed."""
    one = waves[wave]
    try:
        after = advance(one, move, by, now, waves)
        check = Check("the wave may be moved on", True, f"{one.state} to {after.state}")
    except MoveRefused as refused:
        check = Check("the wave may be moved on", False, f"{refused.what}; {refused.fix}")
    warned = tuple(f"{spec.title}: {one.item(spec.id).state}" for spec in one.warnings(move))
    arguments = {"migration": migration[0], "wave": wave, "move": move, "by": by}
    step = Step("move", ACTION, f"{one.name} is marked", arguments)
    facts = (("migration", migration[1]), ("wave", f"{one.name}, now {one.state}"), ("VMs", f"{vms:,}"))
    return Plan(
        KIND, f"{move.capitalize()} {one.name} of {migration[1]}", (), (step,),
        options={"migration": migration[0], "wave": wave, "move": move}, checks=(check,), facts=facts,
        warnings=warned, blast=f"the plan of {vms:,} VMs; no VM is touched by it",
    )  # fmt: skip
