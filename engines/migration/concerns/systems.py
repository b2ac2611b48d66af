"""Concerns of the guest, its firmware and its tools."""

import re
from collections.abc import Iterable, Iterator

from engines.migration.concerns.concern import Concern, Seen, on_info
from engines.migration.concerns.surroundings import Surroundings
from engines.migration.guests import guest_of
from engines.migration.records import Vm

_DNS_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_GPU = re.compile(r"(?<![a-z])v?gpu|(?<![a-z])nvidia|(?<![a-z])grid[-_ ]", re.IGNORECASE)
_WARM_HW = 7  # the first hardware version that tracks changed blocks
_OS = ("vInfo.os_tools|vInfo.os_config",)
_TOOLS = ("vTools.state|vInfo.guest_state", "vInfo.power")


def _os_seen(vm: Vm) -> Seen:
    return on_info(vm, "OS", guest_of(vm.os_tools, vm.os_config).label)


def _not_on_list(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    guest = guest_of(vm.os_tools, vm.os_config)
    return () if guest.mtv else (_os_seen(vm),)


def _not_converted(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (_os_seen(vm),) if guest_of(vm.os_tools, vm.os_config).converts is False else ()


def _out_of_support(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (_os_seen(vm),) if guest_of(vm.os_tools, vm.os_config).out_of_support else ()


def _old_hardware(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    if guest_of(vm.os_tools, vm.os_config).bits == 32:
        yield _os_seen(vm)
    for disk in vm.disks:
        if "buslogic" in (disk.controller or "").casefold():
            yield Seen("vDisk", disk.row, "Controller", str(disk.controller))
    for nic in vm.nics:
        if any(word in (nic.adapter or "").casefold() for word in ("flexible", "pcnet", "vlance")):
            yield Seen("vNetwork", nic.row, "Adapter", str(nic.adapter))


def _tpm_hint(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    guest = guest_of(vm.os_tools, vm.os_config)
    if guest.is_windows and guest.version == "11":
        return (_os_seen(vm),)
    return (on_info(vm, "EFI Secure boot", "True"),) if vm.secure_boot and guest.is_windows else ()


def _no_host_name(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "DNS Name", "blank"),) if not vm.dns_name and vm.tools_run and vm.is_on else ()


def _default_host_name(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    default = (vm.dns_name or "").casefold() in ("localhost.localdomain", "localhost")
    return (on_info(vm, "DNS Name", vm.dns_name),) if default else ()


def _bad_name(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    fits = len(vm.name) <= 63 and _DNS_LABEL.fullmatch(vm.name)
    return () if fits else (on_info(vm, "VM", vm.name),)


def _cbt_off(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return () if vm.cbt else (on_info(vm, "CBT", "off or unknown" if vm.cbt is None else "off"),)


def _warm_cbt_off(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    """CBT that is off can be turned on from hardware version 7 on."""
    if vm.cbt or (vm.hw_version or _WARM_HW) >= _WARM_HW:
        return ()
    return (on_info(vm, "HW version", f"{vm.hw_version}, CBT off"),)


def tools_state(vm: Vm) -> Seen:
    if vm.tools is not None and vm.tools.state:
        return Seen("vTools", vm.tools.row, "Tools", vm.tools.state)
    return on_info(vm, "Guest state", vm.guest_state or "unknown")


def _tools_not_running(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (tools_state(vm),) if vm.is_on and not vm.tools_run else ()


def _suspended(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "Powerstate", vm.power),) if vm.is_suspended else ()


def _secure_boot(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    if (vm.firmware or "").casefold() != "efi":
        return ()
    return (on_info(vm, "Firmware", "efi with secure boot" if vm.secure_boot else "efi"),)


def _gpu_hint(vm: Vm, around: Surroundings) -> Iterable[Seen]:
    return (on_info(vm, "VM", vm.name),) if _GPU.search(vm.name) else ()


def _empty(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    if around.has("vDisk") and around.has("vInfo.disk_count") and not vm.disks and not vm.disk_count:
        yield on_info(vm, "Disks", 0)
    if around.has("vInfo.nic_count") and vm.nic_count == 0 and not vm.nics:
        yield on_info(vm, "NICs", 0)
    for column, value in (("CPUs", vm.cpus), ("Memory", vm.memory_mib)):
        if value is not None and value <= 0:
            yield on_info(vm, column, value)


def _secrets(vm: Vm, around: Surroundings) -> Iterator[Seen]:
    for place in vm.secrets:
        sheet, _, column = place.partition(" ")
        row = vm.row if sheet == "vInfo" or not vm.snapshots else vm.snapshots[0].row
        yield Seen(sheet, row, column, "(not shown)")


CONCERNS: tuple[Concern, ...] = (
    Concern(
        "vmware.changed_block_tracking.disabled",
        "warning",
        "forklift",
        "changed block tracking is off",
        "turn it on before a warm move",
        _cbt_off,
        ("vInfo.cbt",),
    ),
    Concern(
        "vmware.changed_block_tracking.disk.disabled",
        "warning",
        "forklift",
        "changed block tracking is off on one disk",
        "look at the VM's settings: an export says it for the whole VM only",
        None,
    ),
    Concern(
        "vmware.hostname.empty",
        "warning",
        "forklift",
        "the guest's host name is unknown",
        "set it in the guest, or name it in the plan",
        _no_host_name,
        ("vInfo.dns_name", "vInfo.guest_state|vTools.state"),
    ),
    Concern(
        "vmware.hostname.default",
        "warning",
        "forklift",
        "the guest is called localhost",
        "give it a name",
        _default_host_name,
        ("vInfo.dns_name",),
    ),
    Concern(
        "vmware.vm.name.invalid",
        "warning",
        "forklift",
        "the name is no DNS name, or longer than 63 characters",
        "give it a target name",
        _bad_name,
        ("vInfo.vm",),
    ),
    Concern(
        "vmware.os.unsupported",
        "warning",
        "forklift",
        "the guest is not on the migration toolkit's list",
        "test one of its kind first",
        _not_on_list,
        _OS,
    ),
    Concern(
        "vmware.tpm.detected",
        "warning",
        "forklift",
        "a virtual TPM is likely: its content stays behind",
        "ask; have BitLocker's recovery key at hand",
        _tpm_hint,
        _OS,
        hint=True,
    ),
    Concern(
        "plan.warm.cbt_off",
        "critical",
        "plan",
        "a warm move, and no changed block tracking to be had",
        "raise the hardware version, or move it cold",
        _warm_cbt_off,
        ("vInfo.cbt", "vInfo.hw_version"),
        of_mode="warm",
    ),
    Concern(
        "plan.tools.not_running",
        "critical",
        "plan",
        "powered on, and VMware Tools do not run",
        "start or install the Tools, or shut it down and move it cold",
        _tools_not_running,
        _TOOLS,
    ),
    Concern(
        "openstack.guest.not_convertible",
        "critical",
        "openstack",
        "the guest cannot be converted automatically",
        "rebuild it, or prepare it by hand for KVM",
        _not_converted,
        _OS,
    ),
    Concern(
        "openstack.guest.out_of_support",
        "warning",
        "openstack",
        "its maker no longer supports this system",
        "upgrade it, or accept the risk",
        _out_of_support,
        _OS,
    ),
    Concern(
        "openstack.guest.old_hardware",
        "warning",
        "openstack",
        "a 32-bit guest, BusLogic, or a Flexible or PCNet adapter",
        "change the adapter, test the drivers",
        _old_hardware,
        (*_OS,),
    ),
    Concern(
        "openstack.guest.windows_disks",
        "critical",
        "openstack",
        "dynamic system disk, Fast Startup, BitLocker, LUKS by TPM",
        "ask the owner: an export does not say",
        None,
    ),
    Concern(
        "openstack.vm.suspended",
        "critical",
        "openstack",
        "suspended: its memory cannot be moved",
        "resume it and shut it down",
        _suspended,
        ("vInfo.power",),
    ),
    Concern(
        "openstack.firmware.uefi",
        "warning",
        "openstack",
        "UEFI: needs an image with UEFI firmware properties",
        "set hw_firmware_type=uefi, and os_secure_boot where it was on",
        _secure_boot,
        ("vInfo.firmware",),
    ),
    Concern(
        "openstack.vm.encrypted",
        "critical",
        "openstack",
        "virtual TPM or encrypted VM: not portable",
        "ask, and decrypt it first: an export does not say",
        None,
    ),
    Concern(
        "openstack.gpu",
        "critical",
        "openstack",
        "a GPU is likely",
        "have a flavor with a GPU, or leave it out",
        _gpu_hint,
        ("vInfo.vm",),
        hint=True,
    ),
    Concern(
        "openstack.vm.empty",
        "warning",
        "openstack",
        "no disk, no NIC, no CPU or no memory",
        "find out what it is for; most are leftovers",
        _empty,
        ("vInfo.disk_count|vInfo.nic_count|vInfo.cpus",),
    ),
    Concern(
        "openstack.note.password",
        "warning",
        "openstack",
        "a note seems to hold a password",
        "change that password, and take it out of the note",
        _secrets,
        ("vInfo.note|vSnapshot",),
    ),
)
