"""Questions to the inventory: how many, which, what is this, where is that, whose, broken down, all in all."""

from collections.abc import Sequence
from dataclasses import replace

from bot.cards import card
from bot.handlers.asking import Ask, no_data, refs, reply
from bot.handlers.filtering import Belonging, Narrowing, conditions, sources_of
from bot.handlers.registry import answers
from bot.replies import Bar, Chart, Choice, Choices, Column, Fields, Part, Reply, Table, Text
from bot.sentences import PLATFORM_NAMES, list_sentence, plural, state_words
from bot.sentences import conditions as in_words
from bot.tables import opens, resource_table
from engines.inventory.kinds import KINDS
from intents.readings import Name
from storage import inventory, search
from storage.filters import Where
from storage.inventory import Found, Order
from storage.listings import listings

_SAMPLE = 5  # rows that a count shows of what it counted
_BARS = 12


def unknown_kind(kind: str) -> Reply:
    return Reply(
        (Text(f"I keep no {plural(kind)} yet.", "heading"), Text("Say: overview, for what there is.")), "failed"
    )


@answers("count")
async def count(ask: Ask, kind: str, by: Narrowing) -> Reply:
    if kind not in KINDS:
        return unknown_kind(kind)
    wanted = conditions(kind, by)
    number = await inventory.count(ask.conn, ask.who.scope, wanted)
    if not number and await _is_empty(ask):
        return no_data(ask)
    lead = await _count_line(ask, kind, wanted, number)
    narrowed = len(ask.reading.slots) > 1
    parts: list[Part] = [Text(lead, "heading")]
    if number and narrowed:
        parts += await _sample(ask, kind, wanted, number)
    return await _about(ask, parts, kind, by)


async def _count_line(ask: Ask, kind: str, wanted: Where, number: int) -> str:
    """`7 of 41 VMs are off in acme-prod`: with a state, the whole that it is a part of is told too."""
    words = in_words({k: v for k, v in ask.reading.slots.items() if k not in ("kind", "state")})
    state = ask.reading.slots.get("state")
    if not state:
        return f"{number:,} {plural(kind, number)} {words}".strip()
    total = await inventory.count(ask.conn, ask.who.scope, replace(wanted, states=(), disabled=None))
    verb = "is" if number == 1 else "are"
    return f"{number:,} of {total:,} {plural(kind, total)} {verb} {state_words(state)} {words}".strip()


async def _sample(ask: Ask, kind: str, wanted: Where, number: int) -> list[Part]:
    size = KINDS[kind].size
    order: Order = "largest" if size else "name"
    rows = await inventory.rows(ask.conn, ask.who.scope, wanted, order=order, size=size, limit=_SAMPLE)
    table = resource_table(kind, rows, number)
    if number <= _SAMPLE:
        return [table]
    choice = Choice(f"all {number:,}", list_sentence(ask.reading.slots))
    return [table, Choices((choice,))]


async def _is_empty(ask: Ask) -> bool:
    return not await listings(ask.conn)


async def _about(ask: Ask, parts: Sequence[Part], kind: str, by: Narrowing) -> Reply:
    words = in_words({k: v for k, v in ask.reading.slots.items() if k not in ("kind", "state", "sort", "limit")})
    state = f"{state_words(by.state)} " if by.state else ""
    names = (by.project, by.domain, by.host, by.cluster, by.network)
    scope = f"{state}{plural(kind)}{', ' + words if words else ', everywhere'}"
    return await reply(
        ask, parts, _behind(kind, by), scope=scope, platform=by.platform or "", sources=sources_of(*names)
    )


def _behind(kind: str, by: Narrowing) -> set[str]:
    """The kinds that an answer rests on: a filter by project needs the projects as well."""
    return {
        kind,
        *({"project"} if by.project or by.domain else ()),
        *({"host"} if by.cluster else ()),
        *({"port"} if by.network and kind == "vm" else ()),
    }


