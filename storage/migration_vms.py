"""The VMs of a migration: counted, listed, explained."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import json_value
from storage.migration_tables import migration_place, migration_tenant, migration_vm, migration_wave

_V = migration_vm.c
_LAST_WAVE = 1_000_000
Only = Collection[str] | None
"""Tenants whose VMs alone are looked at, as the export spells them; None: all VMs, those of no tenant too."""


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which VMs: every field that is set holds. `families` are families of systems; None is any."""

    risk: str | None = None
    mode: str | None = None
    tenant: str | None = None
    families: Collection[str] | None = None
    wave: int | None = None
    cohort: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Of VMs in scope. `left_out` has the others by the reason; `tenant` is the reason of a tenant that is out."""

    vms: int
    move_mib: int
    capacity_mib: int
    risk: Mapping[str, int]
    mode: Mapping[str, int]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TenantCount:
    """`name` "" counts VMs for which no tenant was found."""

    name: str
    vms: int
    vcpus: int
    memory_mib: int
    move_mib: int
    green: int
    yellow: int
    red: int
    warm: int
    is_out: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    server: str
    vm_key: str
    name: str
    tenant: str
    risk: str
    score: int
    reason: str
    mode: str
    os: str
    left_out: str
    vcpus: int | None
    memory_mib: int | None
    capacity_mib: int | None
    move_mib: int
    detail: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return (self.server, self.vm_key)


def _tenant_is_out() -> ColumnElement[bool]:
    t = migration_tenant.c
    return exists().where(
        t.migration_id == _V.migration_id, func.lower(t.tenant) == func.lower(_V.tenant), t.take.is_(False),
        _V.tenant != "",
    )  # fmt: skip


OUT = case((_V.left_out != "", _V.left_out), (_tenant_is_out(), "tenant"), else_="")


def of(id_: int, only: Only = None) -> ColumnElement[bool]:
    """The VMs of a migration, or of some of its tenants."""
    return (
        _V.migration_id == id_ if only is None else and_(_V.migration_id == id_, _V.tenant.in_(only), _V.tenant != "")
    )


def in_scope(id_: int, only: Only = None) -> ColumnElement[bool]:
    return and_(of(id_, only), _V.left_out == "", ~_tenant_is_out())


async def counts(conn: AsyncConnection, id_: int, only: Only = None) -> Counts:
    fields = (OUT.label("out"), _V.risk, _V.mode, _V.move_mib, _V.capacity_mib)
    one = select(*fields).where(of(id_, only)).subquery().c
    sums = (func.count(), func.sum(one.move_mib), func.sum(func.coalesce(one.capacity_mib, 0)))
    query = select(one.out, one.risk, one.mode, *sums).group_by(one.out, one.risk, one.mode)
    risk, mode = dict.fromkeys(("green", "yellow", "red"), 0), dict.fromkeys(("warm", "cold"), 0)
    out: dict[str, int] = {}
    vms = move = capacity = 0
    for left_out, colour, way, count, moves, holds in await conn.execute(query):
        if left_out:
            out[left_out] = out.get(left_out, 0) + count
            continue
        risk[colour] += count
        mode[way] += count
        vms, move, capacity = vms + count, move + int(moves or 0), capacity + int(holds or 0)
    return Counts(vms, move, capacity, risk, mode, dict(sorted(out.items(), key=lambda one: (-one[1], one[0]))))


async def tenants(conn: AsyncConnection, id_: int, only: Only = None) -> list[TenantCount]:
    """Those that are out too; the largest first, VMs without a tenant last."""
    t = migration_tenant.c
    sums = [
        func.count().label("vms"), func.sum(func.coalesce(_V.vcpus, 0)), func.sum(func.coalesce(_V.memory_mib, 0)),
        func.sum(_V.move_mib), *(func.count().filter(_V.risk == one) for one in ("green", "yellow", "red")),
        func.count().filter(_V.mode == "warm"),
    ]  # fmt: skip
    query = select(_V.tenant, *sums).where(of(id_, only), _V.left_out == "").group_by(_V.tenant)
    said = {
        str(row[0]).lower(): (not row[1], str(row[2]))
        for row in await conn.execute(select(t.tenant, t.take, t.reason).where(t.migration_id == id_))
    }
    found = []
    for row in await conn.execute(query):
        is_out, reason = said.get(str(row[0]).lower(), (False, "")) if row[0] else (False, "")
        vms, vcpus, memory, move, green, yellow, red, warm = (int(number or 0) for number in row[1:])
        found.append(TenantCount(str(row[0]), vms, vcpus, memory, move, green, yellow, red, warm, is_out, reason))
    return sorted(found, key=lambda one: (not one.name, -one.vms, one.name))


async def reasons(conn: AsyncConnection, id_: int, risk: str, limit: int, only: Only = None) -> list[tuple[str, int]]:
    """The weightiest things behind VMs of a risk, most first."""
    query = (
        select(_V.reason, func.count().label("vms"))
        .where(in_scope(id_, only), _V.risk == risk)
        .group_by(_V.reason)
        .order_by(func.count().desc(), _V.reason)
        .limit(limit)
    )
    return [(str(row[0]), int(row[1])) for row in await conn.execute(query)]


def _lines(id_: int, only: Only, *, with_detail: bool) -> Select[Any]:
    plain = [OUT.label("left_out") if n == "left_out" else _V[n] for n in Line.__dataclass_fields__ if n != "detail"]
    return select(*plain, *((_V.detail,) if with_detail else ())).where(of(id_, only))


async def listed(
    conn: AsyncConnection, id_: int, narrow: Narrow, limit: int, only: Only = None
) -> tuple[list[Line], int]:
    """VMs in scope, the riskiest first; and how many there are in all."""
    holds = [in_scope(id_, only)]
    for column, value in ((_V.risk, narrow.risk), (_V.mode, narrow.mode)):
        if value is not None:
            holds.append(column == value)
    if narrow.tenant is not None:
        holds.append(func.lower(_V.tenant) == narrow.tenant.lower())
    if narrow.families is not None:
        holds.append(_V.family.in_(narrow.families))
    holds += _placed(narrow)
    total = (await conn.execute(select(func.count()).select_from(migration_vm).where(*holds))).scalar_one()
    ranked = case((_V.risk == "red", 0), (_V.risk == "yellow", 1), else_=2)
    query = _lines(id_, only, with_detail=False).where(*holds)
    query = query.order_by(ranked, _V.score.desc(), _V.name, _V.server, _V.vm_key).limit(limit)
    return [Line(**row, detail={}) for row in (await conn.execute(query)).mappings()], int(total)


def _placed(narrow: Narrow) -> list[ColumnElement[bool]]:
    p = migration_place.c
    same = and_(p.migration_id == _V.migration_id, p.server == _V.server, p.vm_key == _V.vm_key)
    found: list[ColumnElement[bool]] = []
    if narrow.wave is not None:
        found.append(exists().where(same, p.wave == narrow.wave))
    if narrow.cohort is not None:
        found.append(exists().where(same, p.cohort == narrow.cohort))
    return found


async def named(conn: AsyncConnection, id_: int, name: str, only: Only = None) -> list[Line]:
    """All VMs of a name, in whatever case: two vCenters may have one each. Those left out too."""
    query = _lines(id_, only, with_detail=True).where(_V.folded == func.lower(name))
    query = query.order_by(_V.server, _V.vm_key).limit(20)
    return [Line(**row) for row in (await conn.execute(query)).mappings()]


async def names(conn: AsyncConnection, id_: int, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    query = select(_V.server, _V.vm_key, _V.name).where(
        _V.migration_id == id_, tuple_(_V.server, _V.vm_key).in_(list(keys))
    )
    return {(row[0], row[1]): str(row[2]) for row in await conn.execute(query)}


def _is_aside(place: Any) -> ColumnElement[bool]:
    """In a wave that is on hold, or cancelled."""
    w = migration_wave.c
    return exists().where(
        w.migration_id == place.migration_id, w.number == place.wave, w.state.in_(("held", "cancelled"))
    )


async def jobs(
    conn: AsyncConnection, id_: int, one: tuple[str, str] | None = None, only: Only = None
) -> Sequence[tuple[tuple[str, str], str, str, Sequence[Any], int]]:
    """(key, name, mode, job, wave) of VMs in scope that are not done, cut over or held, nor in a wave that is, in the
    order of their moves.

    What is in no wave comes after those that are, all as one. `one`: that VM alone.
    """
    colour = case((_V.risk == "green", 0), (_V.risk == "yellow", 1), else_=2)
    p = migration_place.c
    same = and_(p.migration_id == _V.migration_id, p.server == _V.server, p.vm_key == _V.vm_key)
    wave = func.coalesce(p.wave, _LAST_WAVE).label("wave")
    query = (
        select(_V.server, _V.vm_key, _V.name, _V.mode, _V.job, wave)
        .select_from(migration_vm.outerjoin(migration_place, same))
        .where(
            in_scope(id_, only),
            ~_is_aside(p),
            func.coalesce(_V.status, "").not_in(("done", "hold")),
            func.coalesce(p.state, "").not_in(("cut_over", "skipped")),
        )
        .order_by(wave, _V.priority.nulls_last(), colour, _V.score, _V.move_mib, _V.server, _V.vm_key)
    )
    if one is not None:
        query = query.where(_V.server == one[0], _V.vm_key == one[1])
    return [((row[0], row[1]), row[2], row[3], row[4], row[5]) for row in await conn.execute(query)]


async def regrade(conn: AsyncConnection, id_: int, key: tuple[str, str], graded: Mapping[str, Any]) -> None:
    """Columns of one VM after something was decided about it."""
    values = {name: json_value(value) if name in ("detail", "job") else value for name, value in graded.items()}
    which = (_V.migration_id == id_, _V.server == key[0], _V.vm_key == key[1])
    await conn.execute(update(migration_vm).where(*which).values(**values))
