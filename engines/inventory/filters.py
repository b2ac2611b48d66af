"""The filters of a question, checked against the kind: what makes no sense for it is an error, never ignored."""

from dataclasses import dataclass, fields
from datetime import datetime

from engines.inventory.kinds import KINDS, Kind
from storage.filters import Ref, Where


class NotApplicableError(ValueError):
    """A filter that was understood but means nothing for the kind."""

    def __init__(self, kind: Kind, name: str, value: str) -> None:
        super().__init__(f"{kind.plural} cannot be filtered by {name.replace('_', ' ')} {value}".rstrip())
        self.kind = kind
        self.name = name


@dataclass(frozen=True, slots=True)
class Filters:
    """Names are resolved already: refs are (source, external id), for hosts and clusters (source, name)."""

    state: str = ""
    platform: str = ""
    project: tuple[Ref, ...] = ()
    domain: tuple[Ref, ...] = ()
    host: tuple[Ref, ...] = ()
    cluster: tuple[Ref, ...] = ()
    network: tuple[Ref, ...] = ()
    os: str = ""
    tag: str = ""
    owner: str = ""
    since: datetime | None = None
    until: datetime | None = None
    vm: tuple[Ref, ...] = ()
    volume: tuple[Ref, ...] = ()


# What people say of one kind is another word of the cloud for the next.
_SAID = {
    ("host", "on"): "up",
    ("host", "off"): "down",
    ("volume", "unused"): "unattached",
    ("volume", "orphaned"): "unattached",
    ("floating_ip", "unattached"): "unused",
    ("floating_ip", "orphaned"): "unused",
    ("floating_ip", "down"): "unused",
    ("port", "unattached"): "unused",
    ("port", "orphaned"): "unused",
    ("network", "off"): "down",
    ("network", "on"): "up",
    ("router", "off"): "down",
    ("router", "on"): "up",
    ("snapshot", "unattached"): "orphaned",
    ("user", "off"): "disabled",
    ("project", "off"): "disabled",
    ("vm", "down"): "off",
}


def where(kind_name: str, filters: Filters) -> Where:
    """The conditions for the tables; raises NotApplicableError for a filter or state that the kind does not have."""
    kind = KINDS[kind_name]
    for name in (f.name for f in fields(filters)):
        value = getattr(filters, name)
        if value and name not in kind.filters:
            raise NotApplicableError(kind, name, value if isinstance(value, str) else "")
    return Where(
        kind=kind_name,
        platform=filters.platform,
        projects=filters.project,
        domains=filters.domain,
        states=_states(kind, filters.state),
        disabled=True if _by_switch(kind, filters.state) else None,
        host=filters.host,
        cluster=filters.cluster,
        os=filters.os,
        tag=filters.tag,
        owner=filters.owner,
        networks=filters.network,
        vms=filters.vm,
        volumes=filters.volume,
        created_since=filters.since,
        created_until=filters.until,
    )


def _by_switch(kind: Kind, state: str) -> bool:
    """A host can be disabled and up at once: its switch counts, not its state."""
    return kind.name == "host" and state == "disabled"


def _states(kind: Kind, said: str) -> tuple[str, ...]:
    if not said or _by_switch(kind, said):
        return ()
    state = _SAID.get((kind.name, said), said)
    if state not in kind.states:
        raise NotApplicableError(kind, "state", state)
    return (state,)
