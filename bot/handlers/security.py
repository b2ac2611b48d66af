"""Who may reach what: rules that are open to the world, roles in the cloud, what was done with Stackhand."""

from collections.abc import Iterable
from datetime import datetime

from bot.handlers.asking import Ask, refs, reply
from bot.handlers.filtering import Narrowing, conditions, sources_of
from bot.handlers.registry import answers
from bot.replies import Bar, Chart, Column, Part, Reply, Table, Text
from bot.sentences import conditions as in_words
from engines.inventory import rules
from engines.policy import ROLES
from intents.readings import Name
from storage import audit, inventory
from storage.filters import Where
from storage.inventory import Found

_RULE_COLUMNS = (
    Column("project", "project"),
    Column("security_group", "security group"),
    Column("protocol", "protocol"),
    Column("ports", "ports"),
    Column("remote_cidr", "open to"),
    Column("vms", "VMs with it", "int"),
    Column("created", "created", "time"),
)


@answers("open_rules")
async def open_rules(ask: Ask, project: Name | None, port: int | None) -> Reply:
    wanted = conditions("security_group_rule", Narrowing(project=project))
    found = rules.open_rules(await inventory.rows(ask.conn, ask.who.scope, wanted), port)
    used = await _vms_by_group(ask, project)
    words = f"in {project.name}" if project else "in all projects"
    on = f" on port {port}" if port else ""
    groups = len({(rule.source, rule.value("parent_id")) for rule in found})
    lead = (
        f"{groups:,} security group{'' if groups == 1 else 's'} open to the world{on} {words}, by {len(found):,} rules"
    )
    parts: list[Part] = [Text(lead if found else f"Nothing is open to the world{on} {words}.", "heading")]
    if found:
        cells = tuple(_rule_cells(rule, used) for rule in found)
        parts += [*_by_project(found), Table(_RULE_COLUMNS, cells[: ask.rows], len(cells))]
    scope = f"ingress from anywhere{on}, {words}"
    kinds = {"security_group_rule", "security_group"}
    return await reply(ask, parts, kinds, scope=scope, sources=sources_of(project))


GroupKey = tuple[str, str | None, str]
"""source, project id, group's name: how VMs name their groups."""


async def _vms_by_group(ask: Ask, project: Name | None) -> dict[GroupKey, int]:
    counts = await inventory.group_uses(ask.conn, ask.who.scope, refs(project))
    return dict(counts)


def _rule_cells(rule: Found, used: dict[GroupKey, int]) -> tuple[object, ...]:
    group = str(rule.value("security_group") or rule.value("parent_id") or "")
    return (
        rule.value("project"),
        group,
        rule.value("protocol") or "any",
        _ports(rule),
        rule.value("remote_cidr") or "anywhere",
        used.get((rule.source, rule.project_id, group), 0),
        rule.value("created"),
    )


def _ports(rule: Found) -> str:
    low, high = rule.value("port_min"), rule.value("port_max")
    if low is None:
        return "all"
    return str(low) if high in (None, low) else f"{low}–{high}"


def _by_project(found: list[Found]) -> list[Part]:
    counts: dict[str, int] = {}
    for rule in found:
        name = str(rule.value("project") or "no project")
        counts[name] = counts.get(name, 0) + 1
    if len(counts) < 2:
        return []
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:12]
    bars = tuple(Bar(name, number) for name, number in ranked)
    return [Chart("Open rules by project", bars, alt=", ".join(f"{b.label} {b.value:.0f}" for b in bars))]


_ROLE_COLUMNS = (
    Column("user", "user"),
    Column("role", "role"),
    Column("project", "on project"),
    Column("domain", "on domain"),
    Column("via", "through"),
    Column("source", "source"),
)


@answers("roles")
async def roles(ask: Ask, user: Name | None, role: Name | None, project: Name | None) -> Reply:
    """Assignments in the cloud, with those that come through a group or from a domain above."""
    found = await inventory.rows(ask.conn, ask.who.scope, Where("role_assignment"))
    groups = await inventory.rows(ask.conn, ask.who.scope, Where("group"))
    members = {(g.source, g.external_id): [str(m) for m in g.value("members") or []] for g in groups}
    lines = sorted({line for one in found for line in _role_lines(one, members)})
    kept = [line for line in lines if _matches(line, user, role, project)]
    words = in_words({k: v for k, v in ask.reading.slots.items() if k == "project"})
    lead = _roles_lead(kept, user, role, words)
    parts: list[Part] = [Text(lead, "heading")]
    if kept:
        parts.append(Table(_ROLE_COLUMNS, tuple(kept[: ask.rows]), len(kept)))
    if role is not None and role.name in ROLES and not kept:
        parts.append(Text("Roles in Stackhand itself: stackhand people list, or who am I.", "note"))
    return await reply(ask, parts, {"role_assignment", "group", "user", "role"},
                       scope=in_words(ask.reading.slots) or "all role assignments",
                       sources=sources_of(user, project))  # fmt: skip