@answers("list")
async def list_(ask: Ask, kind: str, by: Narrowing, of: Belonging, sort: Order | None, limit: int | None) -> Reply:
    if kind not in KINDS:
        return unknown_kind(kind)
    wanted = conditions(kind, by, of)
    total = await inventory.count(ask.conn, ask.who.scope, wanted)
    if not total and await _is_empty(ask):
        return no_data(ask)
    shown = min(limit or ask.rows, ask.rows) if limit is None or limit > 0 else ask.rows
    size = KINDS[kind].size or "size_gib"
    rows = await inventory.rows(ask.conn, ask.who.scope, wanted, order=sort or "name", size=size, limit=shown)
    full = ask.rows > shown or ask.rows > 1000
    counted = min(total, limit) if limit else total
    parts: list[Part] = [Text(_list_line(ask, kind, counted, total, limit), "heading")]
    if rows:
        parts.append(resource_table(kind, rows, counted, full=full and limit is None))
    return await _about(ask, parts, kind, by)


def _list_line(ask: Ask, kind: str, counted: int, total: int, limit: int | None) -> str:
    slots = ask.reading.slots
    words = in_words({k: v for k, v in slots.items() if k not in ("kind", "state", "sort", "limit")})
    state = f" {state_words(slots['state'])}" if slots.get("state") else ""
    if not total:
        return f"No {plural(kind)}{state} {words}".strip() + "."
    order = f"the {slots['sort']} " if slots.get("sort") else ""
    of = f" of {total:,}" if limit and counted < total else ""
    return f"{order}{counted:,}{of} {plural(kind, total if of else counted)}{state} {words}".strip()


@answers("show")
async def show(ask: Ask, kind: str, name: Name) -> Reply:
    known = KINDS.get(name.kind)
    row = await inventory.one(ask.conn, ask.who.scope, name.kind, (name.source, name.id)) if known else None
    if row is None:
        return await find_(ask, name.name, None)
    return await reply(
        ask,
        await card(ask, row),
        {row.kind, *({"volume", "snapshot", "port"} if row.kind == "vm" else ())},
        scope=f"{plural(row.kind, 1)} {row.name}",
        sources={row.source},
    )


async def find_(ask: Ask, query: str, kind: str | None) -> Reply:
    """One hit is shown whole; several are listed, what fits best first."""
    rows, total, forgiven = await search.find(
        ask.conn, ask.who.scope, query, kind=kind or "", limit=min(ask.rows, 1000)
    )
    kinds = {row.kind for row in rows} or ({kind} if kind else set())
    if total == 1 and not forgiven:
        found = await reply(ask, await card(ask, rows[0]), kinds, scope=f"search for {query}")
        return replace(found, about=tuple(kinds))
    found = await reply(
        ask,
        _hits(query, kind, rows, total, forgiven),
        kinds,
        scope=f"search for {query}" + (f" among {plural(kind)}" if kind else ""),
        outcome="answered" if total else "not_found",
    )
    return replace(found, about=tuple(sorted(kinds)))


@answers("find")
async def find(ask: Ask, query: str, kind: str | None) -> Reply:
    return await find_(ask, query, kind)


def _hits(query: str, kind: str | None, rows: Sequence[Found], total: int, forgiven: bool) -> list[Part]:
    what = plural(kind) if kind else "nothing"
    if not total:
        lead = f"I found no {what} for “{query}”." if kind else f"I found nothing for “{query}”."
        return [Text(lead, "heading"), Text("Names, ids, IPs and MACs were searched, any part of them.")]
    near = " like" if forgiven else " for"
    columns = (Column("name", "name"), Column("kind", "kind"), Column("state", "state"), Column("project", "project"),
               Column("where", "address or place", "list"), Column("source", "source"))  # fmt: skip
    cells = tuple((r.name, plural(r.kind, 1), r.value("state"), r.value("project"), _place(r), r.source) for r in rows)
    names = [f"{r.name} · {plural(r.kind, 1)}" for r in rows[:_SAMPLE]]
    choices = tuple(Choice(name, said) for name, said in zip(names, opens(rows), strict=False))
    lead = f"{total:,} {plural(kind, total) if kind else 'hit' + ('' if total == 1 else 's')}{near} “{query}”"
    return [Text(lead, "heading"), Table(columns, cells, total, opens=opens(rows)), Choices(choices)]


