"""The filters of a question: as the catalogue's slots, as conditions on the inventory, and in words."""

from dataclasses import dataclass
from datetime import datetime

from bot.handlers.asking import refs
from bot.naming import JOINT
from engines.inventory.filters import Filters, where
from intents.readings import Name
from storage.filters import Where


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a count or list may be narrowed by: the slots of the catalogue."""

    state: str | None = None
    platform: str | None = None
    project: Name | None = None
    domain: Name | None = None
    host: Name | None = None
    cluster: Name | None = None
    network: Name | None = None
    os: str | None = None
    tag: Name | None = None
    owner: Name | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Belonging:
    """What a list may also be narrowed by: the VM or volume that things belong to."""

    vm: Name | None = None
    volume: Name | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The narrowing of an export: the part of it that has slots of its own there."""

    state: str | None = None
    platform: str | None = None
    project: Name | None = None


def conditions(kind: str, by: Narrowing, of: Belonging | None = None) -> Where:
    """Raises NotApplicableError for what means nothing for the kind, UnknownNameError for a name without an object."""
    of = of or Belonging()
    return where(
        kind,
        Filters(
            state=by.state or "",
            platform=by.platform or "",
            project=refs(by.project),
            domain=refs(by.domain),
            host=refs(by.host),
            cluster=refs(by.cluster),
            network=refs(by.network),
            os=by.os or "",
            tag=by.tag.name if by.tag else "",
            owner=by.owner.name if by.owner else "",
            since=by.since,
            until=by.until,
            vm=refs(of.vm),
            volume=refs(of.volume),
        ),
    )


def sources_of(*names: Name | None) -> frozenset[str]:
    """The sources that an answer is about when it names objects; none: all of them."""
    return frozenset(source for name in names if name is not None for source in name.source.split(JOINT) if source)
