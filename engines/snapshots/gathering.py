"""What the record knows, as the pure functions of this room want it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.snapshots.assigning import Assignment, Book, Exclusion, Verdict, decide
from engines.snapshots.policies import Policies, of_custom
from engines.snapshots.rules import Facts, from_json
from storage import snapshot_coverage as kept
from storage import snapshots as said
from storage.filters import Where
from storage.listings import Listed, listings
from storage.scopes import Scope


@dataclass(frozen=True, slots=True)
class Held:
    """A volume of the record with what was decided for it."""

    facts: Facts
    platform: str
    state: str
    known_since: datetime
    verdict: Verdict

    @property
    def ref(self) -> tuple[str, str]:
        return (self.facts.source, self.facts.id)


async def policies(conn: AsyncConnection) -> Policies:
    return of_custom(await said.custom_policies(conn))


async def book(conn: AsyncConnection, now: datetime) -> Book:
    assigned: dict[tuple[str, str, str], list[Assignment]] = {}
    for row in await said.assignments(conn):
        one = Assignment(row.source, row.kind, row.external_id, row.policy, row.state == "on", row.retention, row.by,
                         row.written_at)  # fmt: skip
        assigned.setdefault((row.source, row.kind, row.external_id), []).append(one)
    excluded: dict[tuple[str, str, str], list[Exclusion]] = {}
    for place, reason, until, by in await said.exclusions(conn, now):
        excluded.setdefault(place, []).append(Exclusion(*place, reason, until, by))
    known = await listings(conn, kinds={"volume"})
    return Book(
        await policies(conn),
        tuple(from_json(rule) for rule in await said.rules(conn)),
        {place: tuple(rows) for place, rows in assigned.items()},
        {place: tuple(rows) for place, rows in excluded.items()},
        {one.source: one.complete_at for one in known if one.complete_at is not None},
    )


async def volumes(conn: AsyncConnection, scope: Scope, where: Where, now: datetime) -> list[Held]:
    """The volumes that the scope may see, decided by all that was said, whoever said it."""
    decided_by = await book(conn, now)
    rows = await kept.volumes(conn, scope, where)
    marks = await kept.vm_marks(conn, scope, [(row.source, vm) for row in rows for vm in vm_ids(row.attrs)])
    return [_held(row, marks, decided_by, now) for row in rows]


Marks = Mapping[tuple[str, str], tuple[str, tuple[str, ...]]]


def _held(row: kept.VolumeRow, marks: Marks, decided_by: Book, now: datetime) -> Held:
    facts = _facts(row, marks)
    since = _time(row.created) or row.first_seen
    return Held(facts, row.platform, row.state or "", since, decide(facts, decided_by, now))


def _facts(row: kept.VolumeRow, marks: Marks) -> Facts:
    ids = vm_ids(row.attrs)
    known = [marks[row.source, vm] for vm in ids if (row.source, vm) in marks]
    metadata = row.attrs.get("metadata")
    return Facts(
        row.source,
        row.external_id,
        row.name,
        row.size_gib or 0,
        str(row.attrs.get("volume_type") or ""),
        str(row.derived.get("project") or ""),
        row.project_id or "",
        str(row.derived.get("domain") or ""),
        row.attrs.get("bootable") is True,
        ids,
        tuple(name for name, _ in known),
        frozenset(tag for _, tags in known for tag in tags),
        {str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, Mapping) else {},
    )


def vm_ids(attrs: Mapping[str, Any]) -> tuple[str, ...]:
    """The VMs that a volume is attached to; the first is its parent."""
    held = attrs.get("attachments")
    attached = [one.get("vm_id") for one in held if isinstance(one, Mapping)] if isinstance(held, list) else []
    return tuple(dict.fromkeys(str(vm) for vm in (attrs.get("parent_id"), *attached) if vm))


def _time(iso: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(iso.replace("Z", "+00:00")) if iso else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


async def ages(conn: AsyncConnection) -> dict[str, datetime | None]:
    """By source: when volumes and snapshots were both listed whole; None where one of them never was."""
    known = await listings(conn, kinds={"volume", "snapshot"})
    by_source: dict[str, list[Listed]] = {}
    for one in known:
        by_source.setdefault(one.source, []).append(one)
    return {source: _age(rows) for source, rows in by_source.items()}


def _age(rows: Iterable[Listed]) -> datetime | None:
    times = [one.complete_at for one in rows if one.complete_at is not None]
    return min(times) if len(times) == 2 else None


async def demo_sources(conn: AsyncConnection) -> frozenset[str]:
    return frozenset(one.source for one in await listings(conn, kinds={"volume"}) if one.demo)


def under(held: Sequence[Held], policy: str) -> list[Held]:
    return [one for one in held if one.verdict.of(policy) is not None]
