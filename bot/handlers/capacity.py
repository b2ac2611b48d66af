"""Room and limits: what the hosts have, what still fits, what projects may use, who uses most."""

from collections.abc import Callable, Sequence

from bot.formats import size
from bot.handlers.asking import Ask, UnknownNameError, no_data, refs, reply
from bot.handlers.filtering import Narrowing, conditions, sources_of
from bot.handlers.registry import answers
from bot.replies import Bar, CellType, Chart, Choice, Choices, Column, Part, Reply, Table, Text
from bot.sentences import conditions as in_words
from bot.sentences import plural
from bot.tables import opens
from engines.inventory import capacity as rooms
from engines.inventory import quotas
from engines.inventory.kinds import KINDS
from intents.readings import Name
from storage import inventory
from storage.filters import Ref, Where
from storage.inventory import Found

_BARS = 20
_GIB_MIB = 1024
_MIB, _GIB = 2**20, 2**30
_CELL_TYPES: dict[str, CellType] = {"int": "int", "mib": "mib", "gib": "gib"}
Label = Callable[[quotas.Usage], str]


async def _hosts(ask: Ask, cluster: Name | None, host: Name | None, platform: str | None) -> list[Found]:
    wanted = conditions("host", Narrowing(platform=platform, cluster=cluster, host=host))
    return await inventory.rows(ask.conn, ask.who.scope, wanted)


@answers("capacity")
async def capacity(
    ask: Ask, metric: str | None, host: Name | None, cluster: Name | None, platform: str | None
) -> Reply:
    hosts = await _hosts(ask, cluster, host, platform)
    if not hosts:
        return _no_hosts(ask)
    total = rooms.totals(hosts)
    lines = [line for line in _capacity_lines(total) if metric in (None, line[0])]
    if not lines:
        return Reply(
            (Text(f"Hosts have cpu, memory and storage; {metric} is no capacity of theirs.", "heading"),), "incomplete"
        )
    words = in_words({k: v for k, v in ask.reading.slots.items() if k != "metric"}) or "everywhere"
    parts: list[Part] = [Text(_capacity_lead(lines, words), "heading"), _capacity_chart(lines)]
    titles = ("what", "used", "can be given away", "free", "physical")
    columns = (*(Column(title, title) for title in titles), Column("share", "share used", "percent"))
    cells = tuple(
        (title, _amount(u, unit), _amount(o, unit), _amount(max(o - u, 0), unit), _amount(p, unit), _percent(u, o))
        for _, title, unit, u, o, p in lines
    )
    parts += [Table(columns, cells, len(cells)), *await _host_table(hosts)]
    if total.usable_hosts < total.hosts:
        out = [h.name for h in hosts if not rooms.room(h).usable]
        parts.append(Text(f"{len(out)} of {total.hosts} hosts take no VMs: {', '.join(out[:5])}.", "warning"))
    return await reply(ask, parts, {"host"}, scope=f"capacity {words}", platform=platform or "",
                       sources=sources_of(host, cluster))  # fmt: skip


def _no_hosts(ask: Ask) -> Reply:
    if not ask.who.scope.everything:
        text = Text("Hosts belong to the provider: you may see your projects' quotas, not the hardware.", "heading")
        return Reply((text, Choices((Choice("quotas", "which projects are near their quota"),))), "not_allowed")
    return no_data(ask)


CapacityLine = tuple[str, str, str, int, int, int]
"""metric, title, unit (a CellType), used, offered, physical."""


def _capacity_lines(t: rooms.Totals) -> list[CapacityLine]:
    return [
        ("cpu", "vCPU", "int", t.vcpus_used, t.vcpus_offered, t.vcpus),
        ("memory", "memory", "mib", t.memory_used_mib, t.memory_offered_mib, t.memory_mib),
        ("storage", "local disk", "gib", t.disk_used_gib, t.disk_offered_gib, t.disk_gib),
    ]


def _amount(value: int, unit: str) -> str:
    return f"{value:,}" if unit == "int" else size(value * (_MIB if unit == "mib" else _GIB))


def _percent(used: int, offered: int) -> float | None:
    return round(100 * used / offered, 1) if offered else None


def _capacity_lead(lines: Sequence[CapacityLine], words: str) -> str:
    told = [f"{_amount(max(o - u, 0), unit)} {title} free of {_amount(o, unit)}" for _, title, unit, u, o, _ in lines]
    return f"{', '.join(told)} {words}"


