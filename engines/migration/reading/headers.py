"""Which sheet a title means, which row holds the headers, and which column is which."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from engines.migration.reading.columns import INFO_UNREAD, OTHER_SHEETS, SheetSpec, sheet_specs
from engines.migration.reading.values import Cell

SEARCHED_ROWS = 25  # above the header people put a title, a date, a warning
_UNIT = re.compile(r"\(?\b([mk])i?b\b\)?")
_SIGNS = re.compile(r"[^a-z0-9%]+")
_PREFIX = re.compile(r"^(?:rvtools_)?(?:tab)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """`columns` maps a field to the place of its column, `attributes` the title of a custom attribute to its place."""

    row: int
    columns: Mapping[str, int]
    attributes: Mapping[str, int]
    unread: tuple[str, ...]
    repeated: tuple[str, ...]


def sheet_name(title: str) -> str:
    """RVTools' name of a sheet in lower case, of a title as it stands in the file: `RVTools_tabvInfo.csv`, `vDisk `."""
    plain = unicodedata.normalize("NFKC", title).strip().lower().removesuffix(".csv").strip()
    return _PREFIX.sub("", plain).strip()


def spec_of(title: str) -> SheetSpec | None:
    return sheet_specs().get(sheet_name(title))


def is_other(title: str) -> bool:
    return sheet_name(title) in {name.lower() for name in OTHER_SHEETS}


def find_header(spec: SheetSpec, rows: Sequence[Sequence[Cell]]) -> Header | None:
    """The header among the first rows: the one that names most columns; None when none names two.

    A single named column is enough where the row has no other.
    """
    best, best_score = None, 0
    for number, row in enumerate(rows[:SEARCHED_ROWS]):
        header = _header(spec, number, row)
        score, filled = len(header.columns), sum(1 for cell in row if isinstance(cell, str) and cell.strip())
        if score > best_score and (score > 1 or filled == 1):
            best, best_score = header, score
    return best


def _header(spec: SheetSpec, number: int, row: Sequence[Cell]) -> Header:
    by_title, by_name = _names(spec.name.lower())
    columns: dict[str, int] = {}
    attributes: dict[str, int] = {}
    unread: list[str] = []
    repeated: list[str] = []
    for place, cell in enumerate(row):
        if not isinstance(cell, str) or not cell.strip():
            continue
        title = _folded(cell)
        found = by_title.get(title) or by_name.get(_database_name(spec.name, cell))
        shown = " ".join(cell.split())
        if found is not None and found not in columns:
            columns[found] = place
        elif found is not None:
            repeated.append(shown)
        elif spec.name == "vInfo" and title not in _unread_titles() and shown not in attributes:
            attributes[shown] = place
        else:
            unread.append(shown)
    return Header(number, columns, attributes, tuple(unread), tuple(repeated))


def _folded(title: str) -> str:
    plain = " ".join(_plain(title).split())
    return _UNIT.sub(r"\1ib", plain) if "b" in plain else plain


def _plain(title: str) -> str:
    return title.lower() if title.isascii() else unicodedata.normalize("NFKC", title).casefold()


def _database_name(sheet: str, title: str) -> str:
    """Letters and digits only, without the sheet's name in front and a unit behind."""
    plain = _SIGNS.sub("", _plain(title))
    plain = plain.removeprefix(sheet.lower())
    return plain.removesuffix("mib").removesuffix("mb") or plain


@cache
def _names(sheet: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Field names by the folded title, and by the database name. RVTools' own titles win over other spellings."""
    spec = sheet_specs()[sheet]
    by_title: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for rank in range(max(len(field.titles) for field in spec.fields)):
        for field in spec.fields:
            if rank < len(field.titles):
                by_title.setdefault(_folded(field.titles[rank]), field.name)
                by_name.setdefault(_database_name(spec.name, field.titles[rank]), field.name)
    return by_title, by_name


@cache
def _unread_titles() -> frozenset[str]:
    return frozenset(_folded(title) for title in INFO_UNREAD)
