"""Resources as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.naming import show
from bot.replies import Cell, CellType, Column, Table
from engines.inventory.kinds import KINDS, Field, Kind
from storage.inventory import Found

_ORIGIN = (Column("platform", "platform"), Column("source", "source"))


def resource_table(kind_name: str, rows: Sequence[Found], total: int, *, full: bool = False, title: str = "") -> Table:
    """The list view of a kind; `full` has every field, the ids and the origin (for exports)."""
    kind = KINDS[kind_name]
    names = _full(kind) if full else _shown(kind, rows)
    columns = tuple(_column(kind, name) for name in names) + (_ORIGIN if full else ())
    extra = ("platform", "source") if full else ()
    cells = tuple(tuple(cell(row, name) for name in (*names, *extra)) for row in rows)
    return Table(columns, cells, total, title, () if full else opens(rows))


def opens(rows: Sequence[Found]) -> tuple[str, ...]:
    """What to say to see each row whole."""
    return tuple(show(row.kind, row.name, row.source, row.external_id) for row in rows)


def _full(kind: Kind) -> tuple[str, ...]:
    return ("name", "external_id", *(f.name for f in kind.fields))


def _shown(kind: Kind, rows: Sequence[Found]) -> tuple[str, ...]:
    """The list columns; those that are empty in every row are left out, the name never."""
    keep = [n for n in kind.columns if n == "name" or any(cell(r, n) not in (None, "", []) for r in rows)]
    if kind.columns[0] == "name" and len({row.source for row in rows}) > 1:
        keep.append("source")
    return tuple(keep) if rows else kind.columns


def _column(kind: Kind, name: str) -> Column:
    declared = kind.field(name)
    if declared is None:
        return Column(name, {"external_id": "id"}.get(name, name))
    return Column(name, declared.title, _type(declared))


def _type(declared: Field) -> CellType:
    return "list" if declared.type == "map" else declared.type


def cell(row: Found, name: str) -> Cell:
    value = row.value(name)
    if isinstance(value, Mapping):
        return [f"{key}={_plain(one)}" for key, one in sorted(value.items())]
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _plain(value: Any) -> str:
    """One item of a list in a cell: an address by its IP, an attachment or volume by its name."""
    if isinstance(value, Mapping):
        for key in ("ip", "name", "vm_id", "id"):
            if value.get(key):
                return str(value[key])
        return ", ".join(f"{k}={v}" for k, v in sorted(value.items()))
    return str(value)
