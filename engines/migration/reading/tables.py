"""One sheet as rows of typed values, with everything that was odd about it counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from engines.migration.estate import SheetReport, Unread
from engines.migration.reading import values
from engines.migration.reading.columns import SheetSpec
from engines.migration.reading.fields import Field
from engines.migration.reading.headers import SEARCHED_ROWS, Header, find_header
from engines.migration.reading.limits import Budget
from engines.migration.reading.values import PARSERS, UNREADABLE, Cell

Values = dict[str, Any]  # by the field's name; None for what is unknown
_BATCH = 512
_MOST_KNOWN = 50_000


@dataclass(slots=True)
class Findings:
    """What comes together while a file is read."""

    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: dict[tuple[str, str], list[int]] = field(default_factory=dict)  # cells, first row
    notes: list[str] = field(default_factory=list)
    known: dict[str, dict[Cell, Any]] = field(default_factory=lambda: {kind: {} for kind in PARSERS})

    def unread(self) -> tuple[Unread, ...]:
        return tuple(Unread(*where, cells, first) for where, (cells, first) in sorted(self.unreadable.items()))


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number as the spreadsheet shows it, its values, and its custom attributes as (title, text)."""

    row: int
    values: Values
    attributes: tuple[tuple[str, str], ...] = ()


OWNER = ("vm", "vm_id", "vm_uuid", "server", "server_uuid")  # what tells whose a row is; the folder comes along


@dataclass(slots=True)
class Part:
    """One row of a VM's: the cells that tell whose it is as they stand, and its number with the values behind it.

    The values are in the order of the sheet's fields without the owner's, times as ISO texts: as they are handed on.
    """

    owner: tuple[Cell, ...]
    folder: Cell
    values: list[Any]


