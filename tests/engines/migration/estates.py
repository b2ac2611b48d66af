"""VMs and estates made of records, for what needs no file."""

from collections.abc import Sequence
from typing import Any

from engines.migration.assessment import Assessed, assess
from engines.migration.estate import Estate, ReadReport, SheetReport
from engines.migration.reading.columns import sheet_specs
from engines.migration.records import Disk, Nic, Tools, Vm

GIB = 1024


def vm(name: str = "web-01", number: int = 1, server: str = "vc1", **more: Any) -> Vm:
    """A VM of which all is well, so that a test says only what it is about."""
    fine: dict[str, Any] = {
        "power": "poweredOn",
        "template": False,
        "dns_name": f"{name}.example.test",
        "connection": "connected",
        "guest_state": "running",
        "consolidation": False,
        "cpus": 2,
        "memory_mib": 4 * GIB,
        "nic_count": 1,
        "disk_count": 1,
        "enable_uuid": False,
        "cbt": True,
        "primary_ip": "10.0.0.5",
        "in_use_mib": 20 * GIB,
        "provisioned_mib": 50 * GIB,
        "ft_state": "notConfigured",
        "firmware": "bios",
        "hw_version": 15,
        "cluster": "C1",
        "host": "esx1",
        "datacenter": "DC",
        "os_tools": "Red Hat Enterprise Linux 9 (64-bit)",
        "vm_id": f"vm-{number}",
        "server": server,
        "disks": (disk(),),
        "nics": (nic(number),),
        "tools": Tools(2, "toolsOk"),
    }
    return Vm(row=number + 1, key=(server, f"vm-{number}"), name=name, **{**fine, **more})


def disk(number: int = 1, size_gib: int = 40, **more: Any) -> Disk:
    fine = {
        "label": f"Hard disk {number}",
        "capacity_mib": size_gib * GIB,
        "raw": False,
        "mode": "persistent",
        "sharing": "sharingNone",
        "shared_bus": "noSharing",
        "controller": "VMware paravirtual SCSI",
        "path": f"[ds1] web/web_{number}.vmdk",
    }
    return Disk(row=number + 1, **{**fine, **more})


def nic(number: int = 1, **more: Any) -> Nic:
    fine = {
        "label": "Network adapter 1",
        "adapter": "Vmxnet3",
        "network": "VLAN10",
        "connected": True,
        "mac": f"00:50:56:00:{number >> 8:02x}:{number & 255:02x}",
        "ipv4": ("10.0.0.5",),
    }
    return Nic(row=2, **{**fine, **more})


def complete() -> ReadReport:
    """Of an export with every sheet and column."""
    sheets = tuple(
        SheetReport(spec.name, spec.name, 1, 1, 1, found=tuple(field.name for field in spec.fields))
        for spec in sheet_specs().values()
    )
    return ReadReport("export.xlsx", sheets)


def estate(vms: Sequence[Vm], **more: Any) -> Estate:
    unlike = [replaced(one, index) for index, one in enumerate(vms)]
    return Estate(report=more.pop("report", complete()), vms=tuple(unlike), **more)


def replaced(one: Vm, index: int) -> Vm:
    """A disk's path names the VM's place in the list, so that disks are shared only where a test says so."""
    from dataclasses import replace

    own = tuple(
        replace(d, path=d.path.replace("web/", f"web{index}/")) if d.path and "web/" in d.path else d for d in one.disks
    )
    return replace(one, disks=own)


def assessed(**more: Any) -> Assessed:
    return assess(estate([vm(**more)])).vms[0]