RoleLine = tuple[str, str, str, str, str, str]


def _role_lines(one: Found, members: dict[tuple[str, str], list[str]]) -> Iterable[RoleLine]:
    """One line for the user, or one for each member of the group; unknown names stay ids."""
    role = str(one.value("role") or one.value("role_id") or "")
    project = str(one.value("project") or one.project_id or "")
    domain = str(one.value("domain") or one.value("domain_id") or "") if not project else ""
    place = ("whole system" if one.value("system") else project, domain)
    how = "inherited" if one.value("inherited") else ""
    if one.value("user_id"):
        yield (str(one.value("user") or one.value("user_id")), role, *place, how or "direct", one.source)
        return
    group = str(one.value("group") or one.value("group_id") or "")
    via = f"group {group}" + (f", {how}" if how else "")
    for member in members.get((one.source, str(one.value("group_id"))), []) or ["(empty group)"]:
        yield (member, role, *place, via, one.source)


def _matches(line: RoleLine, user: Name | None, role: Name | None, project: Name | None) -> bool:
    wanted = ((user, 0), (role, 1), (project, 2))
    return all(
        name is None or (line[at].casefold() == name.name.casefold() and name.source in ("", line[5]))
        for name, at in wanted
    )


def _roles_lead(kept: list[RoleLine], user: Name | None, role: Name | None, words: str) -> str:
    number = f"{len(kept):,} role assignment{'' if len(kept) == 1 else 's'}"
    if user is not None:
        held = ", ".join(sorted({line[1] for line in kept})) or "no role"
        return f"{user.name} has {held} {words}".strip()
    if role is not None:
        people = sorted({line[0] for line in kept})
        told = ", ".join(people[:5]) + (f" and {len(people) - 5} more" if len(people) > 5 else "")
        hold = "user holds" if len(people) == 1 else "users hold"
        return f"{len(people)} {hold} {role.name} {words}: {told or 'nobody'}"
    return f"{number} {words}".strip()


_AUDIT_COLUMNS = (
    Column("at", "when", "time"),
    Column("person", "who"),
    Column("action", "what"),
    Column("target", "on"),
    Column("outcome", "outcome"),
)


@answers("audit")
async def audit_(ask: Ask, user: Name | None, since: datetime | None, until: datetime | None) -> Reply:
    """All of it for admins of everything; everybody else sees what they did themselves: it names what others asked.

    A channel that is about a customer is no place for all of it either.
    """
    mine = not ask.who.everywhere & {"admin", "superadmin"} or not ask.who.scope.everything
    if mine and user is not None and user.name.casefold() != ask.who.id.casefold():
        return Reply(
            (Text("You may see what you did yourself; the rest needs the role admin.", "heading"),), "not_allowed"
        )
    person = ask.who.id if mine else user.name if user else ""
    lines, total = await audit.entries(ask.conn, person=person, since=since, until=until, limit=ask.rows)
    words = in_words({k: v for k, v in ask.reading.slots.items() if k in ("since", "until")})
    by = f" by {person}" if person else ""
    parts: list[Part] = [Text(f"{total:,} entries{by} {words}".strip(), "heading")]
    if lines:
        cells = tuple((e.at.isoformat(), e.person, e.action.replace("_", " "), e.target, e.outcome) for e in lines)
        parts.append(Table(_AUDIT_COLUMNS, cells, total))
    return Reply(tuple(parts), scope=f"audit record{by} {words}".strip())


@answers("audit_verify")
async def audit_verify(ask: Ask) -> Reply:
    verdict = await audit.verify(ask.conn)
    if verdict.bad is None:
        end = await audit.head(ask.conn)
        told = f" Its head is {end.hash.hex()[:16]}… at row {end.id}: note it elsewhere." if end else ""
        text = f"The audit record is intact: {verdict.rows:,} rows, each follows from the one before."
        return Reply((Text(text, "heading"), Text(told.strip() or "It is empty.", "note")), scope="audit record")
    return Reply(
        (
            Text(f"The audit record was tampered with at row {verdict.bad}: {verdict.why}.", "warning"),
            Text(f"{verdict.rows:,} rows before it are as they were written. Keep a copy and compare with a backup."),
        ),
        outcome="failed",
        scope="audit record",
    )
