"""One object, whole: what it is, what belongs to it, what happened to it last."""

from collections.abc import Mapping
from typing import Any

from bot.formats import format_cell
from bot.handlers.asking import Ask
from bot.naming import marked
from bot.replies import Choice, Choices, Column, Fields, Part, Table, Text
from bot.sentences import PLATFORM_NAMES, state_words
from bot.tables import cell
from engines.inventory.kinds import KINDS, Kind
from engines.snapshots.coverage import cover
from storage import inventory
from storage.changes import Change, Window, changes
from storage.filters import Where
from storage.inventory import Found

_LAST_CHANGES = 5
_ALONE = frozenset({"state", "status", "addresses", "volumes", "volume_ids", "attachments", "user_id", "flavor_id",
                    "image_id", "parent_id", "network_id", "limits", "used"})  # fmt: skip


async def card(ask: Ask, row: Found) -> list[Part]:
    kind = KINDS[row.kind]
    parts: list[Part] = [Text(_lead(row, kind), "heading"), Fields(_pairs(ask, row, kind))]
    if row.value("fault"):
        parts.insert(1, Text(f"Fault: {row.value('fault')}", "warning"))
    if row.kind == "vm":
        parts += await _vm_parts(ask, row)
    if row.kind == "volume":
        parts += await _policies(ask, Where("volume", volumes=(row.ref,)))
    if row.kind == "quota":
        parts.append(Text("Say: quota for " + row.name, "note"))
    parts += await _history(ask, row)
    choices = _choices(row)
    return [*parts, Choices(choices)] if choices else parts


def _lead(row: Found, kind: Kind) -> str:
    state = f" is {state_words(str(row.value('state')))}" if row.value("state") else ""
    where = "/".join(str(row.value(name)) for name in ("domain", "project") if row.value(name))
    return f"{kind.singular} {row.name}{state}" + (f" · {where}" if where else "")


def _pairs(ask: Ask, row: Found, kind: Kind) -> tuple[tuple[str, str], ...]:
    """The fields that are known, in the order of the declaration, then where the object comes from."""
    now = ask.now
    pairs: list[tuple[str, str]] = []
    status = row.value("status")
    if status:
        pairs.append(("cloud status", str(status)))
    for declared in kind.fields:
        value = cell(row, declared.name)
        if declared.name in _ALONE or value in (None, "", []):
            continue
        pairs.append((declared.title, format_cell(value, "list" if declared.type == "map" else declared.type, now)))
    platform = PLATFORM_NAMES.get(row.platform, row.platform)
    origin = (("id", row.external_id), ("platform", f"{platform} · {row.source}"))
    return (*pairs, *origin)


async def _vm_parts(ask: Ask, row: Found) -> list[Part]:
    parts: list[Part] = []
    addresses = [one for one in row.value("addresses") or [] if isinstance(one, Mapping)]
    if addresses:
        parts.append(_addresses(addresses))
    related = await inventory.siblings(ask.conn, ask.who.scope, row)
    volumes = [one for one in related if one.kind == "volume"]
    snapshots = [one for one in related if one.kind == "snapshot"]
    if volumes:
        parts.append(_volumes(volumes, snapshots))
    parts.append(_last_snapshot(snapshots))
    return [*parts, *await _policies(ask, Where("volume", vms=(row.ref,)))]


async def _policies(ask: Ask, where: Where) -> list[Part]:
    """Under which snapshot policies the volumes are, and how that stands."""
    lines = await cover(ask.conn, ask.who.scope, where, ask.now)
    told = dict.fromkeys(f"{line.policy} ({line.state.replace('_', ' ')})" for line in lines if line.policy)
    none = [line for line in lines if not line.policy]
    words = [*told, *([f"{len(none)} of {len(lines)} under none: {none[0].why}"] if none else [])]
    return [Text(f"Snapshot policies: {', '.join(words)}", "note")] if words else []


def _addresses(addresses: list[Mapping[str, Any]]) -> Table:
    columns = (Column("ip", "address"), Column("network", "network"), Column("type", "type"), Column("mac", "MAC"))
    cells = tuple(tuple(one.get(name) for name in ("ip", "network", "type", "mac")) for one in addresses)
    return Table(columns, cells, len(cells), "Addresses")


def _volumes(volumes: list[Found], snapshots: list[Found]) -> Table:
    columns = (Column("name", "name"), Column("size_gib", "size", "gib"), Column("volume_type", "type"),
               Column("device", "device"), Column("snapshots", "snapshots", "int"),
               Column("newest", "newest snapshot", "time"))  # fmt: skip
    cells = []
    for volume in volumes:
        mine = [one for one in snapshots if one.value("parent_id") == volume.external_id]
        newest = max((str(one.value("created")) for one in mine if one.value("created")), default=None)
        device = next((a.get("device") for a in volume.value("attachments") or [] if isinstance(a, Mapping)), None)
        cells.append((volume.name, volume.value("size_gib"), volume.value("volume_type"), device, len(mine), newest))
    return Table(columns, tuple(cells), len(cells), "Volumes")


def _last_snapshot(snapshots: list[Found]) -> Text:
    good = [one for one in snapshots if one.value("state") == "available" and one.value("created")]
    if not good:
        return Text("No snapshot of any of its volumes is known.", "warning")
    newest = max(good, key=lambda one: str(one.value("created")))
    return Text(f"Last good snapshot: {newest.name}, {str(newest.value('created')).replace('T', ' ')[:16]} UTC", "note")


async def _history(ask: Ask, row: Found) -> list[Part]:
    window = Window(kind=row.kind, objects=(row.ref,))
    lines, total = await changes(ask.conn, ask.who.scope, window, _LAST_CHANGES)
    if not lines:
        return []
    columns = (Column("at", "seen", "time"), Column("what", "what"), Column("change", "change", "list"))
    return [
        Table(
            columns,
            tuple((c.at.isoformat(), op_words(c), change_words(c) or None) for c in lines),
            total,
            "Last changes",
        )
    ]


_OPS = {"add": "first seen", "change": "changed", "delete": "deleted", "return": "came back"}


def op_words(change: Change) -> str:
    return _OPS.get(change.op, change.op)


def change_words(change: Change) -> list[str]:
    """`flavor: m1.small → m1.large`, a line for each field; long values are cut."""
    kind = KINDS.get(change.kind)
    titles = {f.name: f.title for f in kind.fields} if kind else {}
    return [
        f"{titles.get(name, name)}: {_short(old)} → {_short(new)}"
        for name, (old, new) in sorted(change.changed.items())
    ]


def _short(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, list):
        return ", ".join(_short(one) for one in value[:4]) + (" …" if len(value) > 4 else "")
    if isinstance(value, Mapping):
        named = value.get("ip") or value.get("name") or value.get("vm_id")
        return str(named) if named else ", ".join(f"{k}={_short(v)}" for k, v in sorted(value.items())[:4])
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)[:80]


def _choices(row: Found) -> tuple[Choice, ...]:
    this = marked(row.kind, row.name, row.source, row.external_id)
    if row.kind == "vm":
        return (Choice("snapshots", f"list snapshots of {this}"), Choice("history", f"history of {this}"))
    if row.kind == "project":
        return (Choice("VMs", f"list vms in {this}"), Choice("quota", f"quota for {this}"))
    if row.kind == "host":
        return (Choice("VMs", f"list vms on {this}"),)
    if row.kind == "volume":
        return (Choice("snapshots", f"list snapshots of {this}"),)
    return ()
