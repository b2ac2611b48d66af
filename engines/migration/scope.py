"""Which VMs a plan is about, and why the others are left out."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from engines.migration.records import Vm

REASONS: Mapping[str, str] = {
    "template": "a template: rebuild the image at the target",
    "vcls": "a vSphere Cluster Services VM: it belongs to the cluster",
    "srm_placeholder": "an SRM placeholder: the other site's copy",
    "orphaned": "orphaned: its host no longer knows it",
    "inaccessible": "inaccessible: its files cannot be read",
    "invalid": "invalid: its configuration cannot be read",
    "disconnected": "disconnected: its host does not answer",
    "vmware_appliance": "part of VMware itself (vCenter, NSX, vSAN witness and the like)",
    "backup_proxy": "a backup proxy of the old platform",
    "by_hand": "left out by hand",
    "tenant": "its tenant is left out of the plan",
}

_VCLS = re.compile(r"vCLS(?:[-_ (]|$)", re.IGNORECASE)
_APPLIANCE = re.compile(
    r"(?<![a-z0-9])(?:vcsa|vcenter|vc-?server|nsx-?t?-?(?:manager|mgr|edge|controller)?|vsan-?witness|witness-?appliance|"
    r"vrops|vrealize|vrli|vrni|hcx|aria-?(?:ops|operations)|platform-?services-?controller|psc)(?:-?\d{1,3})?(?![a-z0-9])",
    re.IGNORECASE,
)
_PROXY = re.compile(
    r"(?<![a-z0-9])(?:veeam|commvault|avamar|rubrik|cohesity|netbackup|backup)[-_ ]?(?:hotadd[-_ ]?)?"
    r"(?:proxy|vsa)(?:-?\d{1,3})?(?![a-z0-9])",
    re.IGNORECASE,
)
_NOTE_MARKS = (
    ("vcls", re.compile(r"vSphere Cluster Service", re.IGNORECASE)),
    (
        "vmware_appliance",
        re.compile(
            r"VMware (?:vCenter Server|NSX|vSAN Witness|Aria|vRealize|HCX|Cloud Director)[\w ]* Appliance",
            re.IGNORECASE,
        ),
    ),
    ("backup_proxy", re.compile(r"(?:backup|hotadd) proxy", re.IGNORECASE)),
)
_PLACEHOLDER = re.compile(r"(?:^|[/\] _-])srm[-_ ]?placeholder|-placeholder/|placeholder\.vmx", re.IGNORECASE)
_LOST = ("orphaned", "inaccessible", "invalid", "disconnected")


def marks_of(note: str | None) -> tuple[str, ...]:
    """What a note says that a VM is; the only thing of a note that is kept."""
    return tuple(mark for mark, pattern in _NOTE_MARKS if note and pattern.search(note))


def left_out(vm: Vm) -> str | None:
    """The key of REASONS; None for a VM that the plan is about. The first that holds."""
    if vm.template:
        return "template"
    if _VCLS.match(vm.name) or "vcls" in vm.marks:
        return "vcls"
    if vm.srm or (vm.srm is None and not vm.disks and vm.path and _PLACEHOLDER.search(vm.path)):
        return "srm_placeholder"
    connection = (vm.connection or "").casefold()
    if connection in _LOST:
        return connection
    if "vmware_appliance" in vm.marks or _APPLIANCE.search(vm.name):
        return "vmware_appliance"
    return "backup_proxy" if "backup_proxy" in vm.marks or _PROXY.search(vm.name) else None


def count_left_out(vms: Iterable[Vm]) -> dict[str, int]:
    """By reason, in the order of REASONS; only reasons that were met."""
    found = Counter(reason for vm in vms if (reason := left_out(vm)))
    return {reason: found[reason] for reason in REASONS if found[reason]}
