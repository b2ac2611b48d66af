"""Looking up what a reference means: this run's listings first, then what the database remembers."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from engines.clouds import Resource

Rows = Mapping[str, Sequence[Resource]]
_NOTHING: Rows = MappingProxyType({})
_NONE_GONE: Mapping[str, frozenset[str]] = MappingProxyType({})


class Books:
    """All that is known of one source while its listings are resolved.

    `listed` is this run. `remembered` comes from the database: the living rows of kinds that did not come back
    whole, and single rows that this run points at but does not have (gone since: their names are still right).
    `gone` are the ids, by kind, of remembered rows that are deleted; `whole` the kinds whose listing is complete and
    believed. Of every other kind the remembered rows may be searched too, not only looked up by id.
    """

    def __init__(
        self,
        listed: Rows,
        remembered: Rows = _NOTHING,
        *,
        gone: Mapping[str, frozenset[str]] = _NONE_GONE,
        whole: Iterable[str] = (),
    ) -> None:
        self._listed = listed
        self._remembered = remembered
        self._gone = gone
        self._whole = frozenset(whole)
        self._by_id: dict[str, dict[str, Resource]] = {}
        self._present: dict[str, frozenset[str]] = {}

    def find(self, kind: str, external_id: str | None) -> Resource | None:
        return self._ids(kind).get(external_id) if external_id else None

    def name(self, kind: str, external_id: str | None) -> str | None:
        found = self.find(kind, external_id)
        return found.name if found is not None and found.name else None

    def rows(self, kind: str) -> list[Resource]:
        """What exists now, as far as is known: this run's rows, and the remembered ones of a kind that failed."""
        listed = list(self._listed.get(kind, ()))
        if kind in self._whole:
            return listed
        absent = {resource.external_id for resource in listed} | self._gone.get(kind, frozenset())
        return listed + [r for r in self._remembered.get(kind, ()) if r.external_id not in absent]

    def whole(self, kind: str) -> bool:
        """True when this run has the complete listing: what it lacks does not exist."""
        return kind in self._whole

    def is_gone(self, kind: str, external_id: str) -> bool:
        """True when it is known that the object does not exist any more; False also when nothing is known."""
        if kind in self._whole:
            return external_id not in self._listed_ids(kind)
        return external_id in self._gone.get(kind, frozenset())

    def _listed_ids(self, kind: str) -> frozenset[str]:
        if kind not in self._present:
            self._present[kind] = frozenset(resource.external_id for resource in self._listed.get(kind, ()))
        return self._present[kind]

    def _ids(self, kind: str) -> dict[str, Resource]:
        if kind not in self._by_id:
            index = {resource.external_id: resource for resource in self._remembered.get(kind, ())}
            index.update((resource.external_id, resource) for resource in self._listed.get(kind, ()))
            self._by_id[kind] = index
        return self._by_id[kind]

    @cached_property
    def volumes_of(self) -> Mapping[str, list[tuple[Resource, str | None]]]:
        """{vm id: [(volume, device)]}, by volume id."""
        found: dict[str, list[tuple[Resource, str | None]]] = {}
        for volume in self.rows("volume"):
            for attachment in volume.attrs.get("attachments") or ():
                found.setdefault(attachment["vm_id"], []).append((volume, attachment.get("device")))
        return found

    @cached_property
    def networks_of(self) -> Mapping[tuple[str, str], str]:
        """{(vm id, address): network id}, from the ports."""
        return {
            (port.attrs["parent_id"], ip): port.attrs["network_id"]
            for port in self.rows("port")
            if port.attrs.get("parent_id") and port.attrs.get("network_id")
            for ip in port.attrs.get("ips") or ()
        }

    @cached_property
    def networks_named(self) -> Mapping[tuple[str | None, str], str]:
        """{(project id, name): network id} where that is unique; project None: seen by every project."""
        found: dict[tuple[str | None, str], str | None] = {}
        for network in self.rows("network"):
            open_to_all = network.attrs.get("shared") or network.attrs.get("external")
            for project in {network.project_id, *((None,) if open_to_all else ())}:
                key = (project, network.name)
                found[key] = None if key in found else network.external_id
        return {key: value for key, value in found.items() if value is not None}

    @cached_property
    def flavors_named(self) -> Mapping[str, str]:
        """{name: flavor id}; the cloud keeps flavor names unique."""
        return {flavor.name: flavor.external_id for flavor in self.rows("flavor")}

    @cached_property
    def hosts_named(self) -> Mapping[str, Resource]:
        return {host.name: host for host in self.rows("host")}

    @cached_property
    def vms_on(self) -> Mapping[str, int]:
        """{host: number of VMs}."""
        return _count(vm.attrs.get("host") for vm in self.rows("vm"))

    @cached_property
    def hosts_in(self) -> Mapping[str, int]:
        """{cluster: number of hosts}."""
        return _count(host.attrs.get("cluster") for host in self.rows("host"))

    @cached_property
    def rules_of(self) -> Mapping[str, int]:
        """{security group id: number of rules}."""
        return _count(rule.attrs.get("parent_id") for rule in self.rows("security_group_rule"))

    @cached_property
    def group_of(self) -> Mapping[str, str]:
        """{vm id: name of its server group}; Nova lets a VM be in one."""
        return {
            member: group.name for group in self.rows("server_group") for member in group.attrs.get("member_ids") or ()
        }

    @cached_property
    def cidrs_of(self) -> Mapping[str, list[str]]:
        """{network id: ranges of its subnets}, sorted."""
        found: dict[str, list[str]] = {}
        for subnet in self.rows("subnet"):
            if subnet.attrs.get("parent_id") and subnet.attrs.get("cidr"):
                found.setdefault(subnet.attrs["parent_id"], []).append(subnet.attrs["cidr"])
        return {network: sorted(cidrs) for network, cidrs in found.items()}


def _count(keys: Iterable[str | None]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key in keys:
        if key:
            found[key] = found.get(key, 0) + 1
    return found
