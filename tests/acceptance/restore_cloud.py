"""Restores on the demo cloud by workers of their own, and what became of each, counted in the cloud's own rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engines.clouds import Resource
from engines.clouds.demo_overlay import present_of
from engines.clouds.demo_present import FLOATING, PORT, SNAPSHOT, VM, VOLUME, Present
from engines.plans import Plan
from engines.restore.wishes import House, Mode, Wish
from storage import restore_facts
from storage.database import Database
from storage.demo_changes import changed
from storage.scopes import EVERYTHING
from tests.engines.clouds.demo_place import Place, addresses, floating_ip, port_ids
from tests.engines.clouds.demo_rows import SOURCE
from tests.engines.restore.planned import plan_restore


async def planned(database: Database, number: int, mode: Mode) -> Plan:
    async with database.connect() as conn:
        vm = await restore_facts.vm_of(conn, EVERYTHING, SOURCE, f"vm-{number}")
        assert vm is not None
        house, wish = House(frozenset({"*"})), Wish(mode, safety=mode == "replace")
        return await plan_restore(conn, EVERYTHING, vm, wish, datetime.now(UTC), house, demo=True)


async def present(database: Database, place: Place, number: int) -> Present:
    now, project = datetime.now(UTC), f"p{number}"
    async with database.connect() as conn:
        objects = await changed(conn, SOURCE, project)
    return present_of(lambda kind: place.in_project(SOURCE, kind, project, now), objects, now)


@dataclass(frozen=True)
class Found:
    """What a project holds after a restore."""

    wrong: tuple[str, ...]
    counts: Mapping[str, int]


def judged(now: Present, number: int, mode: Mode, state: str) -> Found:
    """`wrong` says line by line what must never be: a second VM, a lost volume, something left over."""
    made = {kind: [row for row in now.rows(kind) if _is_made(now, kind, row)] for kind in (VM, VOLUME, PORT, SNAPSHOT)}
    wrong = [*_originals(now, number)]
    if state == "done":
        wrong += _done(now, number, mode, made)
    else:
        wrong += _as_before(now, number, made)
    return Found(tuple(wrong), Counter({kind: len(rows) for kind, rows in made.items()}))


def _is_made(now: Present, kind: str, row: Resource) -> bool:
    one = now.objects(kind).get(row.external_id)
    return one is not None and one.made_at is not None and one.deleted_at is None


def _originals(now: Present, number: int) -> list[str]:
    """The original VM and its volumes are there, whatever came of it."""
    wrong = [] if now.one(VM, f"vm-{number}") else ["the original VM is lost"]
    for place in (0, 1):
        row = now.one(VOLUME, f"v{number}-{place}")
        if row is None or row.attrs["attachments"] != [{"vm_id": f"vm-{number}", "device": f"/dev/vd{'ab'[place]}"}]:
            wrong.append(f"volume v{number}-{place} is lost or detached")
        if now.one(SNAPSHOT, f"s{number}-{place}") is None:
            wrong.append(f"snapshot s{number}-{place} is lost")
    return wrong


def _done(now: Present, number: int, mode: Mode, made: Mapping[str, Sequence[Resource]]) -> list[str]:
    if len(made[VM]) != 1:
        return [f"{len(made[VM])} VMs were made"]
    vm, wrong = made[VM][0], []
    if vm.attrs["state"] != "on" or len(vm.attrs["volume_ids"]) != 2:
        wrong.append(f"the new VM is {vm.attrs['state']} with {len(vm.attrs['volume_ids'])} volumes")
    if {row.external_id for row in made[VOLUME]} != set(vm.attrs["volume_ids"]):
        wrong.append(f"{len(made[VOLUME])} volumes were made, the VM has other ones")
    wrong += [
        f"port {row.external_id} is left over" for row in made[PORT] if row.attrs.get("parent_id") != vm.external_id
    ]
    if len(made[SNAPSHOT]) != (2 if mode == "replace" else 0):
        wrong.append(f"{len(made[SNAPSHOT])} safety snapshots")
    told = sorted(str(one["ip"]) for one in vm.attrs["addresses"])
    if mode == "replace":
        wrong += _switched(now, number, vm)
        if told != sorted([*addresses(number), floating_ip(number)]):
            wrong.append(f"the new VM has {told}")
    else:
        wrong += _untouched(now, number)
        if len(told) != 2 or set(told) & {*addresses(number), floating_ip(number)}:
            wrong.append(f"the new VM has {told}")
    return wrong


def _switched(now: Present, number: int, vm: Resource) -> list[str]:
    old: Any = now.one(VM, f"vm-{number}")
    kept = old.attrs["state"] == "off" and old.name.startswith(f"db-{number}-before-") and not old.attrs["addresses"]
    wrong = [] if kept else [f"the original is {old.name}, {old.attrs['state']}, {old.attrs['addresses']}"]
    return wrong if vm.name == f"db-{number}" else [*wrong, f"the new VM is called {vm.name}"]


def _as_before(now: Present, number: int, made: Mapping[str, Sequence[Resource]]) -> list[str]:
    """Nothing that was made is left but a port that the original got in place of one that Nova took away."""
    wrong = [f"{kind} {row.external_id} is left over" for kind, rows in made.items() if kind != PORT for row in rows]
    wrong += [
        f"port {row.external_id} is left over" for row in made[PORT] if row.attrs.get("parent_id") != f"vm-{number}"
    ]
    return wrong + _untouched(now, number)


def _untouched(now: Present, number: int) -> list[str]:
    vm: Any = now.one(VM, f"vm-{number}")
    ips = sorted(str(one["ip"]) for one in vm.attrs["addresses"])
    wrong = []
    if (vm.name, vm.attrs["state"]) != (f"db-{number}", "on"):
        wrong.append(f"the original is {vm.name} and {vm.attrs['state']}")
    if ips != sorted([*addresses(number), floating_ip(number)]):
        wrong.append(f"the original has {ips}")
    held = [row for row in now.rows(PORT) if row.attrs.get("parent_id") == f"vm-{number}"]
    led = now.one(FLOATING, f"fip-{number}")
    if len(held) != 2 or led is None or led.attrs.get("parent_id") not in {row.external_id for row in held}:
        wrong.append(f"the original has {len(held)} ports, and its floating IP leads to {led and led.attrs}")
    if now.one(PORT, port_ids(number)[0]) is None:
        wrong.append("the port that stays is gone")
    return wrong
