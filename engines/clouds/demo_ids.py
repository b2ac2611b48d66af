"""Ids and addresses in the demo cloud, in each platform's manner. The same key has the same id at all times."""

from ipaddress import IPv4Address

from engines.clouds.demo_catalogue import NUTANIX, OPENSTACK, VMWARE, Source
from engines.clouds.demo_model import Plan, Vm

_MAC = {OPENSTACK: "fa:16:3e", VMWARE: "00:50:56", NUTANIX: "50:6b:8d"}.__getitem__


class Ids:
    def __init__(self, plan: Plan, source: Source) -> None:
        self._plan = plan
        self._source = source

    def of(self, what: str, key: str) -> str:
        """`what` is the platform's word that VMware puts before its ids: vm, host, datastore."""
        uuid = self._plan.id(f"{self._source}:{what}:{key}")
        return f"{what}-{uuid[:8]}{uuid[9:13]}" if self._source == VMWARE else uuid

    def project(self, number: int) -> str:
        full = self.of("group", f"project:{self._plan.projects[number].name}")
        return full.replace("-", "") if self._source == OPENSTACK else full

    def domain(self, name: str) -> str:
        full = self.of("group", f"domain:{name}")
        return full.replace("-", "") if self._source == OPENSTACK else full

    def network(self, project: int, net: int) -> str:
        return self.of("network", f"{self._plan.projects[project].name}:{net}")

    def public(self) -> str:
        return self.of("network", "public")

    def vm(self, vm: Vm) -> str:
        return self.of("vm", vm.key)

    def user(self, name: str) -> str:
        return self.of("user", name).replace("-", "")

    def mac(self, address: int) -> str:
        """From the last three bytes of the address, which no two of a platform share."""
        tail = f"{address & 0xFFFFFF:06x}"
        return f"{_MAC(self._source)}:{tail[:2]}:{tail[2:4]}:{tail[4:]}"


def ip(address: int) -> str:
    return str(IPv4Address(address))
