"""All concerns in one order: 29 of the migration toolkit's rules, 14 of its plan controller, 24 of OpenStack."""

from collections.abc import Iterable, Mapping
from functools import cache

from engines.migration.concerns import disks, networks, platforms, systems
from engines.migration.concerns.concern import Concern, Finding
from engines.migration.concerns.surroundings import Surroundings
from engines.migration.records import Vm

CRITICAL_CONCERN = "plan.critical_concern"

_ORIGINS = ("forklift", "plan", "openstack")
_SUM = Concern(CRITICAL_CONCERN, "critical", "plan", "a critical concern of the migration toolkit's rules",
               "see the concern itself", None)  # fmt: skip


@cache
def concerns() -> Mapping[str, Concern]:
    """By id, by origin and then by id. Raises ValueError when an id is there twice."""
    every = (*disks.CONCERNS, *systems.CONCERNS, *networks.CONCERNS, *platforms.CONCERNS, _SUM)
    order = sorted(every, key=lambda one: (_ORIGINS.index(one.origin), one.id))
    found = {one.id: one for one in order}
    if len(found) != len(every):
        raise ValueError("two concerns have one id")
    return found


def not_checked(around: Surroundings) -> tuple[str, ...]:
    """Concerns that this export says nothing about: no risk was found there, and none was looked for."""
    return tuple(one.id for one in concerns().values() if one is not _SUM and not one.is_checked(around))


def checks(around: Surroundings) -> tuple[Concern, ...]:
    """What can be looked for in this export."""
    return tuple(one for one in concerns().values() if one.is_checked(around))


def find(vm: Vm, around: Surroundings, looked_for: Iterable[Concern]) -> tuple[Finding, ...]:
    """Each concern once, with the first place where it shows; those that sum others up come last."""
    found: list[Finding] = []
    blocked = ""
    for concern in looked_for:
        assert concern.find is not None
        for seen in concern.find(vm, around):
            found.append(Finding(concern.id, seen))
            if concern.origin == "forklift" and concern.category == "critical" and not blocked:
                blocked = concern.id
            break
    if blocked:
        first = next(one for one in found if one.concern == blocked)
        found.append(Finding(CRITICAL_CONCERN, first.seen))
    return tuple(found)
