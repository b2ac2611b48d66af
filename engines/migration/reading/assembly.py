"""From the sheets of a file to an Estate."""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from engines.migration import records
from engines.migration.estate import ReadReport, SheetReport
from engines.migration.reading.columns import SheetSpec, sheet_specs
from engines.migration.reading.containers import Sheets
from engines.migration.reading.headers import is_other, spec_of
from engines.migration.reading.joining import Draft, Joiner
from engines.migration.reading.limits import Budget, ReadLimits, WorkbookRefused
from engines.migration.reading.private_texts import HIDDEN, holds_secret, safe_text
from engines.migration.reading.tables import Findings, Line, Table
from engines.migration.scope import marks_of

Progress = Callable[[str, int], None]  # the sheet that is done, and its rows

# Where the records of a sheet go in the Estate.
_PLATFORM: dict[str, tuple[str, type]] = {
    "vHost": ("hosts", records.Host),
    "vCluster": ("clusters", records.Cluster),
    "vDatastore": ("datastores", records.Datastore),
    "vRP": ("pools", records.Pool),
    "dvPort": ("port_groups", records.PortGroup),
    "vPort": ("port_groups", records.PortGroup),
    "vNIC": ("host_nics", records.HostNic),
    "vSC_VMK": ("kernel_ports", records.KernelPort),
    "vSource": ("sources", records.Source),
    "vMetaData": ("metadata", records.Metadata),
}
PLATFORM_PARTS = tuple(dict.fromkeys(part for part, _ in _PLATFORM.values()))
_INFO_FIELDS = frozenset(field.name for field in fields(records.Vm))
_MOST_ATTRIBUTES = 64


class Assembly:
    """Reads every sheet once, vInfo first; `vms` then gives the VMs one by one, and `platform` the rest."""

    def __init__(self, name: str, limits: ReadLimits, progress: Progress = lambda sheet, rows: None) -> None:
        self._name = name
        self._budget = Budget(limits)
        self._progress = progress
        self._findings = Findings()
        self._joiner = Joiner()
        self._reports: list[SheetReport] = []
        self._other: list[str] = []
        self._unknown: list[str] = []
        self.platform: dict[str, list[Any]] = {part: [] for part in PLATFORM_PARTS}

    def read(self, sheets: Sheets) -> None:
        """Raises WorkbookRefused when there is no vInfo that names VMs, or a limit is passed."""
        for title, spec in self._in_order(sheets.titles):
            table = Table(spec, title, sheets.rows(title), self._findings, self._budget)
            self._read_table(table)
            self._reports.append(table.report())
            self._progress(spec.name, table.count)
        if self._joiner.id_clashes:
            self._note(
                f"{self._joiner.id_clashes:,} VM ids stand for VMs of different names: the file seems to be merged "
                "from several vCenters without the column VI SDK Server; those VMs are told apart by name"
            )

    def _in_order(self, titles: Sequence[str]) -> list[tuple[str, SheetSpec]]:
        order = list(sheet_specs())
        found: list[tuple[str, SheetSpec]] = []
        for title in titles:
            spec = spec_of(title.rsplit("/", 1)[-1])
            if spec is not None:
                found.append((title, spec))
            else:
                (self._other if is_other(title.rsplit("/", 1)[-1]) else self._unknown).append(
                    title.rsplit("/", 1)[-1].strip()
                )
        if not any(spec.name == "vInfo" for _, spec in found):
            raise WorkbookRefused(
                "there is no sheet vInfo in the file", "export all sheets in RVTools (File, Export all to xlsx)"
            )
        return sorted(found, key=lambda one: order.index(one[1].name.lower()))

    def _read_table(self, table: Table) -> None:
        name = table.spec.name
        if table.header is None:
            if name == "vInfo":
                raise WorkbookRefused(
                    "the sheet vInfo has no row of headers that RVTools writes", "send the export as RVTools made it"
                )
            self._note(f"the sheet {name} has no headers that are known: it is not read")
            return
        if table.header.repeated:
            self._note(f"{name} has columns twice, the first is taken: {', '.join(sorted(set(table.header.repeated)))}")
        place = self._key_place(table)
        if not table.spec.of_vms:
            self._read_platform(table)
            return
        for line in table.lines(place):
            reason = self._joiner.add(line) if name == "vInfo" else self._joiner.attach(name, line)
            if reason:
                self._findings.left_out[reason] += 1
            else:
                table.taken += 1
        if name == "vInfo" and not self._joiner.drafts:
            raise WorkbookRefused("the sheet vInfo has no VMs", "export again from a vCenter that you may read")

    def _key_place(self, table: Table) -> int | None:
        """Column A in place of a key whose header was lost, when nothing else tells whose the rows are."""
        columns = table.header.columns if table.header else {}
        if table.spec.key in columns:
            return None
        if table.spec.name == "vInfo":
            raise WorkbookRefused("the sheet vInfo has no column VM", "send the export as RVTools made it")
        if not table.spec.of_vms or "vm_id" in columns or "vm_uuid" in columns:
            return None
        if table.first_column is not None and self._looks_like_names(table):
            self._note(f"{table.spec.name} has no column VM: column A holds names of VMs, and is taken for it")
            return table.first_column
        self._note(f"{table.spec.name} has no column that says which VM a row is of: its rows are left out")
        return None

    def _looks_like_names(self, table: Table) -> bool:
        cells = table.sample(0)
        known = self._joiner.names()
        return bool(cells) and sum(cell.casefold() in known for cell in cells) * 2 >= len(cells)

    def _read_platform(self, table: Table) -> None:
        part, record = _PLATFORM[table.spec.name]
        rows = self.platform[part]
        for line in table.lines():
            if not line.values[table.spec.key]:
                self._findings.left_out[f"row of {table.spec.name} without a name"] += 1
                continue
            rows.append(record(row=line.row, **line.values))
            table.taken += 1

    def _note(self, text: str) -> None:
        self._findings.notes.append(text)

    def vms(self) -> Iterator[records.Vm]:
        return (_vm(draft) for draft in self._joiner.drain())

    def report(self) -> ReadReport:
        return ReadReport(
            file=self._name,
            sheets=tuple(self._reports),
            left_out=dict(sorted(self._findings.left_out.items())),
            unreadable=self._findings.unread(),
            other_sheets=tuple(self._other),
            unknown_sheets=tuple(self._unknown),
            notes=tuple(self._findings.notes),
        )


