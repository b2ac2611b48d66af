"""What the inventory knows of where a migration goes, as the engine reckons with it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.people import Principal
from engines.inventory.quotas import usages
from intents.readings import Name
from storage import inventory
from storage import migration_decisions as decisions
from storage.filters import Where
from storage.inventory import Found
from storage.migration_decisions import Mapped as Decided

if TYPE_CHECKING:
    from engines.migration.mappings import Mapped
    from engines.migration.plans import MigrationPlan
    from engines.migration.sizing import Preset
    from engines.migration.target_reports import TargetReport
    from engines.migration.targets import QuotaState, TargetState

_PLATFORM = "openstack"
_QUOTAS = {
    "vms": "instances", "cpu": "cores", "memory_mib": "ram_mib", "volumes": "volumes", "storage_gib": "gigabytes",
    "snapshots": "snapshots", "ports": "ports",
}  # fmt: skip
KINDS = ("flavor", "network", "image", "host", "quota", "project")


class Looker(Protocol):
    """Who looks at the target, and through which connection: a question, or a page."""

    @property
    def conn(self) -> AsyncConnection: ...

    @property
    def who(self) -> Principal: ...


async def held_against_target(
    ask: Looker, id_: int, plan: "MigrationPlan", preset: "Preset" = "balanced", only: Collection[str] | None = None
) -> "TargetReport":
    """The plan of this migration held against the live inventory, or what is in it of some tenants."""
    from engines.migration.target_reports import compare_target

    target = await target_state(ask)
    projects = await projects_mapped(ask, id_, plan)
    networks = await networks_mapped(ask, id_, plan, target)
    return await asyncio.to_thread(compare_target, plan, target, projects, networks, preset, only=only)


async def target_state(ask: Looker) -> "TargetState":
    """As far as the asker sees it: what they may not see is not known, and nothing is said of it."""
    from engines.migration.mappings import Offer
    from engines.migration.targets import FlavorOffer, ImageOffer, TargetHost, TargetState

    found = {kind: await _rows(ask, kind) for kind in ("flavor", "network", "image", "host", "quota")}
    flavors = [
        FlavorOffer(one.external_id, one.name, int(one.value("vcpus")), int(one.value("memory_mib")))
        for one in found["flavor"]
        if one.value("vcpus") and one.value("memory_mib")
    ]
    hosts = [
        TargetHost(
            one.name, int(one.value("vcpus")), int(one.value("memory_mib")), int(one.value("vcpus_used") or 0),
            int(one.value("memory_used_mib") or 0), one.value("enabled") is not False and one.value("state") == "up",
        )
        for one in found["host"]
        if one.value("vcpus") and one.value("memory_mib")
    ]  # fmt: skip
    return TargetState(
        flavors=tuple(flavors) or None,
        networks=tuple(Offer(n.external_id, n.name, str(n.value("segmentation_id") or "")) for n in found["network"])
        or None,
        images=tuple(ImageOffer(i.external_id, i.name, _texts(i.value("properties"))) for i in found["image"]) or None,
        hosts=tuple(hosts) or None,
        quotas={one.external_id: _quota(one) for one in found["quota"]} or None,
    )


async def _rows(ask: Looker, kind: str) -> list[Found]:
    return await inventory.rows(ask.conn, ask.who.scope, Where(kind, platform=_PLATFORM))


def _texts(properties: object) -> Mapping[str, str]:
    return {str(k): str(v) for k, v in properties.items()} if isinstance(properties, Mapping) else {}


def _quota(row: Found) -> "Mapping[str, QuotaState]":
    from engines.migration.targets import QuotaState

    return {_QUOTAS[one.metric]: QuotaState(one.limit, one.used or 0) for one in usages(row) if one.metric in _QUOTAS}


async def projects_mapped(ask: Looker, id_: int, plan: "MigrationPlan") -> "tuple[Mapped, ...]":
    """Tenants to projects: confirmed, else the closest name."""
    from engines.migration.mappings import Offer, seed_names

    used = {one.name: len(one.keys) for one in plan.tenants.tenants}
    offers = [Offer(one.external_id, one.name) for one in await _rows(ask, "project")]
    return seed_names(used, offers, await _decided(ask.conn, id_, "tenant", used))


async def networks_mapped(ask: Looker, id_: int, plan: "MigrationPlan", target: "TargetState") -> "tuple[Mapped, ...]":
    from engines.migration.mappings import networks_used, seed_networks

    used = networks_used(plan.assessment.estate, plan.assessment.vms)
    known = await _decided(ask.conn, id_, "network", {one.name: one.vms for one in used})
    return seed_networks(used, target.networks or (), known)


async def _decided(conn: AsyncConnection, id_: int, kind: str, used: Mapping[str, int]) -> "dict[str, Mapped]":
    """What people confirmed. A target that the inventory does not know is none yet."""
    found = await decisions.mappings(conn, id_, kind)
    return {name: _as_mapped(one, used.get(name, 0)) for name, one in found.items() if one.external_id}


def _as_mapped(one: Decided, vms: int) -> "Mapped":
    from engines.migration.mappings import Mapped, Offer

    offer = Offer(one.external_id, one.target)
    return replace(Mapped(one.name, offer, 100.0, "name", vms), confirmed=True)


async def likely(ask: Looker, id_: int, kind: str, name: str) -> Name | None:
    """What the inventory has that is most like a tenant or network of the export, as a name that was found there."""
    from engines.migration.mappings import NetworkUse, Offer, seed_names, seed_networks

    looked = "project" if kind == "tenant" else "network"
    rows = await _rows(ask, looked)
    found = {one: (count, detail) for one, count, detail in await decisions.sources(ask.conn, id_, kind)}
    count, detail = found.get(name, (0, {}))
    if kind == "tenant":
        (best,) = seed_names({name: count}, [Offer(one.external_id, one.name) for one in rows])
    else:
        offers = [Offer(one.external_id, one.name, str(one.value("segmentation_id") or "")) for one in rows]
        (best,) = seed_networks([NetworkUse(name, tuple(detail.get("vlans", ())), count)], offers)
    known = next((one for one in rows if best.target and one.external_id == best.target.id), None)
    return Name(looked, known.name, known.external_id, source=known.source) if known else None
