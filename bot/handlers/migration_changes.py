"""What people decide about a migration: what goes where, what is left out, what comes before what."""

from collections.abc import Sequence

from bot.handlers.asking import Ask
from bot.handlers.registry import answers
from bot.migrating import Meant, meant, told
from bot.replies import Choice, Choices, Part, Reply, Text
from intents.readings import Name
from storage import migration_decisions as decisions
from storage import migration_projects as projects
from storage import migration_vms as vms
from storage.migration_decisions import Mapped
from storage.migration_vms import Line

_MOST_OFFERED = 6


async def _of_source(ask: Ask, kind: str, name: Name) -> tuple[Meant, str] | Reply:
    """The migration that has such a tenant or network, and its own spelling of it."""
    which = await meant(ask, None)
    if isinstance(which, Reply):
        return which
    for one in (which, *await _others(ask, which)):
        found = await decisions.source_named(ask.conn, one.project.id, kind, name.name)
        if found is not None:
            return one, found
    known = await decisions.sources(ask.conn, which.project.id, kind)
    lead = Text(f"There is no {kind} “{name.name}” in the migration {which.project.name}.", "heading")
    rest = Text(f"It has: {', '.join(one for one, _, _ in known[:_MOST_OFFERED])}." if known else "It has none.")
    return told(ask, which, (lead, rest), outcome="not_found")


async def _others(ask: Ask, which: Meant) -> Sequence[Meant]:
    from bot.migrating import viewer_of

    if which.said:
        return ()
    found = await projects.projects(ask.conn, await viewer_of(ask.conn, ask.who, ask.channel))
    return [Meant(one, which.others) for one in found if one.id != which.project.id]


@answers("migration_scope")
async def migration_scope(ask: Ask, tenant: Name, in_out: str, text: str | None) -> Reply:
    found = await _of_source(ask, "tenant", tenant)
    if isinstance(found, Reply):
        return found
    which, name = found
    project, take = which.project, in_out == "in"
    await decisions.scope_tenant(ask.conn, project.id, name, take=take, reason=text or "", by=ask.who.id, at=ask.now)
    await projects.set_schedule(ask.conn, project.id, None)
    counts = await vms.counts(ask.conn, project.id)
    word = "back in" if take else "out of"
    parts: list[Part] = [
        Text(f"Tenant {name} is {word} the plan of {project.name}.", "heading"),
        Text(f"{counts.vms:,} VMs are to be moved now. Cohorts and waves that were built before do not know of it."),
        Choices((Choice("undo", f"{'exclude' if take else 'include'} tenant {name}"),
                 Choice("summary", f"summary of the {project.name} migration"))),
    ]  # fmt: skip
    return told(ask, which, parts)


@answers("migration_map")
async def migration_map(ask: Ask, tenant: Name | None, network: Name | None, target: Name | str) -> Reply:
    source = tenant or network
    if source is None:
        lead = Text("Which tenant or network of the export is to be mapped?", "heading")
        return Reply((lead, Text("Say: network VLAN-120 goes to net-app")), "incomplete")
    kind = "tenant" if tenant else "network"
    found = await _of_source(ask, kind, source)
    if isinstance(found, Reply):
        return found
    which, name = found
    goal = target if isinstance(target, Name) else Name("", str(target))
    fits = ("project", "domain") if kind == "tenant" else ("network",)
    known = goal.kind in fits and bool(goal.source)
    mapped = Mapped(kind, name, goal.kind if known else "", goal.name, goal.source if known else "",
                    goal.id if known else "", ask.who.id, ask.now)  # fmt: skip
    await decisions.map_to(ask.conn, which.project.id, mapped)
    words = f"{goal.kind} {goal.name}" if known else goal.name
    parts: list[Part] = [Text(f"{kind.capitalize()} {name} of {which.project.name} goes to {words}.", "heading")]
    if not known:
        parts.append(Text(f"I know no {' or '.join(fits)} of that name: it has to be made before the move.", "warning"))
    return told(ask, which, parts)


@answers("migration_depend")
async def migration_depend(ask: Ask, vm: Name, after: Name) -> Reply:
    which = await meant(ask, None)
    if isinstance(which, Reply):
        return which
    for one in (which, *await _others(ask, which)):
        pair = [await vms.named(ask.conn, one.project.id, name.name) for name in (vm, after)]
        if all(pair):
            return await _put_after(ask, one, pair[0], pair[1])
    lead = Text(f"The migration {which.project.name} has no two VMs “{vm.name}” and “{after.name}”.", "heading")
    return told(ask, which, (lead, Text("The names are those of the export.")), outcome="not_found")


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
    await projects.set_schedule(ask.conn, id_, None)
    done = f"{waits[0].name} moves after {first[0].name}"
    lead = Text(f"{done}." if any(new) else f"{done}: that was known already.", "heading")
    return told(ask, which, (lead, *_many(waits, first)))


def _many(waits: Sequence[Line], first: Sequence[Line]) -> tuple[Text, ...]:
    if len(waits) == len(first) == 1:
        return ()
    return (Text(f"That is {len(waits)} VMs after {len(first)}: there are several of the name.", "note"),)
