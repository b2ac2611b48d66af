"""Concerns of adapters, addresses, port groups and what they are mapped to."""

from collections.abc import Iterable, Iterator

from engines.migration.concerns.concern import Concern, Seen, on_info
from engines.migration.concerns.surroundings import Surroundings
from engines.migration.records import Nic, Vm

_ADDRESSES = "vNetwork.ipv4|vNetwork.ipv6"


def is_sriov(nic: Nic) -> bool:
    return "sriov" in (nic.adapter or "").casefold().replace("-", "")


def _sriov(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for nic in vm.nics:
        if is_sriov(nic):
            yield Seen("vNetwork", nic.row, "Adapter", str(nic.adapter))


def _passthrough(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    """DirectPath on an ordinary adapter, or memory that is locked without any other reason."""
    for nic in vm.nics:
        if nic.direct_path and not is_sriov(nic):
            yield Seen("vNetwork", nic.row, "Direct Path IO", "True")
    locked = vm.memory is not None and vm.memory.locked
    if locked and vm.memory and (vm.latency or "").casefold() not in ("high", "3") and not any(map(is_sriov, vm.nics)):
        yield Seen("vMemory", vm.memory.row, "Memory Reservation Locked To Max", "True")


def has_address(vm: Vm) -> bool:
    return bool(vm.primary_ip) or any(nic.ipv4 or nic.ipv6 for nic in vm.nics)


def _missing_ip(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    wired = bool(vm.nics) or bool(vm.nic_count) or bool(vm.networks)
    return (on_info(vm, "Primary IP Address", "blank"),) if wired and not has_address(vm) else ()


def _static_ips(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return _missing_ip(vm, around) if around.target.keeps_static_ips else ()


def _nic_without_address(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    if vm.is_on and vm.tools_run:
        for nic in vm.nics:
            if nic.connected is not False and not (nic.ipv4 or nic.ipv6):
                yield Seen("vNetwork", nic.row, "IPv4 Address", f"{nic.label or nic.network or 'adapter'}: blank")


def _unmapped(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    networks, stores = around.target.networks, around.target.datastores
    for nic in vm.nics:
        if networks is not None and nic.network and nic.network not in networks:
            yield Seen("vNetwork", nic.row, "Network", nic.network)
    for disk in vm.disks:
        if stores is not None and disk.datastore and disk.datastore not in stores:
            yield Seen("vDisk", disk.row, "Path", f"[{disk.datastore}]")


def _mac_twice(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for nic in vm.nics:
        mac = (nic.mac or "").casefold()
        if mac and (around.macs.get(mac, 0) > 1 or mac in (around.target.macs or ())):
            where = "at the target" if mac in (around.target.macs or ()) else "in this export"
            yield Seen("vNetwork", nic.row, "Mac Address", f"{nic.mac}: there already {where}")


def _kernel_port(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for nic in vm.nics:
        if (nic.network or "").casefold() in around.kernel_port_groups:
            yield Seen("vNetwork", nic.row, "Network", str(nic.network))


CONCERNS: tuple[Concern, ...] = (
    Concern(
        "vmware.passthrough_device.detected",
        "critical",
        "forklift",
        "a device of the host is likely passed through",
        "remove it; plan a flavor with such a device",
        _passthrough,
        ("vNetwork.direct_path|vMemory.locked",),
        hint=True,
    ),
    Concern(
        "vmware.device.sriov.detected",
        "warning",
        "forklift",
        "an SR-IOV adapter",
        "set it up again at the target",
        _sriov,
        ("vNetwork.adapter",),
    ),
    Concern(
        "vmware.vm_missing_ip.detected",
        "warning",
        "forklift",
        "no addresses of the guest: static ones cannot be kept",
        "note its addresses before it moves",
        _missing_ip,
        (f"{_ADDRESSES}|vInfo.primary_ip",),
    ),
    Concern(
        "plan.static_ip.no_guest_network",
        "warning",
        "plan",
        "its addresses shall be kept, but are not known",
        "start its Tools, or give the addresses by hand",
        _static_ips,
        (f"{_ADDRESSES}|vInfo.primary_ip",),
    ),
    Concern(
        "plan.mapping.missing",
        "critical",
        "plan",
        "a network or datastore without a mapping",
        "map it to one of the target's",
        _unmapped,
        ("target.networks|target.datastores",),
    ),
    Concern(
        "plan.mac.duplicate",
        "critical",
        "plan",
        "a MAC address that is there twice",
        "give one of them a new address",
        _mac_twice,
        ("vNetwork.mac",),
    ),
    Concern(
        "openstack.nic.no_address",
        "warning",
        "openstack",
        "an adapter without an address",
        "look whether it is used, or note its address",
        _nic_without_address,
        (_ADDRESSES,),
    ),
    Concern(
        "openstack.nic.kernel_port_group",
        "warning",
        "openstack",
        "the VM is on a port group of the hosts themselves",
        "find out whether it belongs to the platform",
        _kernel_port,
        ("vSC_VMK.port_group", "vNetwork.network"),
    ),
)