def _place(row: Found) -> list[str]:
    addresses = row.value("addresses") or row.value("ips") or []
    if addresses:
        return [str(one.get("ip")) if isinstance(one, dict) else str(one) for one in addresses]
    told = row.value("address") or row.value("cidr") or row.value("vm") or row.value("host") or row.value("ip")
    return [str(told)] if told else []


@answers("owner")
async def owner(ask: Ask, vm: Name, owner_kind: str | None) -> Reply:
    row = await inventory.one(ask.conn, ask.who.scope, "vm", refs(vm)[0])
    if row is None:
        return await find_(ask, vm.name, "vm")
    known = [
        (f"{kind} owner", row.value(f"{kind}_owner"))
        for kind in ("technical", "business")
        if owner_kind in (None, kind)
    ]
    told = [(title, str(value)) for title, value in known if value]
    pairs = tuple(told) + ((("created by", str(row.value("created_by"))),) if row.value("created_by") else ())
    lead = ", ".join(f"{value} is the {title}" for title, value in told) or f"No {owner_kind or ''} owner is known"
    parts: list[Part] = [Text(f"{lead.replace('  ', ' ')} of {row.name}.", "heading")]
    if pairs:
        parts.append(Fields((*pairs, ("project", str(row.value("project") or "—")))))
    return await reply(ask, parts, {"vm"}, scope=f"VM {row.name}", sources={row.source})


_ID_KINDS = {"project": "project", "vm": "vm", "volume": "volume", "network": "network", "image": "image",
             "user": "user", "domain": "domain", "role": "role", "security_group": "security_group"}  # fmt: skip


@answers("per")
async def per(ask: Ask, kind: str, by: str) -> Reply:
    if kind not in KINDS:
        return unknown_kind(kind)
    if by == "domain" and KINDS[kind].field("domain_id") is None:
        lines = await _per_domain(ask, kind)
    elif inventory.can_break_down_by(by):
        lines = await _named_parts(ask, await inventory.breakdown(ask.conn, ask.who.scope, Where(kind), by), by)
    else:
        return Reply((Text(f"I cannot break {plural(kind)} down by {by.replace('_', ' ')}.", "heading"),), "incomplete")
    total = sum(number for _, number in lines)
    columns = (
        Column("by", by.replace("_", " ")),
        Column("count", plural(kind), "int"),
        Column("share", "share", "percent"),
    )
    cells = tuple((label, number, round(100 * number / total, 1)) for label, number in lines)
    without = {f"no {by.replace('_', ' ')}"}
    over = len([label for label, _ in lines if label not in without])
    lead = f"{total:,} {plural(kind, total)} over {over:,} {plural(by, over)}"
    parts: list[Part] = [Text(lead, "heading"), *_bars(lines, f"{plural(kind)} per {by.replace('_', ' ')}")]
    parts.append(Table(columns, cells[: ask.rows], len(cells)))
    return await reply(ask, parts, {kind, *({by} & KINDS.keys())}, scope=f"{plural(kind)} by {by}, everywhere")


def _bars(lines: Sequence[tuple[str, int]], title: str) -> list[Part]:
    if len(lines) < 2:
        return []
    shown = tuple(Bar(label, number) for label, number in lines[:_BARS])
    more = f" ({_BARS} of {len(lines)})" if len(lines) > _BARS else ""
    alt = ", ".join(f"{bar.label} {bar.value:,.0f}" for bar in shown)
    return [Chart(title + more, shown, alt=alt)]


