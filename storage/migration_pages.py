"""The VMs of a migration a page at a time: filtered, sorted, counted by the database; and one VM whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, and_, case, func, select, text, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.migration_sights import Sight
from storage.migration_tables import migration_dependency, migration_place, migration_vm, migration_wave
from storage.migration_vms import OUT, in_scope, of

Sort = Literal["risk", "name", "tenant", "mode", "os", "vcpus", "memory", "move", "wave"]
Which = Literal["in", "out", "all"]

_V, _P = migration_vm.c, migration_place.c
_COLOUR = case((_V.risk == "red", 0), (_V.risk == "yellow", 1), else_=2)
_SAME = and_(_P.migration_id == _V.migration_id, _P.server == _V.server, _P.vm_key == _V.vm_key)
_PLACED = migration_vm.outerjoin(migration_place, _SAME)
_MOST_NEEDS = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which VMs, in which order. Every field that is set holds; `text` is any part of the name, in whatever case.

    `down` turns the order round: without it the riskiest, the largest and the first by name come first.
    """

    text: str = ""
    risk: str = ""
    mode: str = ""
    tenant: str | None = None  # "" means VMs of no tenant
    family: str = ""
    reason: str = ""
    wave: int | None = None  # 0 means VMs in no wave
    cohort: int | None = None
    which: Which = "in"
    sort: Sort = "risk"
    down: bool = False
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Row:
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
    cohort: int | None
    wave: int | None


@dataclass(frozen=True, slots=True)
class Whole:
    """One VM. `why` says why it is in its wave, `after` names what is moved before it: both name other VMs."""

    row: Row
    priority: int | None
    status: str | None
    networks: Sequence[str]
    job: Sequence[Any]
    detail: Mapping[str, Any]
    why: str
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class WaveCount:
    """A wave with the VMs in scope of it that may be seen. `cohort` 0: it was built without cohorts."""

    number: int
    name: str
    cohort: int
    state: str
    starts_at: datetime | None
    ends_at: datetime | None
    vms: int
    move_mib: int
    green: int
    yellow: int
    red: int


_ROW = [
    OUT.label("left_out") if name == "left_out" else _P[name] if name in ("cohort", "wave") else _V[name]
    for name in Row.__dataclass_fields__
]


def _holds(sight: Sight, wanted: Wanted) -> list[ColumnElement[bool]]:
    id_, only = sight.project.id, sight.only
    found = [in_scope(id_, only) if wanted.which == "in" else of(id_, only)]
    if wanted.which == "out":
        found.append(OUT != "")
    pairs = ((_V.risk, wanted.risk), (_V.mode, wanted.mode), (_V.family, wanted.family), (_V.reason, wanted.reason))
    found += [column == value for column, value in pairs if value]
    if wanted.text:
        folded = func.lower(func.normalize(wanted.text, text("NFKC")))
        found.append(func.strpos(_V.folded, folded) > 0)
    if wanted.tenant is not None:
        found.append(_V.tenant == wanted.tenant)
    if wanted.wave is not None:
        found.append(_P.wave == wanted.wave if wanted.wave else _P.wave.is_(None))
    if wanted.cohort is not None:
        found.append(_P.cohort == wanted.cohort)
    return found


def _table(wanted: Wanted) -> FromClause:
    return migration_vm if wanted.wave is None and wanted.cohort is None else _PLACED


def _order(wanted: Wanted) -> list[ColumnElement[Any]]:
    """Unknown last, whichever way; what is equal stays in one order, so that no row is on two pages."""
    firsts: Mapping[Sort, list[ColumnElement[Any]]] = {
        "risk": [_COLOUR, -_V.score],
        "name": [_V.folded],
        "tenant": [func.nullif(_V.tenant, "")],
        "mode": [_V.mode],
        "os": [_V.os],
        "vcpus": [-_V.vcpus],
        "memory": [-_V.memory_mib],
        "move": [-_V.move_mib],
        "wave": [_P.wave],
    }
    first = [(one.desc() if wanted.down else one.asc()).nulls_last() for one in firsts[wanted.sort]]
    return [*first, _V.folded, _V.server, _V.vm_key]


async def count(conn: AsyncConnection, sight: Sight, wanted: Wanted) -> int:
    query = select(func.count()).select_from(_table(wanted)).where(*_holds(sight, wanted))
    return int((await conn.execute(query)).scalar_one())


async def page(conn: AsyncConnection, sight: Sight, wanted: Wanted) -> list[Row]:
    query = select(*_ROW).select_from(_PLACED).where(*_holds(sight, wanted)).order_by(*_order(wanted))
    return [Row(**row) for row in (await conn.execute(query.limit(wanted.limit).offset(wanted.offset))).mappings()]


