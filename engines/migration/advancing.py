"""A wave moved on, as a change that is asked for: its plan, and how the wave stands in the database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.migration.lifecycles import (
    VM_STATES,
    Item,
    ItemState,
    Move,
    MoveRefused,
    Progress,
    VmState,
    WaveState,
    advance,
)
from engines.plans import Check, Plan, Step
from storage import migration_waves as rows
from storage.migration_waves import WaveRow

KIND, ACTION = "wave_advance", "migration.wave"


async def progress_of(conn: AsyncConnection, migration_id: int, wave: int = 0) -> dict[int, Progress]:
    """Every wave by its number, without their VMs but for those of `wave`."""
    found = {one.number: await _progress(conn, migration_id, one) for one in await rows.waves(conn, migration_id)}
    if wave in found:
        states = await rows.vm_states(conn, migration_id, wave)
        found[wave] = replace(found[wave], vms={key: vm_state(state) for key, state in states.items()})
    return found


async def _progress(conn: AsyncConnection, migration_id: int, row: WaveRow) -> Progress:
    found = await rows.items(conn, migration_id, row.number)
    items = {name: Item(_item_state(one.state), one.by, one.at, one.evidence) for name, one in found.items()}
    after = tuple(int(number) for number in row.detail.get("after", ()))
    return Progress(row.number, row.name, _wave_state(row.state), items, {}, after, row.changed_by, row.changed_at)


def _wave_state(said: str) -> WaveState:
    known: Mapping[str, WaveState] = {
        "planned": "planned", "confirmed": "confirmed", "running": "running", "complete": "complete",
        "failed": "failed", "held": "held", "cancelled": "cancelled",
    }  # fmt: skip
    return known[said]


def vm_state(said: str) -> VmState:
    """Raises ValueError for what is none."""
    return VM_STATES[VM_STATES.index(said)]


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
    unmet = (f"{spec.title}: {one.item(spec.id).state}" for spec in one.warnings(move))
    warned = (*unmet, *_of_vms(one, move), *_of_others(one, move, waves))
    arguments = {"migration": migration[0], "wave": wave, "move": move, "by": by}
    step = Step("move", ACTION, f"{one.name} is marked", arguments, undo="it goes back to where it was")
    facts = (("migration", migration[1]), ("wave", f"{one.name}, now {one.state}"), ("VMs", counted(one, vms)))
    return Plan(
        KIND, f"{move.capitalize()} {one.name} of {migration[1]}", (), (step,),
        options={"migration": migration[0], "wave": wave, "move": move}, checks=(check,), facts=facts,
        warnings=warned, blast=f"the plan of {vms:,} VM{'s' if vms != 1 else ''}; no VM is touched by it",
    )  # fmt: skip


def counted(one: Progress, vms: int) -> str:
    """ "30: 28 cut over, 2 failed"; the number alone before anything is known of them."""
    found = [(state, sum(known == state for known in one.vms.values())) for state in VM_STATES]
    told = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in found if count)
    return f"{vms:,}" if not told or one.state in ("planned", "confirmed") else f"{vms:,}: {told}"


def _of_others(one: Progress, move: Move, waves: Mapping[int, Progress]) -> tuple[str, ...]:
    """Waves that wait for this one as long as it is set aside."""
    if move not in ("hold", "cancel"):
        return ()
    waiting = [other.name for other in waves.values() if one.wave in other.after and other.state != "complete"]
    return (f"cannot start before it: {', '.join(waiting[:5])}",) if waiting else ()


def _of_vms(one: Progress, move: Move) -> tuple[str, ...]:
    """What completing it says of its VMs."""
    if move == "cancel":
        return ("its VMs are in no wave that comes; build the waves anew, and they are in others",)
    if move == "fail":
        return ("what nobody told of is not counted as cut over; reopen the wave to move it again",)
    if move == "reopen" and one.items:
        return ("its preflight begins anew",)
    if move != "complete":
        return ()
    silent = sum(state == "pending" for state in one.vms.values())
    failed = sum(state == "failed" for state in one.vms.values())
    told = []
    if silent:
        told.append(f"{silent:,} VM{'s' if silent > 1 else ''}, of which nobody told anything, counted as cut over")
    if failed:
        told.append(f"{failed:,} VM{'s' if failed > 1 else ''} failed: in a wave again when the waves are built anew")
    return tuple(told)
