"""Will the next runs fit the quota? By project, from the quota of the record and the volumes that will be due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engines.clouds.acting import StorageQuota, Used
from engines.snapshots.gathering import Held
from engines.snapshots.quotas import Wanted, fit
from storage.inventory import Found
from storage.snapshot_coverage import Copies

AHEAD = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One project: `due` copies that the runs of the next day make, of which `replaced` take the place of one that
    expires. `short_*` is what the quota lacks; `known` is False where the cloud does not tell what is used."""

    source: str
    project: str
    project_id: str
    due: int
    replaced: int
    grows_gib: int
    free_gib: int | None
    short_gib: int
    short_count: int
    blocked: int
    known: bool

    @property
    def fits(self) -> bool:
        return not self.blocked


def outlook(
    volumes: Iterable[Held],
    copies: Mapping[tuple[str, str, str], Copies],
    quotas: Sequence[Found],
    now: datetime,
) -> list[Outlook]:
    """The worst first."""
    by_project: dict[tuple[str, str], list[Held]] = {}
    for held in volumes:
        by_project.setdefault((held.facts.source, held.facts.project_id), []).append(held)
    told = {(quota.source, quota.project_id or quota.external_id): quota for quota in quotas}
    found = [_project(key, rows, copies, told.get(key), now) for key, rows in by_project.items()]
    return sorted((one for one in found if one.due), key=lambda one: (-one.short_gib, -one.blocked, one.project))


def _project(
    key: tuple[str, str],
    rows: Sequence[Held],
    copies: Mapping[tuple[str, str, str], Copies],
    quota: Found | None,
    now: datetime,
) -> Outlook:
    wanted: list[Wanted] = []
    due = replaced = 0
    for held in rows:
        for one in held.verdict.under:
            following = one.policy.calendar.next(now)
            if following is None or following - now > AHEAD:
                continue
            due += 1
            have = copies.get((*held.ref, one.policy.name))
            if have is not None and have.count >= one.retention:
                replaced += 1
            else:
                wanted.append(Wanted(f"{held.facts.id} {one.policy.name}", held.facts.size_gib))
    limits = quota_of(quota)
    result = fit(wanted, limits)
    known = quota is not None and not result.unknown
    return Outlook(
        *key[:1], rows[0].facts.project or key[1], key[1], due, replaced, sum(one.size_gib for one in wanted),
        limits.size_gib.free(), result.short_gib, result.short_count, len(result.blocked), known
    )  # fmt: skip


def quota_of(quota: Found | None) -> StorageQuota:
    """As the record has it: no row, or no number, is not told; -1 is no limit."""
    limits = (quota.attrs.get("limits") if quota else None) or {}
    used = (quota.derived.get("used") if quota else None) or {}
    return StorageQuota(_used(limits, used, "snapshots"), _used(limits, used, "storage_gib"))


def _used(limits: Mapping[str, int], used: Mapping[str, int], name: str) -> Used:
    limit = limits.get(name)
    return Used(None if limit is None or limit < 0 else limit, used.get(name))