class Table:
    """A sheet whose header was found. Iterate once; `report` is whole when that is done."""

    def __init__(
        self, spec: SheetSpec, title: str, rows: Iterable[Sequence[Cell]], findings: Findings, budget: Budget
    ) -> None:
        self.spec = spec
        self._title = title
        self._findings = findings
        self._budget = budget
        source = iter(rows)
        self._first = list(islice(source, SEARCHED_ROWS * 2))
        self.header = find_header(spec, self._first)
        self._rows = chain(self._first, source)
        self.count = 0
        self.blank = 0
        self.taken = 0
        self._unfilled = set(self.header.columns) if self.header else set()

    @property
    def first_column(self) -> int | None:
        """Column A, when its header means nothing: it may hold the key under a header that was overwritten."""
        used = set(self.header.columns.values()) | set(self.header.attributes.values()) if self.header else {0}
        return None if 0 in used else 0

    def sample(self, place: int) -> list[str]:
        """The first texts of a column below the header."""
        start = (self.header.row if self.header else 0) + 1
        found = (values.text(row[place]) for row in self._first[start:] if place < len(row))
        return [value for value in found if isinstance(value, str)]

    def lines(self, key_place: int | None = None) -> Iterator[Line]:
        """The rows below the header that hold anything. `key_place` stands in for a key column that was not found."""
        if self.header is None:
            return
        columns = dict(self.header.columns)
        if key_place is not None:
            columns.setdefault(self.spec.key, key_place)
        readers = [
            (one, columns[one.name], self._findings.known[one.kind]) for one in self.spec.fields if one.name in columns
        ]
        attributes = tuple(self.header.attributes.items())
        unknown = dict.fromkeys(one.name for one in self.spec.fields)
        width = 1 + max([place for _, place, _ in readers], default=0)
        for number, row in self._counted():
            if len(row) < width:  # a CSV row that is cut
                row = [*row, *[""] * (width - len(row))]
            found: Values = unknown.copy()
            for one, place, known in readers:
                cell = row[place]
                if cell != "":
                    found[one.name] = known[cell] if cell in known else self._value(one, cell, number)
            if self._unfilled:
                self._unfilled = {name for name in self._unfilled if found[name] is None}
            yield Line(number, found, self._attributes(attributes, row) if attributes else ())

    def parts(self, key_place: int | None = None) -> Iterator[Part]:
        """As `lines`, for the sheets whose rows belong to VMs; an owner's cells are looked at once a VM."""
        if self.header is None:
            return
        columns = dict(self.header.columns)
        if key_place is not None:
            columns.setdefault(self.spec.key, key_place)
        owner = [columns.get(name, -1) for name in OWNER]
        folder = columns.get("folder", -1)
        own = [one for one in self.spec.fields if one.name not in OWNER and one.name != "folder"]
        readers = [
            (at, one, columns[one.name], self._findings.known[one.kind])
            for at, one in enumerate(own, 1)
            if one.name in columns
        ]
        unknown: list[Any] = [None] * (1 + len(own))
        width = 1 + max(columns.values(), default=0)
        for number, row in self._counted():
            if len(row) < width:
                row = [*row, *[""] * (width - len(row))]
            found = unknown.copy()
            found[0] = number
            for at, one, place, known in readers:
                cell = row[place]
                if cell != "":
                    found[at] = known[cell] if cell in known else self._value(one, cell, number)
            if self._unfilled:
                self._note_filled(row, columns)
            yield Part(tuple([row[at] if at >= 0 else "" for at in owner]), row[folder] if folder >= 0 else "", found)

    def _note_filled(self, row: Sequence[Cell], columns: dict[str, int]) -> None:
        blank = {name for name in self._unfilled if row[columns[name]] == ""}
        if len(blank) < len(self._unfilled):
            texts = {name for name in self._unfilled - blank if values.text(row[columns[name]]) is None}
            self._unfilled = blank | texts

    def owner(self, cells: tuple[Cell, ...]) -> Values:
        found = dict(zip(OWNER, cells, strict=True))
        return {name: values.text(cell) for name, cell in found.items()}

    def folder(self, cell: Cell) -> str | None:
        return values.text(cell)

    def _value(self, field: Field, cell: Cell, number: int) -> Any:
        """A cell that was not met before. Most come many times: each is looked at once, and its text kept once."""
        if isinstance(cell, str):
            self._budget.text(len(cell))
        found: Any = PARSERS[field.kind](cell)
        if found is UNREADABLE:
            entry = self._findings.unreadable.setdefault((self.spec.name, field.name), [0, number])
            entry[0] += 1
            return None
        if isinstance(found, datetime):
            return found.isoformat()
        if isinstance(cell, str) or field.kind != "text":  # a text may be of 1.0 or of True, which are one key
            known = self._findings.known[field.kind]
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[cell] = found
        return found

    def _counted(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """The rows below the header with their numbers; blank ones are counted and left away."""
        start = (self.header.row if self.header else 0) + 1
        batch = 0
        for number, row in enumerate(self._rows, 1):
            batch += 1
            if batch == _BATCH:
                self._budget.rows(batch, len(row))
                batch = 0
            if number <= start:
                continue
            if _is_blank(row):
                self.blank += 1
                continue
            self.count += 1
            yield number, row
        self._budget.rows(batch, 1)

    def _attributes(self, attributes: Sequence[tuple[str, int]], row: Sequence[Cell]) -> tuple[tuple[str, str], ...]:
        found = ((title, values.text(row[place])) for title, place in attributes if place < len(row) and row[place])
        return tuple((title, value) for title, value in found if isinstance(value, str))

    def report(self) -> SheetReport:
        header = self.header or Header(0, {}, {}, (), ())
        return SheetReport(
            sheet=self.spec.name,
            title=self._title,
            header_row=header.row + 1 if self.header else 0,
            rows=self.count,
            taken=self.taken,
            blank_rows=self.blank,
            found=tuple(one.name for one in self.spec.fields if one.name in header.columns),
            missing=tuple(one.name for one in self.spec.fields if one.name not in header.columns),
            unfilled=tuple(one.name for one in self.spec.fields if one.name in self._unfilled),
            unread=header.unread,
            attributes=tuple(header.attributes),
        )


def _is_blank(row: Sequence[Cell]) -> bool:
    first = row[0] if row else ""
    if isinstance(first, str) and first and not first.isspace():
        return False
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)
