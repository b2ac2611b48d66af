"""Rows of many sheets brought together by VM: by (vCenter, VM id), then UUID, then name; never by name first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from engines.migration.reading.tables import Line, Part, Table, Values
from engines.migration.reading.values import Cell
from engines.migration.records import Key

Kind = Literal["id", "uuid", "name"]
_KINDS: tuple[tuple[Kind, str], ...] = (("id", "vm_id"), ("uuid", "vm_uuid"), ("name", "vm"))
Row = tuple[Any, ...]
_ANY = "*"  # the vCenter of a row that names none


@dataclass(slots=True)
class Draft:
    """A VM while its sheets are read. `parts` holds the rows of each other sheet: its number, and its values."""

    line: Line
    key: Key
    parts: dict[str, list[Row]] = field(default_factory=dict)


class Joiner:
    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self._index: dict[tuple[str, Kind, str], list[Draft]] = {}
        self._kinds: set[Kind] = set()
        self.id_clashes = 0
        self._lack_folders = False
        self._owners: dict[tuple[Cell, ...], Draft | str] = {}

    def add(self, line: Line) -> str | None:
        """A row of vInfo; the reason when it is left out."""
        values = line.values
        if not values["vm"]:
            return "row of vInfo without a name"
        server = server_of(values)
        found = self._same(server, values)
        if found is not None and self._repeats(found, line):
            return "repeated row of vInfo (same vCenter and VM id)"
        self._lack_folders = self._lack_folders or not values["folder"]
        draft = Draft(line, self._key(server, values))
        self.drafts.append(draft)
        for kind, name in _KINDS:
            if value := values.get(name):
                self._kinds.add(kind)
                for where in {server, _ANY}:
                    self._index.setdefault((where, kind, value.casefold()), []).append(draft)
        return None

    def _same(self, server: str, values: Values) -> list[Draft] | None:
        """Drafts of the same vCenter that share what tells the new row best."""
        for kind, name in _KINDS:
            if value := values.get(name):
                return self._index.get((server, kind, value.casefold()))
        return None

    def _repeats(self, found: list[Draft], line: Line) -> bool:
        """Whether it is one of these VMs again. Without a vCenter an id may be another vCenter's: then names decide."""
        values = line.values
        if values["vm_id"]:
            if server_of(values) or any(_named_alike(one, values) for one in found):
                return True
            self.id_clashes += 1
            return False
        if values["vm_uuid"]:  # the SMBIOS UUID before 4.3.1, which clones share
            return any(_named_alike(one, values) for one in found)
        return any(one.line.values == values for one in found)

    def _key(self, server: str, values: Values) -> Key:
        """Unique among the drafts: the n-th VM that cannot be told from another gets its number."""
        kind, value = next((k, values[n]) for k, n in _KINDS if values.get(n))
        tail = value.casefold() if kind == "id" else f"{kind}:{value.casefold()}"
        twins = len(self._index.get((server, kind, value.casefold()), ()))
        return (server, f"{tail}#{twins + 1}" if twins else tail)

    def attach(self, table: Table, part: Part, telling: tuple[int, ...] | None) -> str | None:
        """A row of another sheet; the reason when it finds no VM, or is there already.

        `telling` are places of values of which a row needs one to be told from a second; None: one row a VM.
        """
        owner, folder, row = part
        draft = self._owners.get(owner)
        if draft is None:
            draft = self._owners[owner] = self._find(table.owner(owner))
        sheet = table.spec.name
        if isinstance(draft, str):
            return f"row of {sheet} {draft}"
        rows = draft.parts.get(sheet)
        if rows is None:
            draft.parts[sheet] = [row]
        elif _is_repeated(row, rows, telling):
            return f"repeated row of {sheet}"
        else:
            rows.append(row)
        if self._lack_folders and folder and not draft.line.values["folder"]:
            draft.line.values["folder"] = table.folder(folder)
        return None

    def _find(self, values: Values) -> Draft | str:
        """The first way of telling that both sheets have decides."""
        server = server_of(values) or _ANY
        for kind, name in _KINDS:
            value = values.get(name)
            if not value or kind not in self._kinds:
                continue
            found = self._index.get((server, kind, value.casefold()), [])
            if not found and server != _ANY:  # vInfo may name no vCenter
                found = self._index.get(("", kind, value.casefold()), [])
            if len(found) > 1:
                found = [one for one in found if _named_alike(one, values)] or found
            if len(found) == 1:
                return found[0]
            return "whose VM is not in vInfo" if not found else "that fits several VMs"
        return "without a VM"

    def names(self) -> set[str]:
        return {draft.line.values["vm"].casefold() for draft in self.drafts}

    def drain(self) -> Iterator[Draft]:
        """The drafts in order; each is let go as the next is asked for."""
        self._index.clear()
        self._owners.clear()
        self.drafts.reverse()
        while self.drafts:
            yield self.drafts.pop()


def _is_repeated(row: Row, rows: list[Row], telling: tuple[int, ...] | None) -> bool:
    if telling is None:
        return True
    for place in telling:
        if row[place] is not None:
            values = row[1:]
            return any(one[1:] == values for one in rows)
    return False


def server_of(values: Values) -> str:
    found: Any = values.get("server") or values.get("server_uuid") or ""
    return str(found).casefold()


def _named_alike(draft: Draft, values: Values) -> bool:
    mine, theirs = draft.line.values["vm"], values["vm"]
    return bool(theirs) and mine.casefold() == theirs.casefold()