def _capacity_chart(lines: Sequence[CapacityLine]) -> Chart:
    bars = tuple(Bar(title, _percent(u, o) or 0.0, 100.0) for _, title, _, u, o, _ in lines)
    alt = ", ".join(f"{bar.label} {bar.value:.0f} %" for bar in bars)
    return Chart("Used of what can be given away", bars, "%", alt)


async def _host_table(hosts: Sequence[Found]) -> list[Part]:
    columns = (Column("name", "host"), Column("state", "state"), Column("vms", "VMs", "int"),
               Column("vcpus_free", "vCPU free", "int"), Column("memory_free", "memory free", "mib"),
               Column("memory_share", "memory used", "percent"))  # fmt: skip
    cells = []
    for host in hosts:
        r = rooms.room(host)
        cpu = None if r.vcpus is None else r.vcpus - r.vcpus_used
        memory = None if r.memory_mib is None else r.memory_mib - r.memory_used_mib
        share = _percent(r.memory_used_mib, r.memory_mib or 0)
        state = "disabled" if host.value("enabled") is False else host.value("state")
        cells.append((host.name, state, host.value("vms"), cpu, memory, share))
    cells.sort(key=lambda cell: -(cell[5] or 0))
    return [Table(columns, tuple(cells), len(cells), "By host")] if len(cells) > 1 else []


@answers("fit")
async def fit(ask: Ask, count: int, vcpus: int, memory_gb: float, cluster: Name | None, host: Name | None) -> Reply:
    """memory_gb is what people say; it is taken as GiB."""
    hosts = await _hosts(ask, cluster, host, None)
    if not hosts:
        return _no_hosts(ask)
    size = rooms.Size(int(vcpus), int(memory_gb * _GIB_MIB))
    worst = rooms.fullest(hosts)
    found = rooms.fit(hosts, size, await _sizes_on(ask, worst))
    words = in_words({k: v for k, v in ask.reading.slots.items() if k in ("cluster", "host")}) or "everywhere"
    shape = f"{count:,} VM{'s' if count != 1 else ''} of {size.vcpus} vCPU and {memory_gb:g} GiB"
    parts: list[Part] = [
        Text(_fit_lead(found, int(count), shape, words), "heading"),
        Text(f"Now there is room for {found.now:,} of them on {found.hosts:,} hosts that take VMs."),
        _one_down(found, int(count)),
    ]
    if found.unknown:
        parts.append(Text(f"Left out, their size is not known: {', '.join(found.unknown[:5])}.", "warning"))
    return await reply(ask, parts, {"host", "vm"}, scope=f"room {words}", sources=sources_of(cluster, host))


async def _sizes_on(ask: Ask, host: Found | None) -> list[rooms.Size]:
    if host is None:
        return []
    vms = await inventory.rows(ask.conn, ask.who.scope, Where("vm", host=((host.source, host.name),)))
    return [rooms.Size(vm.value("vcpus") or 0, vm.value("memory_mib") or 0) for vm in vms]


def _fit_lead(found: rooms.Fit, count: int, shape: str, words: str) -> str:
    if found.now < count:
        return f"No: {shape} do not fit {words}; {found.now:,} do."
    if found.hosts > 1 and (found.one_down or 0) < count:
        return f"Yes, but not with a host down: {shape} fit {words} now."
    return f"Yes, {shape} fit {words}."


def _one_down(found: rooms.Fit, count: int) -> Text:
    if found.hosts < 2:
        return Text("It is the only host that takes VMs: nothing is left if it fails.", "warning")
    if found.one_down is None:
        return Text(f"If {found.worst} failed, not even its own VMs would find room on the others.", "warning")
    enough = found.one_down >= count
    return Text(
        f"With {found.worst} down and its VMs moved to the others there is room for {found.one_down:,} of them.",
        "plain" if enough else "warning",
    )


@answers("quota")
async def quota(ask: Ask, project: Name) -> Reply:
    ref = _one_ref(project)
    row = await inventory.one(ask.conn, ask.who.scope, "quota", ref)
    if row is None:
        text = Text(f"No quota of {project.name} is known.", "heading")
        return await reply(ask, [text], {"quota"}, sources={ref[0]}, outcome="not_found")
    usages = quotas.usages(row)
    limited = [u for u in usages if u.share is not None]
    near = [u for u in limited if (u.share or 0) >= quotas.NEAR]
    parts: list[Part] = [Text(_quota_lead(project, near), "heading")]
    if limited:
        parts.append(_quota_chart(f"Quota of {project.name}", limited, lambda u: quotas.TITLES[u.metric]))
    parts.append(_quota_table(usages, named=False))
    return await reply(ask, parts, {"quota", "project"}, scope=f"quota of {project.name}", sources={ref[0]})


