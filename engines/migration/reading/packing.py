"""A VM out of its rows, as plain lists in the order of the records' fields: as it is handed on, and no object more."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from operator import itemgetter
from typing import Any

from engines.migration import records
from engines.migration.reading.columns import sheet_specs
from engines.migration.reading.joining import Draft
from engines.migration.reading.private_texts import HIDDEN, holds_secret, safe_text
from engines.migration.reading.tables import part_fields
from engines.migration.scope import marks_of

_MOST_ATTRIBUTES = 64
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_V4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
# Loopback and link-local addresses, and the unspecified one: nothing that starts like one is any other address.
_NO_PLACE = re.compile(r"127\.|169\.254\.|0\.0\.0\.0$|fe[89ab][0-9a-f]:", re.IGNORECASE)
_IN_ORDER = itemgetter(*(field.name for field in fields(records.Vm)))
_DEVICES = ("vUSB", "vCD", "vFloppy")
_NETWORKS = tuple(f"network_{n}" for n in range(1, 9))


def _place(sheet: str, name: str) -> int:
    """Of a value in a part's row, behind its number."""
    names = [one.name for one in part_fields(sheet_specs()[sheet])]
    return 1 + names.index(name)


_IPV4, _IPV6 = _place("vnetwork", "ipv4"), _place("vnetwork", "ipv6")
_NAME, _DESCRIPTION = _place("vsnapshot", "name"), _place("vsnapshot", "description")
_TAKEN, _SIZE = _place("vsnapshot", "taken_at"), _place("vsnapshot", "size_mib")


def packed(draft: Draft) -> Sequence[Any]:
    """The values of a `Vm`. Its notes end here, and so does the draft."""
    values, parts = draft.line.values, draft.parts
    note, attributes = values["note"], draft.line.attributes
    snapshots = parts.get("vSnapshot", ())
    values.update(
        row=draft.line.row,
        key=draft.key,
        name=values["vm"],
        server=values["server"] or values["server_uuid"],
        networks=[found for name in _NETWORKS if (found := values[name])],
        attributes=[_attribute(*one) for one in attributes[:_MOST_ATTRIBUTES]],
        marks=marks_of(note),
        secrets=_secrets(note, attributes, snapshots),
        cpu=_single(parts.get("vCPU")),
        memory=_single(parts.get("vMemory")),
        tools=_single(parts.get("vTools")),
        disks=parts.get("vDisk", ()),
        partitions=parts.get("vPartition", ()),
        nics=[_nic(row) for row in parts.get("vNetwork", ())],
        snapshots=[_snapshot(row) for row in snapshots],
        devices=[(row[0], sheet, *row[1:]) for sheet in _DEVICES for row in parts.get(sheet, ())],
    )
    in_order: tuple[Any, ...] = _IN_ORDER(values)
    return in_order


def _secrets(note: str | None, attributes: Sequence[tuple[str, str]], snapshots: Sequence[Sequence[Any]]) -> list[str]:
    """Where something stands that seems to be a password."""
    found = ["vInfo Annotation"] if holds_secret(note) else []
    found += [f"vInfo {title}" for title, value in attributes if _is_secret(title, value)]
    for place, column in ((_NAME, "Name"), (_DESCRIPTION, "Description")):
        if any(holds_secret(row[place]) for row in snapshots):
            found.append(f"vSnapshot {column}")
    return found


@lru_cache(maxsize=4096)
def _is_secret(title: str, value: str) -> bool:
    """A title may say that the value is a password."""
    return holds_secret(f"{title}: {value}")


def _attribute(title: str, value: str) -> tuple[str, str]:
    return title, HIDDEN if _is_secret(title, value) else safe_text(value) or ""


def _single(rows: Sequence[Any] | None) -> Any:
    return rows[0] if rows else None


def _nic(row: Sequence[Any]) -> Sequence[Any]:
    v4, v6 = addresses(row[_IPV4], row[_IPV6])
    return (*row[:_IPV4], v4, v6, *row[_IPV6 + 1 :])


def _snapshot(row: Sequence[Any]) -> Sequence[Any]:
    return (row[0], safe_text(row[_NAME], 80), row[_TAKEN], row[_SIZE])


def addresses(*cells: str | None) -> tuple[list[str], list[str]]:
    """IPv4 and IPv6 of cells that may hold both; without link-local and loopback addresses, each once."""
    v4: dict[str, None] = {}
    v6: dict[str, None] = {}
    for word in " ".join(cell for cell in cells if cell).replace(",", " ").replace(";", " ").split():
        if _NO_PLACE.match(word):
            continue
        if _PLAIN_V4.fullmatch(word):
            v4[word] = None
            continue
        try:
            address = ipaddress.ip_address(word)
        except ValueError:
            continue
        if not (address.is_link_local or address.is_loopback or address.is_unspecified):
            (v4 if address.version == 4 else v6)[address.compressed] = None
    return list(v4), list(v6)
