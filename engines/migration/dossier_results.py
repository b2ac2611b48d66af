"""A dossier as JSON: the plan's own keys, and what it meets at the target."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engines.migration.dossiers import Dossier
from engines.migration.mappings import Mapped
from engines.migration.results import as_json


def dossier_json(dossier: Dossier, files: Sequence[str]) -> dict[str, Any]:
    """Without cohorts and waves asked for there are none in it. Keys are added, never renamed."""
    report = dossier.target
    found = as_json(dossier.plan, files)
    if not dossier.is_plan:
        found |= {"cohorts": [], "waves": []}
    return found | {
        "target_unknown": list(report.target.unknown),
        "gaps": [asdict(one) for one in report.gaps.gaps],
        "readiness": [
            {
                "tenant": one.tenant,
                "state": one.state,
                "vms": one.vms,
                "checks": [asdict(check) for check in one.checks],
            }
            for one in report.readiness
        ],
        "sizing": asdict(report.sizing),
        "quotas": [asdict(one) for one in report.quotas],
        "networks": [_mapped(one) for one in dossier.networks],
        "projects": [_mapped(one) for one in dossier.projects],
    }


def _mapped(one: Mapped) -> dict[str, Any]:
    return {
        "source": one.source,
        "vms": one.vms,
        "vlan": one.vlan,
        "target": one.target.name if one.target else None,
        "likeness": one.likeness,
        "by": one.by,
        "confirmed": one.confirmed,
    }
