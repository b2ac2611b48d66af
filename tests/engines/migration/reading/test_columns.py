"""What is declared as a column has its place in a record, and the other way round."""

from dataclasses import fields

import pytest

from engines.migration import records
from engines.migration.reading.assembly import _PLATFORM
from engines.migration.reading.columns import VM_SHEETS, sheet_specs

_PARTS = {
    "vCPU": records.CpuUse, "vMemory": records.MemoryUse, "vDisk": records.Disk, "vPartition": records.Partition,
    "vNetwork": records.Nic, "vTools": records.Tools, "vUSB": records.Device, "vCD": records.Device,
    "vFloppy": records.Device,
}  # fmt: skip
_OWNER = {"vm", "folder", "vm_id", "vm_uuid", "server", "server_uuid"}


@pytest.mark.parametrize("sheet", _PARTS)
def test_every_column_of_a_part_has_its_field(sheet: str) -> None:
    declared = {field.name for field in sheet_specs()[sheet.lower()].fields} - _OWNER
    assert declared == {field.name for field in fields(_PARTS[sheet])} - {"row", "sheet"}


@pytest.mark.parametrize("sheet", _PLATFORM)
def test_every_column_of_a_platform_sheet_has_its_field(sheet: str) -> None:
    declared = {field.name for field in sheet_specs()[sheet.lower()].fields}
    assert declared == {field.name for field in fields(_PLATFORM[sheet][1])} - {"row"}


def test_no_sheet_declares_a_field_twice() -> None:
    for spec in VM_SHEETS:
        names = [field.name for field in spec.fields]
        assert len(names) == len(set(names)) and spec.key in names
