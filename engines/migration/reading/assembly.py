"""From the sheets of a file to an Estate."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engines.migration import records
from engines.migration.estate import ReadReport, SheetReport
from engines.migration.reading.columns import SheetSpec, sheet_specs
from engines.migration.reading.containers import Sheets
from engines.migration.reading.headers import is_other, spec_of
from engines.migration.reading.joining import Joiner
from engines.migration.reading.limits import Budget, ReadLimits, WorkbookRefused
from engines.migration.reading.packing import packed
from engines.migration.reading.tables import Findings, Table, part_fields

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
# A row that has none of these cannot be told from a second one of the same kind, so that it is kept.
_TELLING = {
    "vDisk": ("key", "label", "path", "uuid"),
    "vPartition": ("mount",),
    "vNetwork": ("mac", "label"),
    "vSnapshot": ("name", "taken_at"),
    "vUSB": ("node",),
    "vCD": ("node",),
    "vFloppy": ("node",),
}


class Assembly:
    """Reads every sheet once, vInfo first; `vms` then gives the VMs one by one, and `platform` the rest."""

    def __init__(self, name: str, limits: ReadLimits, progress: Progress = lambda sheet, rows: None) -> None:
        self._name = name
        self._budget = Budget(limits)
        self._progress = progress
        self._findings = Findings(self._budget)
        self._joiner = Joiner()
        self._reports: list[SheetReport] = []
        self._other: list[str] = []
        self._unknown: list[str] = []
        self.platform: dict[str, list[Any]] = {part: [] for part in PLATFORM_PARTS}

    def read(self, sheets: Sheets) -> None:
        """Raises WorkbookRefused when there is no vInfo that names VMs, or a limit is passed."""
        wanted = dict(self._in_order(sheets.titles))
        for title, rows in sheets.in_order(list(wanted)):
            spec = wanted[title]
            table = Table(spec, title, rows, self._findings, self._budget)
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
        if name != "vInfo":
            telling = _telling(table.spec)
            for part in table.parts(place):
                self._count(table, self._joiner.attach(table, part, telling))
            return
        for line in table.lines(place):
            self._count(table, self._joiner.add(line))
        if not self._joiner.drafts:
            raise WorkbookRefused("the sheet vInfo has no VMs", "export again from a vCenter that you may read")

    def _count(self, table: Table, reason: str | None) -> None:
        if reason is None:
            table.taken += 1
        else:
            self._findings.left_out[reason] += 1

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

    def vms(self) -> Iterator[Sequence[Any]]:
        """Each as the values of a `Vm` in the order of its fields."""
        return (packed(draft) for draft in self._joiner.drain())

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


def _telling(spec: SheetSpec) -> tuple[int, ...] | None:
    names = [one.name for one in part_fields(spec)]
    return tuple(1 + names.index(name) for name in _TELLING[spec.name]) if spec.name in _TELLING else None
