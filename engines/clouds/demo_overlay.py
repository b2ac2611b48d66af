"""The invented cloud with what was changed in it: what was made appears, what was deleted goes, quotas count both."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from engines.clouds import Resource
from engines.clouds import demo_present_networks as nets
from engines.clouds import demo_present_ports as net
from engines.clouds import demo_present_storage as storage
from engines.clouds import demo_present_vms as machines
from engines.clouds.demo_present import (
    FLOATING,
    GROUP,
    HOST,
    NETWORK,
    PORT,
    QUOTA,
    SNAPSHOT,
    SUBNET,
    VM,
    VOLUME,
    Overlay,
    Present,
    is_gone,
)
from storage.demo_changes import DemoObject


def quotas(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    more = added(present)
    return [_counted(row, more[row.external_id]) if row.external_id in more else row for row in rows]


def _counted(row: Resource, more: Mapping[str, int]) -> Resource:
    used = {metric: value + more.get(metric, 0) for metric, value in row.derived.get("used", {}).items()}
    return replace(row, derived={**row.derived, "used": used})


def added(present: Present) -> dict[str, Counter[str]]:
    """What each project uses beside what was invented, by metrics of quotas; deleted invented ones count below zero."""
    found: dict[str, Counter[str]] = {}
    for one, use in (*_snapshots(present), *_others(present)):
        found.setdefault(one.project_id, Counter()).update(use)
    return found


Uses = Sequence[tuple[DemoObject, Mapping[str, int]]]


def _snapshots(present: Present) -> Uses:
    objects = present.objects(SNAPSHOT)
    gone = {one.external_id for one in objects.values() if is_gone(one.deleted_at, present.now)}
    invented = {row.external_id: int(row.attrs["size_gib"]) for row in present.invented(SNAPSHOT)} if gone else {}
    found: list[tuple[DemoObject, Mapping[str, int]]] = []
    for id_, one in objects.items():
        if one.made_at is not None and id_ not in gone:
            found.append((one, {"snapshots": 1, "storage_gib": int(one.attrs["size_gib"])}))
        elif one.made_at is None and id_ in gone and id_ in invented:
            found.append((one, {"snapshots": -1, "storage_gib": -invented[id_]}))
    return found


def _others(present: Present) -> Uses:
    volumes = [
        (one, {"volumes": 1, "storage_gib": int(one.attrs["size_gib"])}) for one in storage.made_volumes(present)
    ]
    vms = [
        (one, {"vms": 1, "cpu": int(one.attrs["vcpus"]), "memory_mib": int(one.attrs["memory_mib"])})
        for one in machines.living(present)
    ]
    ports = [
        (one, {"ports": 1 if one.made_at is not None else -1})
        for one in present.objects(PORT).values()
        if (one.made_at is None) != (one.deleted_at is None)
    ]
    made = [(one, {metric: 1}) for kind, metric in ((NETWORK, "networks"), (SUBNET, "subnets"))
            for one in nets.living(present, kind)]  # fmt: skip
    return [*volumes, *vms, *ports, *made]


OVERLAYS: Mapping[str, Overlay] = MappingProxyType(
    {
        SNAPSHOT: storage.snapshots,
        VOLUME: storage.volumes,
        VM: machines.vms,
        GROUP: machines.server_groups,
        HOST: machines.hosts,
        PORT: net.ports,
        FLOATING: net.floating_ips,
        NETWORK: nets.networks,
        SUBNET: nets.subnets,
        QUOTA: quotas,
    }
)


def present_of(invented: Callable[[str], Sequence[Resource]], objects: Sequence[DemoObject], now: datetime) -> Present:
    return Present(invented, objects, now, OVERLAYS)
