"""A migration project: an export with what people decided about it, as a plan that needs no file."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from engines.migration.assessment import Assessed, Assessment, Override, assess
from engines.migration.bonds import Wishes
from engines.migration.calendars import Calendar
from engines.migration.cohorts import CohortRules
from engines.migration.packing import Limits
from engines.migration.plans import MigrationPlan, Ordering, Settings, make_plan
from engines.migration.reading import wire
from engines.migration.records import Key
from engines.migration.tenants import Tenants, find_tenants
from engines.migration.transfer import Transfer
from engines.migration.waves import WaveRules

DEFAULTS: Mapping[str, Any] = {
    "agents": 4, "link_gbps": 10.0, "from_hour": 8.0, "to_hour": 18.0, "weekdays": [0, 1, 2, 3, 4],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided. `out` are folded names of tenants that are left out; `after` what must be moved first.

    `begun` are VMs of waves that went on, with the reason why they get no other place; `behind` is the last number of
    these waves, and when the last of them ends.
    """

    overrides: Mapping[Key, Override]
    out: frozenset[str] = frozenset()
    after: Mapping[Key, Sequence[Key]] | None = None
    networks: frozenset[str] = frozenset()  # whose target was confirmed
    begun: Mapping[Key, str] = field(default_factory=dict)
    behind: tuple[int, datetime | None] = (0, None)


def settings_for(made_at: datetime | None, now: datetime) -> dict[str, Any]:
    """To be kept with the project: the Monday after the export came in, so that the plan is the same tomorrow."""
    day = max(made_at or now, now).date()
    return {**DEFAULTS, "start": (day + timedelta(days=7 - day.weekday())).isoformat()}


def settings_from(kept: Mapping[str, Any], decisions: Decisions | None = None) -> Settings:
    """Raises ValueError for values that make no sense, PlanRefused among them."""
    start = datetime.combine(date.fromisoformat(kept["start"]), time(), UTC)
    calendar = Calendar(start, kept["from_hour"], kept["to_hour"], frozenset(kept["weekdays"]))
    transfer = Transfer(agents=kept["agents"], topology="dedicated", link_gbps=kept["link_gbps"])
    return Settings(transfer, calendar, ordering=_ordering(kept, decisions))


def _ordering(kept: Mapping[str, Any], decisions: Decisions | None) -> Ordering:
    """Cohorts and waves as they were asked for last; without cohorts the waves are made of everything."""
    cohorts, waves = kept.get("cohorts"), kept.get("waves") or {}
    known = decisions or Decisions({})
    last, ends_at = known.behind
    return Ordering(
        wishes=Wishes(dict(known.after or {}), placed=known.begun),
        cohorts=CohortRules(**cohorts) if cohorts else None,
        waves=WaveRules(waves.get("strategy", "pilot_first"), Limits(vms=waves.get("vms", 30)), first=last + 1),
        confirmed_networks=known.networks,
        wave_starts={last + 1: ends_at} if ends_at else {},
    )


def revive(lines: Iterable[str], platform: str, overrides: Mapping[Key, Override]) -> Assessment:
    """Out of what was kept of an export; takes as long as grading it the first time."""
    return assess(wire.read(chain(lines, (platform,))), overrides)


def tenants_of(assessment: Assessment) -> Tenants:
    """Of everything that the rules take, whatever tenants are left out by people."""
    return find_tenants(assessment.vms)


def plan_of(assessment: Assessment, decisions: Decisions, kept: Mapping[str, Any]) -> MigrationPlan:
    """The plan of what is left when tenants are out. Raises CircleFound and PlanRefused."""
    tenants = tenants_of(assessment)
    scoped = replace(assessment, vms=tuple(_scoped(one, tenants, decisions.out) for one in assessment.vms))
    return make_plan(scoped, settings_from(kept, decisions))


def _scoped(one: Assessed, tenants: Tenants, out: Collection[str]) -> Assessed:
    found = tenants.of.get(one.key)
    is_out = found is not None and found.tenant.casefold() in out and one.in_scope
    return replace(one, left_out="tenant") if is_out else one
