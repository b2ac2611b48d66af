"""An Estate as lines of JSON, on its way out of the child that read it: plain data, nothing that runs when loaded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, make_dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from sys import intern
from typing import IO, Any

import orjson

from engines.migration import records
from engines.migration.estate import Estate, ReadReport, SheetReport, Unread
from engines.migration.reading.assembly import PLATFORM_PARTS

_VM: Any = records.Vm
_PLATFORM_RECORDS: dict[str, Any] = {
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
_ONE: dict[str, Any] = {"cpu": records.CpuUse, "memory": records.MemoryUse, "tools": records.Tools}
_MANY: dict[str, Any] = {
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
_BATCH = 250  # lines that are written at one time


Line = str | bytes
_Make = Callable[[list[Any]], Any]


def write(
    out: IO[bytes],
    vms: Iterable[Sequence[Any]],
    platform: dict[str, list[Any]],
    report: ReadReport,
    written: Callable[[int], None] | None = None,
) -> None:
    """First the VMs, a line each, packed already; then everything else on one line.

    `written` is told how many lines more another process may read already.
    """
    coming = iter(vms)
    while lines := [orjson.dumps(vm) for vm in islice(coming, _BATCH)]:
        out.write(b"\n".join(lines) + b"\n")
        if written is not None:
            out.flush()
            written(len(lines))
    rest = {"platform": platform, "report": _report_data(report)}
    out.write(orjson.dumps(rest, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS) + b"\n")


def read(lines: Iterable[Line]) -> Estate:
    """Raises ValueError for what `write` did not write whole."""
    arriving = Arriving()
    arriving.take(lines)
    return arriving.estate()


class Arriving:
    """An Estate whose lines come a few at a time."""

    def __init__(self) -> None:
        self._vms: list[records.Vm] = []
        self._estate: Estate | None = None

    def take(self, lines: Iterable[Line]) -> None:
        make = _maker(_VM)
        for line in lines:
            found = orjson.loads(line)
            if isinstance(found, list):
                self._vms.append(make(found))
                continue
            parts = {
                part: tuple(map(_maker(_PLATFORM_RECORDS[part]), found["platform"][part])) for part in PLATFORM_PARTS
            }
            self._estate = Estate(report=_report(found["report"]), vms=tuple(self._vms), **parts)
            return

    def estate(self) -> Estate:
        """Raises ValueError before the last line has come."""
        if self._estate is None:
            raise ValueError("the lines end too soon")
        return self._estate


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        record: Any = type(value)
        return [getattr(value, name) for name in _slots(record)]
    raise TypeError(type(value).__name__)


@cache
def _slots(record: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


@cache
def _maker(record: Any) -> _Make:
    """What makes a record of its values.

    A frozen one sets its fields one by one through `object.__setattr__`; to make another with the same slots, and to
    let it become that one, takes a fifth of the time.
    """
    open_record = make_dataclass(record.__name__, _slots(record), slots=True, eq=False, repr=False)
    converters = _converters(record)
    shared = tuple(place for place, name in enumerate(_slots(record)) if name in _SHARED)

    def made(values: list[Any]) -> Any:
        for place in shared:
            value = values[place]
            if value is not None:
                values[place] = intern(value)
        for place, convert in converters:
            value = values[place]
            if value is not None:
                values[place] = convert(value)
        found = open_record(*values)
        found.__class__ = record
        return found

    return made


def _converters(record: Any) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    return tuple((place, found) for place, name in enumerate(_slots(record)) if (found := _converter(record, name)))


def _converter(record: Any, name: str) -> Callable[[Any], Any] | None:
    if record is _VM and name in _ONE:
        return _maker(_ONE[name])
    if record is _VM and name in _MANY:
        many = _maker(_MANY[name])
        return lambda rows: tuple([many(values) for values in rows])
    if name == "attributes":
        return lambda rows: tuple([(intern(title), value) for title, value in rows])
    if name in _TIMES:
        return datetime.fromisoformat
    return tuple if name in _TUPLES else None


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