def _one_ref(name: Name) -> Ref:
    found = refs(name)
    if not found:
        raise UnknownNameError(name)
    return found[0]


def _quota_lead(project: Name, near: Sequence[quotas.Usage]) -> str:
    where = f"{project.name} ({project.domain})" if project.domain else project.name
    if not near:
        return f"{where} is below {quotas.NEAR:.0%} of every limit."
    told = ", ".join(f"{quotas.TITLES[u.metric]} {u.share:.0%}" for u in near)
    return f"{where} is near its limit: {told}"


def _quota_chart(title: str, usages: Sequence[quotas.Usage], label: Label) -> Chart:
    shown = sorted(usages, key=lambda u: -(u.share or 0))[:_BARS]
    bars = tuple(Bar(label(u), round(100 * (u.share or 0), 1), 100.0) for u in shown)
    return Chart(title, bars, "%", ", ".join(f"{bar.label} {bar.value:.0f} %" for bar in bars))


def _quota_table(usages: Sequence[quotas.Usage], *, named: bool, rows: int | None = None) -> Table:
    lead = (Column("project", "project"), Column("domain", "domain")) if named else ()
    columns = (*lead, Column("what", "what"), Column("used", "used"), Column("limit", "limit"),
               Column("share", "share used", "percent"))  # fmt: skip
    cells = tuple(
        (
            *((u.project, u.domain) if named else ()),
            quotas.TITLES[u.metric],
            _of(u, u.used),
            "no limit" if u.limit is None else _of(u, u.limit),
            None if u.share is None else round(100 * u.share, 1),
        )
        for u in usages
    )
    return Table(columns, cells[:rows], len(cells))


def _of(usage: quotas.Usage, value: int | None) -> str:
    if value is None:
        return "—"
    unit = {"memory_mib": "mib", "storage_gib": "gib"}.get(usage.metric, "int")
    return _amount(value, unit)


@answers("quota_near")
async def quota_near(ask: Ask, metric: str | None) -> Reply:
    rows = await inventory.rows(ask.conn, ask.who.scope, Where("quota"))
    if not rows:
        return no_data(ask)
    near = quotas.near_limit(rows, metric or "")
    projects = len({(u.source, u.project, u.domain) for u in near})
    of = f" of their {quotas.TITLES.get(quotas.METRIC_FIELDS.get(metric, ''), metric)}" if metric else ""
    verb = "is" if projects == 1 else "are"
    lead = f"{projects} of {len(rows)} projects {verb} at {quotas.NEAR:.0%} or more{of or ' of a limit'}"
    parts: list[Part] = [Text(lead, "heading")]
    if near:
        parts.append(_quota_chart("Nearest to a limit", near, lambda u: f"{u.project} · {quotas.TITLES[u.metric]}"))
        parts.append(_quota_table(near, named=True, rows=ask.rows))
    return await reply(
        ask, parts, {"quota", "project"}, scope=f"quotas{' · ' + metric if metric else ''}, all projects"
    )


_METRICS = {"cpu": ("vcpus", "vCPU", "int"), "memory": ("memory_mib", "memory", "mib"),
            "storage": ("size_gib", "volume storage", "gib"), "vms": ("count", "VMs", "int"),
            "volumes": ("count", "volumes", "int")}  # fmt: skip


@answers("top")
async def top(ask: Ask, metric: str, by: str | None, limit: int | None, project: Name | None) -> Reply:
    if metric not in _METRICS:
        text = Text("There is no price list yet, so I cannot say who costs most.", "heading")
        return Reply((text, Choices((Choice("by memory", "top projects by memory"),))), "failed")
    shown = min(limit or 10, 200)
    if by == "vm" or (by is None and project is not None and metric in ("cpu", "memory")):
        return await _top_vms(ask, metric, shown, project)
    return await _top_groups(ask, metric, by or "project", shown, project)


