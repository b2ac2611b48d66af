"""What a person decides about single VMs of a migration: in or out, held or done, warm or cold, how early; and how far
a VM is while its wave runs."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.handlers.asking import Ask
from bot.migrating import Meant, decided, decisions_of, quoted, told
from bot.migration_cards import reason_words
from bot.replies import Choice, Choices, Column, Part, Reply, Table, Text
from storage import migration_decisions as decisions
from storage import migration_projects as projects
from storage import migration_vms as vms
from storage import migration_waves as waves
from storage.migration_vms import Line

if TYPE_CHECKING:
    from engines.migration.lifecycles import VmState

MOST_PRIORITY = 999
_MOST_SHOWN = 10
_COLUMNS = (Column("vm", "VM"), Column("plan", "in the plan"), Column("mode", "mode"), Column("risk", "risk"),
            Column("wave", "wave"), Column("state", "state"))  # fmt: skip
_STATUS_WORDS = {"open": "open again", "ready": "ready", "hold": "on hold", "done": "done: it has moved already"}


async def change(ask: Ask, which: Meant, lines: Sequence[Line], values: Mapping[str, Any]) -> Reply:
    """`values` are those of an override; None takes a decision back. All of the VMs or none."""
    id_, keys = which.project.id, [line.key for line in lines]
    over = [one for one in await waves.begun(ask.conn, id_) if one[0] in keys and one[3] in ("running", "complete")]
    if over:
        key, _, wave, state, _ = over[0]
        name = next(line.name for line in lines if line.key == key)
        lead = Text(f"{name} is in {wave}, which is {state}: nothing is decided about it any more.", "heading")
        rest = Text(f"Nothing was changed. Say how far it is: mark {quoted(name)} as cut over, or as failed")
        return told(ask, which, (lead, rest), outcome="failed")
    before = await decisions.overrides(ask.conn, id_)
    for key in keys:
        await decisions.set_override(ask.conn, id_, key, values, ask.who.id, ask.now)
    await _regrade(ask, id_, keys)
    taken_back = await waves.take_back(ask.conn, id_, keys, ask.who.id, ask.now)
    said = f"{_names(lines)} {_words(values, len(lines))}"
    stale = await decided(ask, which, said)
    parts: list[Part] = [Text(f"{said} ({which.project.name}).", "heading"), await _how(ask, which, lines)]
    parts += [Text(f"{wave} was confirmed, and is planned again.", "warning") for wave in taken_back]
    undo = _undo(lines, values, [before.get(key, {}) for key in keys])
    return told(ask, which, (*parts, *stale, Choices((*undo, *_next(which)))))


async def report(ask: Ask, which: Meant, lines: Sequence[Line], state: "VmState") -> Reply:
    """How far VMs of a running wave are. All of the VMs or none."""
    from engines.migration.advancing import progress_of
    from engines.migration.lifecycles import MoveRefused, vm_moves

    id_ = which.project.id
    places = await waves.places(ask.conn, id_)
    for line in lines:
        wave = places.get(line.key)
        if wave is None:
            lead = Text(f"{line.name} is in no wave of {which.project.name}.", "heading")
            return told(ask, which, (lead, Text("Nothing was changed.")), outcome="failed")
        before = (await progress_of(ask.conn, id_, wave))[wave]
        try:
            vm_moves(before, line.key, state, ask.who.id, ask.now, line.name)
        except MoveRefused as refused:
            lead = Text(f"{refused.what}.", "heading")
            rest = Text(f"{refused.fix[0].upper()}{refused.fix[1:]}. Nothing was changed.")
            return told(ask, which, (lead, rest), outcome="failed")
    for line in lines:
        was = (await waves.vm_states(ask.conn, id_, places[line.key] or 0))[line.key]
        await waves.set_vm_state(ask.conn, id_, line.key, state, was, ask.who.id, ask.now)
    await projects.set_schedule(ask.conn, id_, None)
    stale: tuple[Part, ...] = ()
    if state == "failed":
        names = _names(lines)
        stale = await decided(ask, which, f"{names} failed")
    lead = Text(f"{_names(lines)}: {state.replace('_', ' ')}.", "heading")
    name = {places[line.key] for line in lines}
    shown = Choices(tuple(Choice(f"wave {wave}", f"show wave {wave} of {which.project.name}") for wave in sorted(name)))  # type: ignore[type-var]
    return told(ask, which, (lead, await _how(ask, which, lines), *stale, shown))


async def _regrade(ask: Ask, id_: int, keys: Sequence[tuple[str, str]]) -> None:
    from engines.migration.keeping import regraded

    lines, platform = await projects.estate_lines(ask.conn, id_)
    overrides = (await decisions_of(ask.conn, id_)).overrides
    found = await asyncio.to_thread(regraded, [*lines, platform], overrides, frozenset(keys))
    for key, graded in found.items():
        await vms.regrade(ask.conn, id_, key, graded)


async def _how(ask: Ask, which: Meant, lines: Sequence[Line]) -> Table:
    """How the VMs stand now."""
    id_, cells = which.project.id, []
    decided_now = await decisions.overrides(ask.conn, id_)
    for one in lines[:_MOST_SHOWN]:
        found = await vms.named(ask.conn, id_, one.name)
        now = next((other for other in found if other.key == one.key), one)
        place = await waves.why_placed(ask.conn, id_, one.key)
        wave = place[1] if place else None
        state = (await waves.vm_states(ask.conn, id_, wave)).get(one.key) if wave else None
        status = decided_now.get(one.key, {}).get("status")
        plan = f"no: {reason_words(now.left_out)}" if now.left_out else "on hold" if status == "hold" else "yes"
        cells.append((now.name, plan, now.mode, f"{now.risk}, {now.score}", f"wave {wave}" if wave else None,
                      state.replace("_", " ") if state else None))  # fmt: skip
    opens = tuple(f'explain the risk of "{one.name}" in {which.project.name}' for one in lines[:_MOST_SHOWN])
    return Table(_COLUMNS, tuple(cells), len(lines), opens=opens)


def _names(lines: Sequence[Line]) -> str:
    names = list(dict.fromkeys(line.name for line in lines))
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return (", ".join(names[:5]) + more) if more or len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def _words(values: Mapping[str, Any], count: int) -> str:
    """ "moves cold, by hand; comes with priority 1"; in the plural for several VMs."""
    one = count == 1
    found = []
    if "exclude" in values:
        found.append(f"{'is' if one else 'are'} {'out of' if values['exclude'] else 'in'} the plan, by hand")
    if "mode" in values:
        how = f"{values['mode']}, by hand" if values["mode"] else "as the rules say"
        found.append(f"move{'s' if one else ''} {how}")
    if "priority" in values:
        given = values["priority"]
        how = f"with priority {given}" if given else "without a priority"
        found.append(f"come{'s' if one else ''} {how}")
    if "status" in values:
        found.append(f"{'is' if one else 'are'} {_STATUS_WORDS[values['status'] or 'open']}")
    return "; ".join(found)


def _undo(lines: Sequence[Line], values: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    """A sentence that takes it back, where all of the VMs stood alike and one sentence can."""
    names = list(dict.fromkeys(line.name for line in lines))
    decisive = [name for name in values if name in ("exclude", "mode", "priority", "status")]
    if len(names) > 5 or len(decisive) != 1:
        return ()
    was = {one.get(decisive[0]) for one in before}
    if len(was) != 1:
        return ()
    said = " and ".join(quoted(name) for name in names)
    (old,) = was
    sentence = {
        "exclude": f"include {said} in the migration plan" if values.get("exclude") else
                   f"exclude {said} from the migration plan",
        "mode": f"migrate {said} {old}" if old else f"set the migration mode of {said} to automatic",
        "priority": f"set the migration priority of {said} to {old or 'none'}",
        "status": _status_said(said, old),
    }[decisive[0]]  # fmt: skip
    return (Choice("undo", sentence),)


def _status_said(names: str, status: str | None) -> str:
    if status in ("done", "ready"):
        return f"mark {names} as {status} in the migration plan"
    return f"{'put' if status == 'hold' else 'take'} {names} {'on' if status == 'hold' else 'off'} hold"


def _next(which: Meant) -> tuple[Choice, ...]:
    return (Choice("summary", f"summary of the {which.project.name} migration"),)
