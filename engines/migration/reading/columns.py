"""The sheets and columns that are read, by the names that RVTools 3.x to 4.7 and its users give them.

A column is found by its title in lower case with blanks collapsed and MB read as MiB, or by its database name
(`vInfoVMName`), which is the title without signs behind the sheet's name; `also` holds what neither rule covers.
"""

from dataclasses import dataclass
from functools import cache

from engines.migration.reading.columns_platform import PLATFORM
from engines.migration.reading.fields import Field, flag, number, text, time


@dataclass(frozen=True, slots=True)
class SheetSpec:
    """`key` is the field without which no row means anything; `of_vms` says that each row belongs to a VM."""

    name: str
    fields: tuple[Field, ...]
    key: str = "vm"
    of_vms: bool = True


_OWNER = (
    text("vm", "VM", "VM Name", "Name"),
    text("folder", "Folder", "Folder Path", "VM Folder"),
    text("vm_id", "VM ID"),
    text("vm_uuid", "VM UUID", "UUID"),
    text("server", "VI SDK Server"),
    text("server_uuid", "VI SDK UUID", "vCenter UUID"),
)

_INFO = SheetSpec(
    "vInfo",
    (
        text("vm", "VM", "VM Name", "Name"),
        text("power", "Powerstate", "Power State"),
        flag("template", "Template"),
        flag("srm", "SRM Placeholder"),
        text("dns_name", "DNS Name", "Guest Hostname", "GuestHostName"),
        text("connection", "Connection state"),
        text("guest_state", "Guest state"),
        flag("consolidation", "Consolidation Needed"),
        flag("suspended_to_memory", "Suspended To Memory"),
        time("created", "Creation date", "CreateDate"),
        number("cpus", "CPUs", "Num CPU", "Num CPUs", "vCPUs"),
        number("memory_mib", "Memory", "Memory MiB"),
        number("active_memory_mib", "Active Memory"),
        number("nic_count", "NICs"),
        number("disk_count", "Disks", "NumVirtualDisks"),
        number("total_disk_mib", "Total disk capacity MiB"),
        text("latency", "Latency Sensitivity"),
        flag("enable_uuid", "EnableUUID", "disk.EnableUUID"),
        flag("cbt", "CBT", "Changed Block Tracking"),
        text("primary_ip", "Primary IP Address"),
        *(Field(f"network_{n}", (f"Network #{n}",), "text") for n in range(1, 9)),
        text("pool", "Resource pool"),
        text("folder", "Folder", "Folder Path", "VM Folder"),
        text("vapp", "vApp", "vApp name"),
        text("ft_state", "FT State"),
        number("provisioned_mib", "Provisioned MiB"),
        number("in_use_mib", "In Use MiB"),
        number("unshared_mib", "Unshared MiB"),
        text("rule", "Cluster rule(s)"),
        text("rule_names", "Cluster rule name(s)"),
        flag("secure_boot", "EFI Secure boot"),
        text("firmware", "Firmware", "Boot Type"),
        number("hw_version", "HW version"),
        text("path", "Path"),
        text("note", "Annotation", "Notes"),
        text("datacenter", "Datacenter"),
        text("cluster", "Cluster", "Cluster Name"),
        text("host", "Host", "ESX Host"),
        text("os_config", "OS according to the configuration file", "OS"),
        text("os_tools", "OS according to the VMware Tools", "OSTools"),
        text("vm_id", "VM ID"),
        text("smbios_uuid", "SMBIOS UUID"),
        text("vm_uuid", "VM UUID", "UUID"),
        text("server", "VI SDK Server"),
        text("server_uuid", "VI SDK UUID", "vCenter UUID"),
    ),
)

# Columns of vInfo that are RVTools' own and not read: what is neither here nor above is a custom attribute or a tag.
INFO_UNREAD = (
    "Config status", "Heartbeat", "PowerOn", "Suspend time", "Suspend Interval", "Change Version",
    "Overall Cpu Readiness", "Fixed Passthru HotPlug", "min Required EVC Mode Key", "Op Notification Timeout",
    "Num Monitors", "Video Ram KiB", "Folder ID", "DAS protection", "FT Role", "FT Latency", "FT Bandwidth",
    "FT Sec. Latency", "Vm Failover In Progress", "HA Restart Priority", "HA Isolation Response", "HA VM Monitoring",
    "Boot Required", "Boot delay", "Boot retry delay", "Boot retry enabled", "Boot BIOS setup", "Reboot PowerOff",
    "HW upgrade status", "HW upgrade policy", "HW target", "Log directory", "Snapshot directory",
    "Suspend directory", "Customization Info", "Guest Detailed Data", "VI SDK Server type", "VI SDK API Version",
    "CPU Usage %", "VMRef",
)  # fmt: skip

