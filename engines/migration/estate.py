"""An export as a whole: its VMs, what they run on, and the report of how it was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engines.migration.records import (
    Cluster,
    Datastore,
    Host,
    HostNic,
    KernelPort,
    Metadata,
    Pool,
    PortGroup,
    Source,
    Vm,
)


@dataclass(frozen=True, slots=True)
class SheetReport:
    """How one sheet was read. `rows` are those with anything in them; what of them is not in `taken` has a reason.

    `found`, `missing` and `unfilled` are fields of our records, `unread` the titles of columns that nothing here needs.
    """

    sheet: str
    title: str
    header_row: int = 0
    rows: int = 0
    taken: int = 0
    blank_rows: int = 0
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()  # of `found`: not one row has anything there
    unread: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()  # custom attributes and tags


@dataclass(frozen=True, slots=True)
class Unread:
    """Cells of one column that could not be made sense of; `first_row` is where to look."""

    sheet: str
    column: str
    cells: int
    first_row: int


@dataclass(frozen=True, slots=True)
class ReadReport:
    """What was taken and what was not. `left_out` counts rows by reason; VMs that a plan leaves out are not in it."""

    file: str
    sheets: tuple[SheetReport, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    unreadable: tuple[Unread, ...] = ()
    other_sheets: tuple[str, ...] = ()  # RVTools' own that no plan needs
    unknown_sheets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def has(self, sheet: str, column: str | None = None) -> bool:
        """Whether the sheet is there, and the column on it."""
        return any(one.sheet == sheet and (column is None or column in one.found) for one in self.sheets)

    def rows(self, sheet: str) -> int | None:
        """Rows that were taken; None when there is no such sheet."""
        found = [one.taken for one in self.sheets if one.sheet == sheet]
        return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class Estate:
    """VMs in the order of vInfo; templates and whatever the plan leaves out are among them."""

    report: ReadReport
    vms: tuple[Vm, ...] = ()
    hosts: tuple[Host, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    datastores: tuple[Datastore, ...] = ()
    pools: tuple[Pool, ...] = ()
    port_groups: tuple[PortGroup, ...] = ()
    host_nics: tuple[HostNic, ...] = ()
    kernel_ports: tuple[KernelPort, ...] = ()
    sources: tuple[Source, ...] = ()
    metadata: tuple[Metadata, ...] = ()

    def has(self, sheet: str, column: str | None = None) -> bool:
        return self.report.has(sheet, column)

    @property
    def servers(self) -> tuple[str, ...]:
        """The vCenters, as the VMs name them."""
        return tuple(sorted({vm.server for vm in self.vms if vm.server}))
