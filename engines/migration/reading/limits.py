"""How much a file may ask of us, and the answer to one that asks for more."""

from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1024 * 1024


class WorkbookRefused(Exception):  # noqa: N818 - an answer to a file, not a fault of the program
    """A file that is not read; `what` and `fix` are one line each and hold nothing out of its cells."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The defaults leave room for 100,000 VMs on four sheets: 142 MB of file, 1.4 GB of XML, 40 million cells."""

    file_bytes: int = 400 * MIB
    parts: int = 2_000
    inflated_bytes: int = 4 * 1024 * MIB
    ratio: int = 250  # inflated to packed, of a part above `ratio_from_bytes`; an export has 10 to 100
    ratio_from_bytes: int = 16 * MIB
    rows: int = 3_000_000
    columns: int = 2_000
    cells: int = 150_000_000
    cell_characters: int = 32_767  # as many as Excel allows
    seconds: int = 300
    memory_bytes: int = 4 * 1024 * MIB  # address space of the child that reads


SENT_FILE = ReadLimits()
"""Of a file that came by chat: whatever the command line reads."""
SMALL_FILE = ReadLimits(
    file_bytes=20 * MIB,
    inflated_bytes=768 * MIB,
    rows=1_000_000,
    cells=40_000_000,
    seconds=120,
    memory_bytes=2 * 1024 * MIB,
)
"""Of one of up to 20 MiB, some 20,000 VMs with all their sheets: it may cost no more than such a one does."""


def sent_limits(file_bytes: int) -> ReadLimits:
    return SMALL_FILE if file_bytes <= SMALL_FILE.file_bytes else SENT_FILE


class Budget:
    """What is left of the limits while one file is read. Raises WorkbookRefused when nothing is."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self.longest_text = limits.cell_characters
        self._rows = 0
        self._cells = 0

    def rows(self, batch: Sequence[Sequence[object]]) -> None:
        widths = [len(row) for row in batch]
        width = max(widths, default=0)
        self._rows += len(batch)
        self._cells += sum(widths)
        if width > self._limits.columns:
            raise refused_size(f"a sheet has {width:,} columns, more than {self._limits.columns:,}")
        if self._rows > self._limits.rows:
            raise refused_size(f"it has more than {self._limits.rows:,} rows")
        if self._cells > self._limits.cells:
            raise refused_size(f"it has more than {self._limits.cells:,} cells")

    def text(self, length: int) -> None:
        if length > self._limits.cell_characters:
            raise refused_size(f"a cell holds {length:,} characters, more than {self._limits.cell_characters:,}")


def refused_size(what: str) -> WorkbookRefused:
    return WorkbookRefused(f"the file is not read: {what}", "send RVTools' own export, one vCenter at a time")