VM_SHEETS = (
    _INFO,
    SheetSpec(
        "vCPU",
        (
            *_OWNER,
            number("max_mhz", "Max"),
            number("overall_mhz", "Overall"),
            number("reservation_mhz", "Reservation"),
            number("limit_mhz", "Limit"),
            flag("hot_add", "Hot Add"),
            flag("hot_remove", "Hot Remove"),
        ),
    ),
    SheetSpec(
        "vMemory",
        (
            *_OWNER,
            flag("locked", "Memory Reservation Locked To Max"),
            number("consumed_mib", "Consumed"),
            number("active_mib", "Active"),
            number("swapped_mib", "Swapped"),
            number("ballooned_mib", "Ballooned"),
            number("reservation_mib", "Reservation"),
            number("limit_mib", "Limit"),
            flag("hot_add", "Hot Add"),
        ),
    ),
    SheetSpec(
        "vDisk",
        (
            *_OWNER,
            text("label", "Disk"),
            text("key", "Disk Key"),
            text("uuid", "Disk UUID"),
            number("capacity_mib", "Capacity MiB"),
            flag("raw", "Raw"),
            text("mode", "Disk Mode"),
            text("sharing", "Sharing mode"),
            flag("thin", "Thin"),
            text("controller", "Controller"),
            text("bus", "Label"),
            text("shared_bus", "Shared Bus"),
            text("path", "Path"),
            text("lun", "Raw LUN ID"),
            text("raw_mode", "Raw Comp. Mode", "Raw Com. Mode"),
        ),
    ),
    SheetSpec(
        "vPartition",
        (
            *_OWNER,
            text("key", "Disk Key"),
            text("mount", "Disk"),
            number("capacity_mib", "Capacity MiB"),
            number("consumed_mib", "Consumed MiB"),
            number("free_mib", "Free MiB"),
        ),
    ),
    SheetSpec(
        "vNetwork",
        (
            *_OWNER,
            text("label", "NIC label"),
            text("adapter", "Adapter", "Adapter Type"),
            text("network", "Network", "Portgroup"),
            text("switch", "Switch"),
            flag("connected", "Connected"),
            flag("starts_connected", "Starts Connected"),
            text("mac", "Mac Address"),
            text("ipv4", "IPv4 Address", "IP Address"),
            text("ipv6", "IPv6 Address"),
            flag("direct_path", "Direct Path IO", "DirectPath IO"),
        ),
    ),
    SheetSpec(
        "vSnapshot",
        (
            *_OWNER,
            text("name", "Name", "Snapshot"),
            text("description", "Description"),
            time("taken_at", "Date / time"),
            number("size_mib", "Size MiB (total)"),
        ),
    ),
    SheetSpec("vTools", (*_OWNER, text("state", "Tools"), text("version", "Tools Version"))),
    SheetSpec(
        "vUSB", (*_OWNER, text("node", "Device Node"), text("type", "Device Type"), flag("connected", "Connected"))
    ),
    SheetSpec(
        "vCD", (*_OWNER, text("node", "Device Node"), text("type", "Device Type"), flag("connected", "Connected"))
    ),
    SheetSpec(
        "vFloppy", (*_OWNER, text("node", "Device Node"), text("type", "Device Type"), flag("connected", "Connected"))
    ),
)

PLATFORM_SHEETS = tuple(SheetSpec(name, fields, key, of_vms=False) for name, key, fields in PLATFORM)

# RVTools' other sheets: they hold nothing that a plan needs.
OTHER_SHEETS = ("vHBA", "vSwitch", "dvSwitch", "vMultiPath", "vLicense", "vFileInfo", "vHealth")


@cache
def sheet_specs() -> dict[str, SheetSpec]:
    """By the sheet's name in lower case."""
    return {spec.name.lower(): spec for spec in (*VM_SHEETS, *PLATFORM_SHEETS)}