async def _named_parts(ask: Ask, parts: Sequence[inventory.Part], by: str) -> list[tuple[str, int]]:
    """Labels for the lines of a breakdown: ids become names; one name in two places is told apart."""
    kind = _ID_KINDS.get(by)
    refs_ = [(part.source, part.key) for part in parts if part.key]
    names = await inventory.names_of(ask.conn, ask.who.scope, kind, refs_) if kind else {}
    labels = [_label(part, names, by) for part in parts]
    same = {label for label in labels if labels.count(label) > 1} if len(labels) < 5000 else set()
    if by in ("state", "os", "platform", "owner"):  # the same thing whatever the source
        merged: dict[str, int] = {}
        for label, part in zip(labels, parts, strict=True):
            merged[label] = merged.get(label, 0) + part.count
        return sorted(merged.items(), key=lambda line: (-line[1], line[0]))
    return [
        (f"{label} ({_apart(part, names)})" if label in same else label, part.count)
        for label, part in zip(labels, parts, strict=True)
    ]


def _label(part: inventory.Part, names: dict[tuple[str, str], Found], by: str) -> str:
    if not part.key:
        return f"no {by.replace('_', ' ')}"
    named = names.get((part.source, part.key))
    if by == "platform":
        return PLATFORM_NAMES.get(part.key, part.key)
    if named is None and by in _ID_KINDS:  # an id tells nobody anything, and may be another customer's
        return f"another {by.replace('_', ' ')}"
    return named.name if named else part.key


def _apart(part: inventory.Part, names: dict[tuple[str, str], Found]) -> str:
    named = names.get((part.source, part.key or ""))
    return str(named.value("domain") or named.value("project") or part.source) if named else part.source


async def _per_domain(ask: Ask, kind: str) -> list[tuple[str, int]]:
    """By way of the project: most things do not carry their domain."""
    parts = await inventory.breakdown(ask.conn, ask.who.scope, Where(kind), "project")
    projects = await inventory.names_of(ask.conn, ask.who.scope, "project", [(p.source, p.key) for p in parts if p.key])
    sums: dict[str, int] = {}
    for part in parts:
        project = projects.get((part.source, part.key or ""))
        domain = str(project.value("domain") or "unknown domain") if project else "no domain"
        sums[domain] = sums.get(domain, 0) + part.count
    return sorted(sums.items(), key=lambda line: (-line[1], line[0]))


@answers("overview")
async def overview(ask: Ask, platform: str | None, domain: Name | None, project: Name | None) -> Reply:
    scope = ask.who.scope
    numbers = await inventory.totals(
        ask.conn, scope, platform=platform or "", projects=refs(project), domains=refs(domain)
    )
    if not numbers:
        return no_data(ask)
    by = Narrowing(platform=platform, project=project, domain=domain)
    where_vms = conditions("vm", by)
    states = await inventory.breakdown(ask.conn, scope, where_vms, "state")
    parts: list[Part] = [Text(_overview_line(numbers, states), "heading")]
    lines = await _named_parts(ask, states, "state")
    parts += _bars(lines, "VMs by state")
    columns = (Column("kind", "kind"), Column("count", "count", "int"))
    known = [(plural(kind), numbers[kind]) for kind in KINDS if kind in numbers]
    parts.append(Table(columns, tuple(sorted(known, key=lambda line: -line[1])), len(known)))
    words = in_words(ask.reading.slots)
    return await reply(
        ask,
        parts,
        set(numbers),
        scope=words or "everything",
        platform=platform or "",
        sources=sources_of(domain, project),
    )


def _overview_line(numbers: dict[str, int], states: Sequence[inventory.Part]) -> str:
    vcpus = sum(part.vcpus for part in states)
    memory_gib = sum(part.memory_mib for part in states) // 1024
    told = [
        f"{numbers[kind]:,} {plural(kind, numbers[kind])}"
        for kind in ("vm", "host", "project", "volume", "network", "user")
        if numbers.get(kind)
    ]
    return f"{', '.join(told)} · {vcpus:,} vCPU and {memory_gib:,} GiB of memory given to VMs"
