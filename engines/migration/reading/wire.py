"""An Estate as lines of JSON, on its way out of the child that read it: plain data, nothing that runs when loaded."""

import json
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import IO, Any, cast

from engines.migration import records
from engines.migration.estate import Estate, ReadReport, SheetReport, Unread
from engines.migration.reading.assembly import PLATFORM_PARTS

_PLATFORM_RECORDS: dict[str, type[Any]] = {
    "hosts": records.Host,
    "clusters": records.Cluster,
    "datastores": records.Datastore,
    "pools": records.Pool,
    "port_groups": records.PortGroup,
    "host_nics": records.HostNic,
    "kernel_ports": records.KernelPort,
    "sources": records.Source,
    "metadata": records.Metadata,
}
_ONE = {"cpu": records.CpuUse, "memory": records.MemoryUse, "tools": records.Tools}
_MANY = {
    "disks": records.Disk,
    "partitions": records.Partition,
    "nics": records.Nic,
    "snapshots": records.Snapshot,
    "devices": records.Device,
}
_TIMES = frozenset({"created", "taken_at"})
_TUPLES = frozenset({"key", "networks", "marks", "secrets", "ipv4", "ipv6"})
# Texts that many records share; keeping one copy of each halves the memory.
_SHARED = frozenset(
    (
        "power", "connection", "guest_state", "pool", "folder", "vapp", "ft_state", "firmware", "datacenter",
        "cluster", "host", "os_config", "os_tools", "server", "server_uuid", "mode", "sharing", "controller",
        "bus", "shared_bus", "adapter", "network", "switch", "label", "state", "version", "sheet", "node",
    )
)  # fmt: skip


def write(out: IO[str], vms: Iterable[list[Any]], platform: dict[str, list[Any]], report: ReadReport) -> None:
    """First the VMs, a line each, packed already; then everything else on one line."""
    for vm in vms:
        out.write(_dumped(vm) + "\n")
    out.write(_dumped({"platform": platform, "report": _report_data(report)}) + "\n")


def read(lines: Iterable[str]) -> Estate:
    """Raises ValueError for what `write` did not write whole."""
    vms: list[records.Vm] = []
    for line in lines:
        found = json.loads(line)
        if isinstance(found, list):
            vms.append(_record(records.Vm, found))
            continue
        parts = {
            part: tuple(_record(_PLATFORM_RECORDS[part], one) for one in found["platform"][part])
            for part in PLATFORM_PARTS
        }
        return Estate(report=_report(found["report"]), vms=tuple(vms), **parts)
    raise ValueError("the lines end too soon")


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value):
        return [getattr(value, name) for name in _slots(cast(Hashable, type(value)))]
    raise TypeError(type(value).__name__)


@cache
def _slots(record: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast(Any, record)))


def _record(record: type[Any], values: list[Any]) -> Any:
    for place, convert in _converters(cast(Hashable, record)):
        if values[place] is not None:
            values[place] = convert(values[place])
    return record(*values)


@cache
def _converters(record: Hashable) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    return tuple((place, found) for place, name in enumerate(_slots(record)) if (found := _converter(record, name)))


def _converter(record: Hashable, name: str) -> Callable[[Any], Any] | None:
    if record is records.Vm and name in _ONE:
        one = _ONE[name]
        return lambda values: _record(one, values)
    if record is records.Vm and name in _MANY:
        many = _MANY[name]
        return lambda rows: tuple(_record(many, values) for values in rows)
    if name == "attributes":
        return lambda rows: tuple((sys.intern(title), value) for title, value in rows)
    if name in _TIMES:
        return datetime.fromisoformat
    if name in _TUPLES:
        return tuple
    return _shared if name in _SHARED else None


def _shared(value: Any) -> Any:
    return sys.intern(value) if type(value) is str else value


def _report_data(report: ReadReport) -> dict[str, Any]:
    return dict(_pairs(report))


def _pairs(report: ReadReport) -> Iterator[tuple[str, Any]]:
    return ((name, getattr(report, name)) for name in _slots(ReadReport))


def _report(found: dict[str, Any]) -> ReadReport:
    return ReadReport(
        file=found["file"],
        sheets=tuple(SheetReport(*map(_tupled, one)) for one in found["sheets"]),
        left_out=found["left_out"],
        unreadable=tuple(Unread(*one) for one in found["unreadable"]),
        other_sheets=tuple(found["other_sheets"]),
        unknown_sheets=tuple(found["unknown_sheets"]),
        notes=tuple(found["notes"]),
    )


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
