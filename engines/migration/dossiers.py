"""What goes out of a migration project: the plan, what it meets at the target, and what the papers are called."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from engines.migration.mappings import Mapped, networks_used, seed_names, seed_networks
from engines.migration.plans import MigrationPlan
from engines.migration.sizing import Preset
from engines.migration.target_reports import TargetReport, compare_target
from engines.migration.targets import UNREACHED, TargetState

_LONGEST_NAME = 60
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


@dataclass(frozen=True, slots=True)
class Dossier:
    """`name` is the project's. `is_plan`: cohorts and waves were asked for; else they are left out of the papers.

    `projects` and `networks` are the mappings, guessed or confirmed. `made_at` None: the papers do not tell.
    """

    plan: MigrationPlan
    target: TargetReport
    projects: tuple[Mapped, ...]
    networks: tuple[Mapped, ...]
    name: str
    made_at: datetime | None = None
    is_plan: bool = True

    @property
    def title(self) -> str:
        return "Migration plan" if self.is_plan else "Migration assessment"

    @property
    def is_target_known(self) -> bool:
        """Whether anything could be read of it, or was said about it."""
        state = self.target.target
        return state != UNREACHED or any(one.target is not None for one in (*self.projects, *self.networks))

    @property
    def file(self) -> str:
        return self.plan.assessment.estate.report.file

    @property
    def export_at(self) -> datetime | None:
        """When the export was made, as it says itself."""
        return self.plan.assessment.around.as_of

    def file_name(self, suffix: str) -> str:
        """`dc1-migration-plan-2026-11-30.pdf`: letters and digits of any script, nothing that leads elsewhere."""
        day = f"-{self.made_at.astimezone(UTC):%Y-%m-%d}" if self.made_at else ""
        return f"{safe_stem(self.name)}-{self.title.lower().replace(' ', '-')}{day}.{suffix}"


def safe_stem(name: str) -> str:
    stem = re.sub(r"[^\w]+|_+", "-", name).strip("-").lower()[:_LONGEST_NAME].strip("-")
    return f"{stem}-" if stem in _DEVICES else stem or "migration"


def dossier_without_target(plan: MigrationPlan, name: str, made_at: datetime | None = None) -> Dossier:
    """Where no target can be asked: nothing is mapped, and its hosts are all counted as new ones."""
    return dossier(plan, name, UNREACHED, made_at=made_at)


def dossier(
    plan: MigrationPlan,
    name: str,
    target: TargetState,
    projects: tuple[Mapped, ...] | None = None,
    networks: tuple[Mapped, ...] | None = None,
    *,
    made_at: datetime | None = None,
    is_plan: bool = True,
    preset: Preset = "balanced",
) -> Dossier:
    """Mappings that are not given are those of nobody's decisions."""
    if projects is None:
        projects = seed_names({one.name: len(one.keys) for one in plan.tenants.tenants}, ())
    if networks is None:
        used = networks_used(plan.assessment.estate, plan.assessment.vms)
        networks = seed_networks(used, target.networks or ())
    report = compare_target(plan, target, projects, networks, preset)
    return Dossier(plan, report, projects, networks, name, made_at, is_plan)
