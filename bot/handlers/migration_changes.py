"""What people decide about a migration: what goes where, what is left out, what comes before what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.handlers.asking import Ask
from bot.handlers.registry import answers
from bot.migrating import Meant, containing, decided, meant, others, quoted, told
from bot.replies import Choice, Choices, Part, Reply, Text
from intents.readings import Name
from storage import migration_decisions as decisions
from storage import migration_vms as vms
from storage import migration_waves as waves
from storage.migration_decisions import Mapped
from storage.migration_vms import Line

_MOST_AT_ONCE = 5_000  # VMs that one sentence decides about
_MOST_OFFERED = 6


async def _of_source(ask: Ask, kind: str, name: Name) -> tuple[Meant, str] | Reply:
    """The migration that has such a tenant or network, and its own spelling of it."""
    which = await meant(ask, None)
    if isinstance(which, Reply):
        return which
    for one in (which, *await others(ask, which)):
        found = await decisions.source_named(ask.conn, one.project.id, kind, name.name)
        if found is not None:
            return one, found
    known = await decisions.sources(ask.conn, which.project.id, kind)
    lead = Text(f"There is no {kind} “{name.name}” in the migration {which.project.name}.", "heading")
    rest = Text(f"It has: {', '.join(one for one, _, _ in known[:_MOST_OFFERED])}." if known else "It has none.")
    return told(ask, which, (lead, rest), outcome="not_found")


@dataclass(frozen=True, slots=True)
class ByHand:
    """`priority` 0 and `mode` "auto" leave it to the rules; `status` is one of the plan, or how far a VM is."""

    in_out: str | None
    mode: str | None
    priority: int | None
    status: str | None
    text: str | None


@answers("migration_scope")
async def migration_scope(ask: Ask, tenant: Name | None, vm: Name | None, vms: list[str] | None, hand: ByHand) -> Reply:
    names = vms or ([vm.name] if vm else [])
    if tenant is None and not names:
        lead = Text("Which tenant or VM of the export?", "heading")
        return Reply((lead, Text("Say: exclude tenant Lab from dc1; or: migrate erp-db cold")), "incomplete")
    if not (hand.in_out or hand.mode or hand.status or hand.priority is not None):
        lead = Text("What is to be decided about it?", "heading")
        rest = "In or out of the plan, warm or cold, on hold or done, or its priority."
        return Reply((lead, Text(rest)), "incomplete")
    if names:
        return await _about_vms(ask, names, hand)
    assert tenant is not None
    found = await _of_source(ask, "tenant", tenant)
    if isinstance(found, Reply):
        return found
    return await (_tenant_in_out(ask, *found, hand) if hand.in_out else _about_tenant(ask, *found, hand))


async def _about_vms(ask: Ask, names: Sequence[str], hand: ByHand) -> Reply:
    found = await containing(ask, names)
    if isinstance(found, Reply):
        return found
    which, named = found
    return await _decide(ask, which, [line for lines in named for line in lines], hand)


async def _about_tenant(ask: Ask, which: Meant, name: str, hand: ByHand) -> Reply:
    lines, total = await vms.listed(ask.conn, which.project.id, vms.Narrow(tenant=name), _MOST_AT_ONCE)
    if total > _MOST_AT_ONCE:
        lead = Text(f"Tenant {name} has {total:,} VMs: {_MOST_AT_ONCE:,} at once is the most.", "heading")
        return told(ask, which, (lead, Text("Name the VMs that it is about. Nothing was changed.")), outcome="failed")
    if not lines:
        lead = Text(f"Tenant {name} has no VM in the plan of {which.project.name}.", "heading")
        return told(ask, which, (lead,), outcome="not_found")
    return await _decide(ask, which, lines, hand)


async def _decide(ask: Ask, which: Meant, lines: Sequence[Line], hand: ByHand) -> Reply:
    from bot.migration_by_hand import MOST_PRIORITY, change, report
    from engines.migration.advancing import vm_state
    from engines.migration.lifecycles import VM_STATES

    if hand.status in VM_STATES:
        return await report(ask, which, lines, vm_state(hand.status))
    if hand.priority is not None and not 0 <= hand.priority <= MOST_PRIORITY:
        lead = Text(f"{hand.priority:,} is no priority: say 1, which comes first, to {MOST_PRIORITY}.", "heading")
        return told(ask, which, (lead,), outcome="incomplete")
    values: dict[str, Any] = {}
    if hand.in_out:
        values["exclude"] = hand.in_out == "out"
    if hand.mode:
        values["mode"] = None if hand.mode == "auto" else hand.mode
    if hand.priority is not None:
        values["priority"] = hand.priority or None
    if hand.status:
        values["status"] = hand.status
    if hand.in_out or hand.status == "hold":
        values["reason"] = (hand.text or "")[:500]
    return await change(ask, which, lines, values)


async def _tenant_in_out(ask: Ask, which: Meant, name: str, hand: ByHand) -> Reply:
    project, take = which.project, hand.in_out == "in"
    lines, _ = await vms.listed(ask.conn, project.id, vms.Narrow(tenant=name), _MOST_AT_ONCE)
    reason = hand.text or ""
    await decisions.scope_tenant(ask.conn, project.id, name, take=take, reason=reason, by=ask.who.id, at=ask.now)
    taken_back = await waves.take_back(ask.conn, project.id, [one.key for one in lines], ask.who.id, ask.now)
    word = "back in" if take else "out of"
    stale = await decided(ask, which, f"tenant {name} is {'in' if take else 'out'}")
    counts = await vms.counts(ask.conn, project.id)
    parts: list[Part] = [
        Text(f"Tenant {name} is {word} the plan of {project.name}.", "heading"),
        Text(f"{counts.vms:,} VM{'s are' if counts.vms != 1 else ' is'} to be moved now."),
        *(Text(f"{wave} was confirmed, and is planned again.", "warning") for wave in taken_back),
        *stale,
        Choices((Choice("undo", f"{'exclude' if take else 'include'} tenant {name}"),
                 Choice("summary", f"summary of the {project.name} migration"))),
    ]  # fmt: skip
    return told(ask, which, parts)


@answers("migration_map")
async def migration_map(ask: Ask, tenant: Name | None, network: Name | None, target: Name | str | None) -> Reply:
    source = tenant or network
    if source is None:
        lead = Text("Which tenant or network of the export is to be mapped?", "heading")
        return Reply((lead, Text("Say: network VLAN-120 goes to net-app")), "incomplete")
    kind = "tenant" if tenant else "network"
    found = await _of_source(ask, kind, source)
    if isinstance(found, Reply):
        return found
    which, name = found
    if target is None:
        return await _confirm_mapping(ask, which, kind, name)
    goal = target if isinstance(target, Name) else Name("", str(target))
    return await _map(ask, which, kind, name, goal)


async def _map(ask: Ask, which: Meant, kind: str, name: str, goal: Name) -> Reply:
    fits = ("project", "domain") if kind == "tenant" else ("network",)
    known = goal.kind in fits and bool(goal.source)
    mapped = Mapped(kind, name, goal.kind if known else "", goal.name, goal.source if known else "",
                    goal.id if known else "", ask.who.id, ask.now)  # fmt: skip
    before = (await decisions.mappings(ask.conn, which.project.id, kind)).get(name)
    await decisions.map_to(ask.conn, which.project.id, mapped)
    words = f"{goal.kind} {goal.name}" if known else goal.name
    lead = f"{kind.capitalize()} {name} of {which.project.name} goes to {words}."
    parts: list[Part] = [Text(lead, "heading")]
    if before is not None and before.target != goal.name:
        parts.append(Text(f"It went to {before.target} before."))
    if not known:
        parts.append(Text(f"I know no {' or '.join(fits)} of that name: it has to be made before the move.", "warning"))
    ready = Choice("what is missing", f"readiness of the {which.project.name} migration")
    return told(ask, which, [*parts, Choices((ready,))])


async def _confirm_mapping(ask: Ask, which: Meant, kind: str, name: str) -> Reply:
    """What was likely becomes what was decided."""
    from bot.migration_targets import likely

    goal = await likely(ask, which.project.id, kind, name)
    if goal is None:
        lead = Text(f"Nothing at the target is like {kind} {name}: say where it goes.", "heading")
        words = f"network {name} goes to NAME" if kind == "network" else f"map tenant {name} to project NAME"
        return told(ask, which, (lead, Text(f"Say: {words}")), outcome="incomplete")
    return await _map(ask, which, kind, name, goal)


@answers("migration_depend")
async def migration_depend(ask: Ask, vm: Name, after: Name, on_off: str | None) -> Reply:
    found = await containing(ask, [vm.name, after.name])
    if isinstance(found, Reply):
        return found
    which, (waits, first) = found
    return await (_part if on_off == "off" else _put_after)(ask, which, waits, first)


async def _part(ask: Ask, which: Meant, waits: Sequence[Line], first: Sequence[Line]) -> Reply:
    """No VM of the one name waits for one of the other any more."""
    gone = [await decisions.independent(ask.conn, which.project.id, one.key, other.key)
            for one in waits for other in first]  # fmt: skip
    if not any(gone):
        lead = Text(f"{waits[0].name} does not wait for {first[0].name}: nothing was changed.", "heading")
        return told(ask, which, (lead,))
    said = f"{waits[0].name} no longer waits for {first[0].name}"
    stale = await decided(ask, which, said)
    undo = Choice("undo", f"{quoted(waits[0].name)} depends on {quoted(first[0].name)}")
    return told(ask, which, (Text(f"{said}.", "heading"), *stale, Choices((undo,))))


async def _put_after(ask: Ask, which: Meant, waits: Sequence[Line], first: Sequence[Line]) -> Reply:
    """Every VM of the one name after every VM of the other; a circle is refused with its path."""
    from engines.migration.dependencies import CircleFound, check_order

    id_ = which.project.id
    known = await decisions.dependencies(ask.conn, id_)
    for one in waits:
        known[one.key] = [*known.get(one.key, []), *(other.key for other in first)]
    try:
        check_order(known)
    except CircleFound as circle:
        keys = [(str(key[0]), str(key[1])) for key in circle.path if isinstance(key, tuple)]
        spelled = await vms.names(ask.conn, id_, keys)
        path = " needs ".join(spelled.get(key, key[-1]) for key in keys)
        lead = Text("That cannot be: the dependencies would go round in a circle.", "heading")
        return told(ask, which, (lead, Text(f"{path}. Nothing was changed.")), outcome="failed")
    new = [await decisions.depend(ask.conn, id_, one.key, other.key, ask.who.id, ask.now)
           for one in waits for other in first]  # fmt: skip
    done = f"{waits[0].name} moves after {first[0].name}"
    if not any(new):
        return told(ask, which, (Text(f"{done}: that was known already.", "heading"),))
    stale = await decided(ask, which, done)
    undo = Choice("undo", f"{quoted(waits[0].name)} no longer depends on {quoted(first[0].name)}")
    return told(ask, which, (Text(f"{done}.", "heading"), *_many(waits, first), *stale, Choices((undo,))))


def _many(waits: Sequence[Line], first: Sequence[Line]) -> tuple[Text, ...]:
    if len(waits) == len(first) == 1:
        return ()
    return (Text(f"That is {len(waits)} VMs after {len(first)}: there are several of the name.", "note"),)
