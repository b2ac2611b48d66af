"""Small RVTools exports to drop into conversations."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.messages import Upload
from tests.engines.migration.books import INFO, info, write_book

MADE = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
_SYSTEM = "OS according to the configuration file"
_HEAD = (*INFO, "Datacenter", "Folder", "Network #1", "CBT")
_DISKS = ("VM", "Powerstate", "Disk", "Capacity MiB", "Raw", "Disk Mode", "Sharing mode", "Thin", "Raw Comp. Mode",
          "Shared Bus", "VM ID", "VI SDK Server")  # fmt: skip


def vm(name: str, number: int, folder: str = "Finance", network: str = "VLAN-120", **more: Any) -> list[Any]:
    return [*info(name, number, **more), "DC1", f"/DC1/vm/{folder}", network, "True"]


def disk(name: str, number: int, size_mib: int = 40_960, *, raw: bool = False) -> list[Any]:
    mode = "physicalMode" if raw else ""
    return [name, "poweredOn", "Hard disk 1", size_mib, str(raw), "persistent", "sharingNone", "True", mode,
            "noSharing", f"vm-{number}", "vc1"]  # fmt: skip


DC1 = [
    vm("fin-web-01", 1),
    vm("fin-erp-db", 2, **{_SYSTEM: "Microsoft Windows Server 2003 (32-bit)"}),
    vm("lab-box-01", 3, "Lab", "VLAN-130"),
    vm("lab-old-01", 4, "Lab", "VLAN-130", **{_SYSTEM: "Microsoft Windows Server 2016 (64-bit)"}),
    vm("fin-template", 5, Template="True"),
]
DISKS = [disk("fin-web-01", 1), disk("fin-erp-db", 2, 204_800, raw=True), disk("lab-box-01", 3),
         disk("lab-old-01", 4)]  # fmt: skip


def export(
    name: str = "RVTools_export_dc1.xlsx",
    rows: list[list[Any]] | None = None,
    made: datetime | None = MADE,
    disks: list[list[Any]] | None = None,
) -> Upload:
    """Without `made` the file does not say when it was made."""
    sheets: dict[str, Any] = {"vInfo": [_HEAD, *(rows or DC1)], "vDisk": [_DISKS, *(DISKS if disks is None else disks)]}
    if made is not None:
        head = ("RVTools version", "RVTools major version", "xlsx creation datetime", "Server")
        sheets["vMetaData"] = [head, ("4.6.1.0", "4.6", made.replace(tzinfo=None), "vc1")]
    with tempfile.TemporaryDirectory() as scratch:
        return Upload(name, write_book(Path(scratch) / "export.xlsx", sheets).read_bytes())
