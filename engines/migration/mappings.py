"""Source names tied to target names: by VLAN, else by the closest name; nothing counts until a person confirms it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, utils

from engines.migration.assessment import Assessed
from engines.migration.estate import Estate

LEAST_LIKE = 60.0  # of 100; below it two names are not alike


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is at the target. `vlan` of a network: its segmentation id, as text."""

    id: str
    name: str
    vlan: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """`target` None: nothing there is like it. `likeness` of 100; `by` is "vlan" or "name"."""

    source: str
    target: Offer | None
    likeness: float
    by: str
    vms: int
    vlan: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """A network of the source with the VLANs of its port groups: several where vCenters or hosts differ."""

    name: str
    vlans: tuple[str, ...]
    vms: int


def networks_used(estate: Estate, vms: Iterable[Assessed]) -> tuple[NetworkUse, ...]:
    """By VMs in scope, most first."""
    used = Counter(name for one in vms if one.in_scope for name in one.vm.network_names)
    vlans: dict[str, dict[str, None]] = {}
    for group in estate.port_groups:
        if group.vlan:
            vlans.setdefault(group.name.casefold(), {})[group.vlan] = None
    found = (NetworkUse(name, tuple(sorted(vlans.get(name.casefold(), ()))), count) for name, count in used.items())
    return tuple(sorted(found, key=lambda one: (-one.vms, one.name)))


def seed_networks(
    used: Sequence[NetworkUse], offers: Sequence[Offer], decided: Mapping[str, Mapped] | None = None
) -> tuple[Mapped, ...]:
    """A network of the same VLAN, else the closest name. What a person confirmed stays."""
    kept = {source: one for source, one in (decided or {}).items() if one.confirmed}
    return tuple(kept.get(one.name) or _network(one, offers) for one in used)


def _network(use: NetworkUse, offers: Sequence[Offer]) -> Mapped:
    vlan = use.vlans[0] if len(use.vlans) == 1 else ""
    same = [offer for offer in offers if vlan and vlan != "0" and offer.vlan == vlan]
    if len(same) == 1:
        return Mapped(use.name, same[0], 100.0, "vlan", use.vms, vlan)
    target, likeness = closest(use.name, same or offers)
    return Mapped(use.name, target, likeness, "name", use.vms, ", ".join(use.vlans))


def seed_names(
    used: Mapping[str, int], offers: Sequence[Offer], decided: Mapping[str, Mapped] | None = None
) -> tuple[Mapped, ...]:
    """Tenants to projects, datastores to volume types: names with their VMs, in their order."""
    kept = {source: one for source, one in (decided or {}).items() if one.confirmed}
    return tuple(kept.get(name) or Mapped(name, *closest(name, offers), "name", vms) for name, vms in used.items())


def closest(name: str, offers: Sequence[Offer]) -> tuple[Offer | None, float]:
    """The offer whose name is most alike, and how much; equal ones by name and id."""
    rated = ((fuzz.WRatio(name, offer.name, processor=utils.default_process), offer) for offer in offers)
    best = min(rated, key=lambda one: (-one[0], one[1].name, one[1].id), default=(0.0, None))
    return (best[1], round(best[0], 1)) if best[0] >= LEAST_LIKE else (None, 0.0)