def _vm(draft: Draft) -> records.Vm:
    values = dict(draft.line.values)
    note = values.pop("note")
    networks = tuple(found for n in range(1, 9) if (found := values.pop(f"network_{n}")))
    parts = draft.parts
    snapshots = parts.get("vSnapshot", [])
    secrets = _secrets(note, draft.line.attributes, snapshots)
    server = values.pop("server") or values["server_uuid"]
    return records.Vm(
        row=draft.line.row,
        key=draft.key,
        name=values["vm"],
        server=server,
        networks=networks,
        attributes=tuple(_attribute(*one) for one in draft.line.attributes[:_MOST_ATTRIBUTES]),
        marks=marks_of(note),
        secrets=secrets,
        cpu=_single(records.CpuUse, parts.get("vCPU")),
        memory=_single(records.MemoryUse, parts.get("vMemory")),
        tools=_single(records.Tools, parts.get("vTools")),
        disks=tuple(_part(records.Disk, line) for line in parts.get("vDisk", ())),
        partitions=tuple(_part(records.Partition, line) for line in parts.get("vPartition", ())),
        nics=tuple(_nic(line) for line in parts.get("vNetwork", ())),
        snapshots=tuple(_snapshot(line) for line in snapshots),
        devices=tuple(
            _part(records.Device, line, sheet=sheet)
            for sheet in ("vUSB", "vCD", "vFloppy")
            for line in parts.get(sheet, ())
        ),
        **{name: value for name, value in values.items() if name in _INFO_FIELDS},
    )


def _secrets(note: str | None, attributes: Sequence[tuple[str, str]], snapshots: Sequence[Line]) -> tuple[str, ...]:
    """Where something stands that seems to be a password."""
    found = ["vInfo Annotation"] if holds_secret(note) else []
    found += [f"vInfo {title}" for title, value in attributes if holds_secret(f"{title}: {value}")]
    for column in ("name", "description"):
        if any(holds_secret(line.values[column]) for line in snapshots):
            found.append(f"vSnapshot {column.capitalize()}")
    return tuple(found)


def _attribute(title: str, value: str) -> tuple[str, str]:
    """A title may say that the value is a password."""
    hidden = holds_secret(f"{title}: {value}")
    return title, HIDDEN if hidden else safe_text(value) or ""


def _single(record: type[Any], lines: Sequence[Line] | None) -> Any:
    return _part(record, lines[0]) if lines else None


def _part(record: type[Any], line: Line, **more: Any) -> Any:
    known = {name: value for name, value in line.values.items() if name in record.__slots__}
    return record(row=line.row, **known, **more)


def _nic(line: Line) -> records.Nic:
    values = {name: value for name, value in line.values.items() if name in records.Nic.__slots__}
    v4, v6 = _addresses(values.pop("ipv4"), values.pop("ipv6"))
    return records.Nic(row=line.row, ipv4=v4, ipv6=v6, **values)


def _snapshot(line: Line) -> records.Snapshot:
    values = line.values
    return records.Snapshot(line.row, safe_text(values["name"], 80), values["taken_at"], values["size_mib"])


def _addresses(*cells: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """IPv4 and IPv6 of cells that may hold both; without link-local and loopback addresses, each once."""
    v4: dict[str, None] = {}
    v6: dict[str, None] = {}
    for word in " ".join(cell for cell in cells if cell).replace(",", " ").replace(";", " ").split():
        try:
            address = ipaddress.ip_address(word)
        except ValueError:
            continue
        if not (address.is_link_local or address.is_loopback or address.is_unspecified):
            (v4 if address.version == 4 else v6)[address.compressed] = None
    return tuple(v4), tuple(v6)
