"""A plan held against the target: flavors, quotas, hosts, gaps, and which tenants are ready."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from engines.migration.bundles import names_of
from engines.migration.flavors import FlavorChoice, Shape, choose_flavors
from engines.migration.gaps import Gaps, Wanted, find_gaps
from engines.migration.mappings import Mapped
from engines.migration.plans import MigrationPlan
from engines.migration.quotas import Place, ProjectQuota, quotas_of
from engines.migration.readiness import Readiness, readiness_of
from engines.migration.sizing import NodeProfile, Preset, Sizing, size_target
from engines.migration.targets import TargetState


@dataclass(frozen=True, slots=True)
class TargetReport:
    target: TargetState
    choices: Mapping[Shape, FlavorChoice]
    quotas: tuple[ProjectQuota, ...]
    sizing: Sizing
    gaps: Gaps
    readiness: tuple[Readiness, ...]


def compare_target(
    plan: MigrationPlan,
    target: TargetState,
    projects: Sequence[Mapped],
    networks: Sequence[Mapped],
    preset: Preset = "balanced",
    profile: NodeProfile | None = None,
    decided: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> TargetReport:
    """Of VMs in scope that are not moved yet. `projects` and `networks` are of `mappings`, seeded or confirmed; a
    project that is a guess is reckoned with, and told of as a gap. With `only` of the VMs of these tenants alone, so
    that nothing in it is made of others."""
    vms = [one for one in plan.assessment.in_scope if one.override.status != "done"]
    tenant_of = names_of(plan.tenants)
    if only is not None:
        vms = [one for one in vms if tenant_of.get(one.key) in only]
    choices = choose_flavors(vms, target.flavors)
    places = {one.source: Place(one.target.id, one.target.name) for one in projects if one.target is not None}
    quotas = quotas_of(vms, tenant_of, places, choices, target.quotas)
    wanted = Wanted(vms, tenant_of, choices, projects, networks, quotas)
    gaps = find_gaps(wanted, target, decided)
    sizing = size_target(vms, plan.assessment.estate, choices, target.hosts, preset, profile)
    return TargetReport(target, choices, quotas, sizing, gaps, readiness_of(wanted, target, gaps))
