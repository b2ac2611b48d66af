"""Flavors for VMs: exact first, else the least larger one; never a smaller one, and never one that wastes much."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.migration.assessment import Assessed
from engines.migration.targets import FlavorOffer

Shape = tuple[int, int]  # vCPUs, MiB of memory; a VM that does not say has 1 and 1,024


@dataclass(frozen=True, slots=True)
class FlavorChoice:
    """`flavor` None where one has to be made. `vcpus` and `memory_mib` are what the VMs will be given."""

    shape: Shape
    how: Literal["exact", "larger", "make", "unknown"]
    flavor: FlavorOffer | None
    vcpus: int
    memory_mib: int

    @property
    def name(self) -> str:
        return self.flavor.name if self.flavor else f"{self.vcpus} vCPUs, {self.memory_mib / 1024:g} GiB"


def shape_of(one: Assessed) -> Shape:
    return (max(1, one.vm.cpus or 1), max(1, one.vm.memory_mib or 1024))


def choose_flavors(
    vms: Iterable[Assessed], flavors: Sequence[FlavorOffer] | None, most_waste: float = 0.25
) -> Mapping[Shape, FlavorChoice]:
    """One choice a shape. `most_waste`: a flavor that gives more than so much above what is asked for is not taken.

    Flavors that could not be read (None) leave every VM its own shape, as "unknown".
    """
    shapes = sorted({shape_of(one) for one in vms})
    if flavors is None:
        return {shape: FlavorChoice(shape, "unknown", None, *shape) for shape in shapes}
    offers = sorted(flavors, key=lambda one: (one.vcpus, one.memory_mib, one.name, one.id))
    return {shape: _choose(shape, offers, most_waste) for shape in shapes}


def _choose(shape: Shape, offers: Sequence[FlavorOffer], most_waste: float) -> FlavorChoice:
    vcpus, memory = shape
    first = bisect_left(offers, vcpus, key=lambda one: one.vcpus)
    best: tuple[float, FlavorOffer] | None = None
    for offer in offers[first:]:
        if offer.vcpus > vcpus * (1 + most_waste) and best is not None:
            break
        more = max(offer.vcpus / vcpus, offer.memory_mib / memory) - 1
        if offer.memory_mib >= memory and more <= most_waste and (best is None or more < best[0]):
            best = (more, offer)
    if best is None:
        return FlavorChoice(shape, "make", None, vcpus, memory)
    how: Literal["exact", "larger"] = "exact" if best[0] == 0 else "larger"
    return FlavorChoice(shape, how, best[1], best[1].vcpus, best[1].memory_mib)
