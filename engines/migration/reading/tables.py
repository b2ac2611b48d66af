"""One sheet as rows of typed values, with everything that was odd about it counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from engines.migration.estate import SheetReport, Unread
from engines.migration.reading import values
from engines.migration.reading.columns import SheetSpec
from engines.migration.reading.fields import Field
from engines.migration.reading.headers import SEARCHED_ROWS, Header, find_header
from engines.migration.reading.limits import Budget
from engines.migration.reading.values import KINDS, PARSERS, UNREADABLE, Cell, Kind, Unreadable

Values = dict[str, Any]  # by the field's name; None for what is unknown
_BATCH = 512
_MOST_KNOWN = 50_000


class Known(dict[Cell, Any]):
    """What the cells of one kind mean. Most come many times: each is looked at once, and its text kept once.

    A time is its ISO text. `unreadable` counts the cells that gave UNREADABLE.
    """

    def __init__(self, kind: Kind, budget: Budget) -> None:
        super().__init__()
        self._parse: Callable[[Cell], Any] = _iso_moment if kind == "time" else PARSERS[kind]
        self._keeps_all = kind in ("count", "flag")  # a text may be of 1.0 or of True, which are one key
        self._budget = budget
        self._longest = budget.longest_text
        self.unreadable = 0

    def __missing__(self, cell: Cell) -> Any:
        is_text = isinstance(cell, str)
        if isinstance(cell, str) and len(cell) > self._longest:
            self._budget.text(len(cell))
        found = self._parse(cell)
        if found is UNREADABLE:
            self.unreadable += 1
        elif is_text or self._keeps_all:
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[cell] = found
        return found


def _iso_moment(cell: Cell) -> str | Unreadable | None:
    found = values.moment(cell)
    return found.isoformat() if isinstance(found, datetime) else found


class Findings:
    """What comes together while a file is read."""

    def __init__(self, budget: Budget) -> None:
        self.left_out: Counter[str] = Counter()
        self.unreadable: dict[tuple[str, str], list[int]] = {}  # cells, first row
        self.notes: list[str] = []
        self.known: dict[Kind, Known] = {kind: Known(kind, budget) for kind in KINDS}

    def unread(self) -> tuple[Unread, ...]:
        return tuple(Unread(*where, cells, first) for where, (cells, first) in sorted(self.unreadable.items()))


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number as the spreadsheet shows it, its values, and its custom attributes as (title, text)."""

    row: int
    values: Values
    attributes: tuple[tuple[str, str], ...] = ()


OWNER = ("vm", "vm_id", "vm_uuid", "server", "server_uuid")  # what tells whose a row is; the folder comes along


# One row of a VM's: the cells that tell whose it is as they stand, its folder's cell, and its number with the values
# behind it, in the order of `part_fields`, times as ISO texts: as they are handed on.
Part = tuple[tuple[Cell, ...], Cell, tuple[Any, ...]]


def part_fields(spec: SheetSpec) -> list[Field]:
    """Those of a sheet of VMs that do not tell whose the row is."""
    return [one for one in spec.fields if one.name not in OWNER and one.name != "folder"]


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
        columns = self._places(key_place)
        attributes = tuple(self.header.attributes.items())
        names = [one.name for one in self.spec.fields]
        for numbers, rows in self._counted(columns):
            read = self._values(self.spec.fields, columns, numbers, rows)
            for name in tuple(self._unfilled):
                found = read[names.index(name)]
                if found.count(None) < len(found):
                    self._unfilled.discard(name)
            for number, row, line in zip(numbers, rows, zip(*read, strict=True), strict=True):
                of_row = dict(zip(names, line, strict=True))
                yield Line(number, of_row, self._attributes(attributes, row) if attributes else ())

    def parts(self, key_place: int | None = None) -> Iterator[Part]:
        """As `lines`, for the sheets whose rows belong to VMs; an owner's cells are looked at once a VM."""
        if self.header is None:
            return
        columns = self._places(key_place)
        own = part_fields(self.spec)
        for numbers, rows in self._counted(columns):
            owners = zip(*(_cells(rows, columns.get(name)) for name in OWNER), strict=True)
            folders = _cells(rows, columns.get("folder"))
            self._note_filled(rows, columns)
            read = zip(numbers, *self._values(own, columns, numbers, rows), strict=True)
            yield from zip(owners, folders, read, strict=True)

    def _places(self, key_place: int | None) -> dict[str, int]:
        columns = dict(self.header.columns) if self.header else {}
        if key_place is not None:
            columns.setdefault(self.spec.key, key_place)
        return columns

    def _note_filled(self, rows: Sequence[Sequence[Cell]], columns: dict[str, int]) -> None:
        for name in tuple(self._unfilled):
            cells = _cells(rows, columns[name])
            if cells.count("") < len(cells) and any(values.text(cell) is not None for cell in cells):
                self._unfilled.discard(name)

    def owner(self, cells: tuple[Cell, ...]) -> Values:
        found = dict(zip(OWNER, cells, strict=True))
        return {name: values.text(cell) for name, cell in found.items()}

    def folder(self, cell: Cell) -> str | None:
        return values.text(cell)

    def _values(
        self, wanted: Sequence[Field], columns: dict[str, int], numbers: Sequence[int], rows: Sequence[Sequence[Cell]]
    ) -> list[list[Any]]:
        """Column by column, so that a cell which was met before costs no more than to find it again."""
        found: list[list[Any]] = []
        for one in wanted:
            if one.name not in columns:
                found.append([None] * len(rows))
                continue
            known = self._findings.known[one.kind]
            column = list(map(known.__getitem__, _cells(rows, columns[one.name])))
            if known.unreadable:
                self._note_unreadable(one, numbers, column)
                known.unreadable = 0
            found.append(column)
        return found

    def _note_unreadable(self, field: Field, numbers: Sequence[int], column: list[Any]) -> None:
        for at, value in enumerate(column):
            if value is UNREADABLE:
                self._findings.unreadable.setdefault((self.spec.name, field.name), [0, numbers[at]])[0] += 1
                column[at] = None

    def _counted(self, columns: dict[str, int]) -> Iterator[tuple[Sequence[int], Sequence[Sequence[Cell]]]]:
        """The rows below the header with their numbers, some at a time; blank ones are counted and left away."""
        start = (self.header.row if self.header else 0) + 1
        width = 1 + max(columns.values(), default=0)
        after = 0
        while batch := list(islice(self._rows, _BATCH)):
            first, after = after + 1, after + len(batch)
            self._budget.rows(batch)
            below = [(number, row) for number, row in enumerate(batch, first) if number > start]
            kept = [(number, row) for number, row in below if not _is_blank(row)]
            self.blank += len(below) - len(kept)
            self.count += len(kept)
            if kept:
                numbers, rows = zip(*kept, strict=True)
                yield numbers, _widened(rows, width)

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


def _cells(rows: Sequence[Sequence[Cell]], place: int | None) -> list[Cell]:
    return [""] * len(rows) if place is None else [row[place] for row in rows]


def _widened(rows: Sequence[Sequence[Cell]], width: int) -> Sequence[Sequence[Cell]]:
    """A CSV row may be cut."""
    if min(map(len, rows)) >= width:
        return rows
    return [row if len(row) >= width else [*row, *[""] * (width - len(row))] for row in rows]


def _is_blank(row: Sequence[Cell]) -> bool:
    first = row[0] if row else ""
    if isinstance(first, str) and first and not first.isspace():
        return False
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)