async def _top_vms(ask: Ask, metric: str, shown: int, project: Name | None) -> Reply:
    """The biggest single VMs; storage and counts are not of one VM alone, so only size counts."""
    field, title, unit = _METRICS[metric if metric in ("cpu", "memory") else "memory"]
    if metric not in ("cpu", "memory"):
        return await _top_groups(ask, metric, "vm", shown, project)
    wanted = conditions("vm", Narrowing(project=project))
    rows = await inventory.rows(ask.conn, ask.who.scope, wanted, order="largest", size=field, limit=shown)
    total = await inventory.count(ask.conn, ask.who.scope, wanted)
    columns = (Column("name", "VM"), Column(field, title, "mib" if unit == "mib" else "int"),
               Column("project", "project"), Column("state", "state"), Column("host", "host"))  # fmt: skip
    cells = tuple((r.name, r.value(field), r.value("project"), r.value("state"), r.value("host")) for r in rows)
    words = f"in {project.name}" if project else "everywhere"
    bars = tuple(Bar(r.name, _scaled(r.value(field) or 0, unit)) for r in rows)
    parts: list[Part] = [
        Text(f"The {len(rows)} VMs with the most {title} {words}, of {total:,}", "heading"),
        *_top_chart(title, bars, unit),
        Table(columns, cells, len(cells), opens=opens(rows)),
    ]
    return await reply(ask, parts, {"vm"}, scope=f"VMs by {title}, {words}", sources=sources_of(project))


def _scaled(value: int, unit: str) -> float:
    return round(value / _GIB_MIB, 1) if unit == "mib" else float(value)


def _top_chart(title: str, bars: tuple[Bar, ...], unit: str) -> list[Part]:
    if len(bars) < 2:
        return []
    shown = "" if unit == "int" else "GiB"
    alt = ", ".join(f"{bar.label} {bar.value:g} {shown}".strip() for bar in bars[:_BARS])
    return [Chart(f"Most {title}", bars[:_BARS], shown, alt)]


async def _top_groups(ask: Ask, metric: str, by: str, shown: int, project: Name | None) -> Reply:
    field, title, unit = _METRICS[metric]
    kind = "volume" if metric in ("storage", "volumes") else "vm"
    if by not in ("project", "domain", "host", "vm", "user", "owner", "os", "platform", "cluster", "flavor"):
        return Reply((Text(f"I cannot rank {plural(by)} by {title}.", "heading"),), "incomplete")
    wanted = conditions(kind, Narrowing(project=project))
    sums = await _sums(ask, wanted, field, by)
    total = sum(value for _, value in sums)
    value = Column("value", title, _CELL_TYPES[unit])
    columns = (Column("name", by), value, Column("share", "share", "percent"))
    ranked = sums[:shown]
    cells = tuple((name, value, round(100 * value / total, 1) if total else None) for name, value in ranked)
    words = f"in {project.name}" if project else "everywhere"
    parts: list[Part] = [
        Text(f"The {len(ranked)} {plural(by, len(ranked))} with the most {title} {words}, of {len(sums):,}", "heading"),
        *_top_chart(title, tuple(Bar(name, _scaled(value, unit)) for name, value in ranked), unit),
        Table(columns, cells, len(cells)),
    ]
    kinds = {kind, *({by} & KINDS.keys())}
    return await reply(ask, parts, kinds, scope=f"{plural(by)} by {title}, {words}", sources=sources_of(project))


async def _sums(ask: Ask, wanted: Where, field: str, by: str) -> list[tuple[str, int]]:
    """(name, sum) with the biggest first; what has none of it is left out."""
    key = "project" if by == "domain" else by
    parts = await inventory.breakdown(ask.conn, ask.who.scope, wanted, key)
    named = key if key in ("project", "vm", "user") else ""
    keys = [(part.source, part.key) for part in parts if part.key]
    names = await inventory.names_of(ask.conn, ask.who.scope, named, keys) if named else {}
    sums: dict[tuple[str, str], int] = {}
    for part in parts:
        found = names.get((part.source, part.key or ""))
        unseen = f"another {key}" if named and part.key else part.key
        label = str(found.value("domain") or "—") if found and by == "domain" else found.name if found else unseen
        apart = str(found.value("domain") or "") if found and by == "project" else ""
        line = (label or f"no {by}", apart)
        sums[line] = sums.get(line, 0) + int(getattr(part, field))
    labels = [label for label, _ in sums]
    lines = [(f"{n} ({d})" if d and labels.count(n) > 1 else n, value) for (n, d), value in sums.items() if value]
    return sorted(lines, key=lambda line: (-line[1], line[0]))