async def whole(conn: AsyncConnection, sight: Sight, server: str, vm_key: str) -> Whole | None:
    fields = (_V.priority, _V.status, _V.networks, _V.job, _V.detail, func.coalesce(_P.why, "").label("why"))
    query = select(*_ROW, *fields).select_from(_PLACED).where(of(sight.project.id, sight.only), _V.server == server)
    found = (await conn.execute(query.where(_V.vm_key == vm_key))).mappings().first()
    if found is None:
        return None
    after = await _needs(conn, sight, (server, vm_key))
    row = Row(**{name: found[name] for name in Row.__dataclass_fields__})
    rest = {name: found[name] for name in ("priority", "status", "networks", "job", "detail", "why")}
    one = Whole(row, after=after, **rest)
    return one if sight.is_whole else replace(one, why="")


async def _needs(conn: AsyncConnection, sight: Sight, key: tuple[str, str]) -> list[str]:
    """Names of what is moved before it, as far as they may be seen."""
    d, id_ = migration_dependency.c, sight.project.id
    first = select(d.after_server, d.after_vm_key).where(d.migration_id == id_, d.server == key[0], d.vm_key == key[1])
    query = select(_V.name).where(of(id_, sight.only), tuple_(_V.server, _V.vm_key).in_(first))
    return [str(name) for name in await conn.scalars(query.order_by(_V.name).limit(_MOST_NEEDS))]


async def waves(conn: AsyncConnection, sight: Sight, number: int | None = None) -> list[WaveCount]:
    """All waves, or one; of a migration of which some tenants alone may be seen, those that they are in, by numbers."""
    w = migration_wave.c
    colours = [func.count().filter(_V.risk == one).label(one) for one in ("green", "yellow", "red")]
    sums = (func.count().label("vms"), func.sum(_V.move_mib).label("move_mib"), *colours)
    seen = select(_P.wave, *sums).select_from(migration_vm.join(migration_place, _SAME))
    which = true() if number is None else _P.wave == number
    held = seen.where(in_scope(sight.project.id, sight.only), which).group_by(_P.wave).subquery("held")
    join = migration_wave.join(held, held.c.wave == w.number, isouter=sight.is_whole)
    counted = [func.coalesce(held.c[name], 0).label(name) for name in ("vms", "move_mib", "green", "yellow", "red")]
    plain = (w.number, w.name, w.cohort, w.state, w.starts_at, w.ends_at)
    query = select(*plain, *counted).select_from(join).where(w.migration_id == sight.project.id).order_by(w.number)
    query = query if number is None else query.where(w.number == number)
    found = [WaveCount(**{**row, "move_mib": int(row["move_mib"])}) for row in (await conn.execute(query)).mappings()]
    return found if sight.is_whole else [replace(one, name=f"Wave {one.number}") for one in found]


async def wave_names(conn: AsyncConnection, sight: Sight) -> list[tuple[int, str, int]]:
    """(number, name, cohort) of the same waves, without counting their VMs."""
    if not sight.is_whole:
        return [(one.number, one.name, one.cohort) for one in await waves(conn, sight)]
    w = migration_wave.c
    query = select(w.number, w.name, w.cohort).where(w.migration_id == sight.project.id).order_by(w.number)
    return [(int(row[0]), str(row[1]), int(row[2])) for row in await conn.execute(query)]


async def choices(conn: AsyncConnection, sight: Sight) -> tuple[list[str], list[str]]:
    """Tenants and families of systems that a filter may name, "" for none, those of VMs that are left out too."""
    pairs = (await conn.execute(select(_V.tenant, _V.family).where(of(sight.project.id, sight.only)).distinct())).all()
    tenants, systems = {str(row[0]) for row in pairs}, {str(row[1]) for row in pairs}
    return sorted(tenants, key=lambda one: (not one, one.casefold())), sorted(systems)


async def families(conn: AsyncConnection, sight: Sight) -> list[tuple[str, int]]:
    """Families of systems of VMs in scope, most VMs first."""
    number = func.count()
    query = select(_V.family, number).where(in_scope(sight.project.id, sight.only)).group_by(_V.family)
    return [(str(row[0]), int(row[1])) for row in await conn.execute(query.order_by(number.desc(), _V.family))]


async def decided_at(conn: AsyncConnection, id_: int) -> str:
    """A text that is another one as soon as somebody has decided something about the migration, or sent an export."""
    from storage import migration_tables as t

    tables = (t.migration_override, t.migration_tenant, t.migration_mapping, t.migration_dependency)
    counted = [
        select(func.concat(func.count(), "@", func.max(one.c.at))).where(one.c.migration_id == id_).scalar_subquery()
        for one in tables
    ]
    m = t.migration.c
    query = select(func.concat_ws("|", m.digest, m.version, m.settings.op("->>")("start"), *counted)).where(m.id == id_)
    return str((await conn.execute(query)).scalar_one_or_none())
