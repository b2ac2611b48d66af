"""What a plan relies on, looked up in the inventory: when it is made, and again when it is decided on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.inventory.kinds import KINDS
from engines.plans import Target
from storage import inventory
from storage.filters import Where
from storage.inventory import Found
from storage.scopes import EVERYTHING

SNAPSHOTS = "snapshots"
"""The one fact that is no field: the ids of the snapshots of a volume or VM, sorted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that is another one than when it was planned; `now` None with field `exists`: it is gone."""

    target: str
    field: str
    planned: Any
    now: Any


async def facts(conn: AsyncConnection, found: Found, names: Collection[str]) -> dict[str, Any]:
    """The state of a target: fields of the inventory by name, as JSON values."""
    told = {name: found.value(name) for name in names if name != SNAPSHOTS}
    if SNAPSHOTS in names:
        told[SNAPSHOTS] = await _snapshots(conn, found)
    return told


async def _snapshots(conn: AsyncConnection, of: Found) -> list[str]:
    of_vm, of_volume = (of.ref,) if of.kind == "vm" else (), (of.ref,) if of.kind != "vm" else ()
    rows = await inventory.rows(conn, EVERYTHING, Where("snapshot", vms=of_vm, volumes=of_volume))
    return sorted(row.external_id for row in rows)


async def differences(conn: AsyncConnection, targets: Collection[Target]) -> list[Difference]:
    """What is not as it was planned, of all targets that the inventory knows."""
    known = [target for target in targets if target.kind in KINDS]
    rows: dict[tuple[str, str, str], Found] = {}
    for kind in {target.kind for target in known}:
        refs = [(t.source, t.external_id) for t in known if t.kind == kind]
        rows |= {(kind, *row.ref): row for row in await inventory.several(conn, EVERYTHING, kind, refs)}
    found: list[Difference] = []
    for target in known:
        found += await _of(conn, target, rows.get((target.kind, target.source, target.external_id)))
    return found


async def _of(conn: AsyncConnection, target: Target, row: Found | None) -> list[Difference]:
    if row is None:
        return [Difference(target.name, "exists", True, None)]
    planned: Mapping[str, Any] = {"name": target.name, "project": target.project_id, **target.state}
    project = target.project_id if row.project_id is None else row.project_id  # a project has none but itself
    now = {"name": row.name, "project": project, **await facts(conn, row, target.state)}
    return [Difference(target.name, name, planned[name], now[name]) for name in planned if planned[name] != now[name]]
