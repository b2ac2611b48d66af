"""One sheet as rows of typed values, with everything that was odd about it counted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from engines.migration.estate import SheetReport, Unread
from engines.migration.reading import values
from engines.migration.reading.columns import SheetSpec
from engines.migration.reading.headers import SEARCHED_ROWS, Header, find_header
from engines.migration.reading.limits import Budget
from engines.migration.reading.values import PARSERS, UNREADABLE, Cell, Unreadable

Values = dict[str, Any]  # by the field's name; None for what is unknown
_BATCH = 512
_MOST_TEXTS = 50_000


@dataclass(slots=True)
class Findings:
    """What comes together while a file is read."""

    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: dict[tuple[str, str], list[int]] = field(default_factory=dict)  # cells, first row
    notes: list[str] = field(default_factory=list)
    texts: dict[str, str | None] = field(default_factory=dict)

    def unread(self) -> tuple[Unread, ...]:
        return tuple(Unread(*where, cells, first) for where, (cells, first) in sorted(self.unreadable.items()))


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number as the spreadsheet shows it, its values, and its custom attributes as (title, text)."""

    row: int
    values: Values
    attributes: tuple[tuple[str, str], ...] = ()


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
        readers = [(one.name, columns[one.name], PARSERS[one.kind]) for one in self.spec.fields if one.name in columns]
        attributes = tuple(self.header.attributes.items())
        unknown = dict.fromkeys(one.name for one in self.spec.fields)
        width = 1 + max([place for _, place, _ in readers], default=0)
        for number, row in self._counted():
            if len(row) < width:  # a CSV row that is cut
                row = [*row, *[""] * (width - len(row))]
            found: Values = unknown.copy()
            for name, place, parse in readers:
                cell = row[place]
                if cell != "":
                    found[name] = self._value(name, parse, cell, number)
            if self._unfilled:
                self._unfilled = {name for name in self._unfilled if found[name] is None}
            yield Line(number, found, self._attributes(attributes, row) if attributes else ())

    def _value(self, name: str, parse: Callable[[Cell], Any], cell: Cell, number: int) -> Any:
        if isinstance(cell, str):
            if parse is values.text:
                return self._text(cell)
            self._budget.text(len(cell))
        found = parse(cell)
        if found is not UNREADABLE:
            return found
        entry = self._findings.unreadable.setdefault((self.spec.name, name), [0, number])
        entry[0] += 1
        return None

    def _text(self, cell: str) -> str | None:
        """Most texts of a sheet come many times: each is looked at once, and kept once."""
        texts = self._findings.texts
        found = texts.get(cell, UNREADABLE)
        if isinstance(found, Unreadable):
            self._budget.text(len(cell))
            if len(texts) >= _MOST_TEXTS:
                texts.clear()
            found = texts[cell] = values.text(cell)
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
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in row)
