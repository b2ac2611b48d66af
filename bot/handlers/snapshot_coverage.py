"""Who has no backup, how the runs went, and whether the next ones fit."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from bot.handlers.asking import Ask, no_data, refs, reply
from bot.handlers.filtering import sources_of
from bot.handlers.registry import answers
from bot.handlers.snapshot_asking import policy_named
from bot.naming import show
from bot.replies import Bar, Chart, Choice, Choices, Column, Part, Reply, Table, Text
from engines.snapshots import coverage as cover
from engines.snapshots import gathering
from engines.snapshots.coverage import ELSEWHERE, Count, Line
from engines.snapshots.forecast import Outlook, outlook
from intents.readings import Name
from storage import inventory
from storage import snapshot_coverage as kept
from storage.filters import Where

_KINDS = {"volume", "snapshot"}
_LARGEST, _BARS = 10, 20
_WEEK = timedelta(days=7)
_WORDS = {
    "unprotected": "no policy", "quota_blocked": "quota blocked", "never": "never succeeded", "missing": "missing",
    "late": "late", "unknown": "unknown", "compliant": "compliant", "excluded": "left out",
}  # fmt: skip


@answers("coverage")
async def coverage(ask: Ask, project: Name | None, domain: Name | None, policy: Name | None) -> Reply:
    name = ""
    if policy is not None:
        found = await policy_named(ask, policy)
        if isinstance(found, Reply):
            return found
        name = found.name
    where = Where("volume", projects=refs(project), domains=refs(domain))
    lines = await cover.cover(ask.conn, ask.who.scope, where, ask.now, name)
    words = _where(project, domain, name)
    if not lines:
        if not await inventory.count(ask.conn, ask.who.scope, Where("volume")):
            return no_data(ask)
        text = Text(f"No volume {words or 'that you see'} is counted.".replace("  ", " "), "heading")
        return await reply(ask, [text], _KINDS, scope=f"snapshot coverage {words or 'everywhere'}".strip(),
                           sources=sources_of(project, domain))  # fmt: skip
    count = cover.count(lines)
    best = list(cover.best(lines).values())
    bad = sorted((one for one in best if one.state in cover.BAD), key=lambda one: -one.held.facts.size_gib)
    parts: list[Part] = [Text(_lead(count, words, await _before(ask, project, domain, name)), "heading")]
    parts += _reasons(count, bad, sum(line.why == ELSEWHERE for line in best))
    parts += _chart(bad)
    parts += _tables(ask, lines, best, bad)
    parts += _buttons(bad, project)
    return await reply(ask, parts, _KINDS, scope=f"snapshot coverage {words or 'everywhere'}",
                       sources=sources_of(project, domain))  # fmt: skip


def _where(project: Name | None, domain: Name | None, policy: str) -> str:
    told = ((project, "in"), (domain, "in domain"))
    words = [f"{lead} {one.name}" for one, lead in told if one is not None]
    return ", ".join([*words, *([f"under {policy}"] if policy else [])])


async def _before(ask: Ask, project: Name | None, domain: Name | None, policy: str) -> int | None:
    """How many were not protected a week ago; None where that was not kept."""
    day = (ask.now - _WEEK).date()
    days = await kept.days(ask.conn, ask.who.scope, day, policy=policy, projects=refs(project), domains=refs(domain))
    return Count(days[day]).bad if day in days else None


def _lead(count: Count, words: str, before: int | None) -> str:
    ago = f", was {before:,} a week ago" if before is not None else ""
    where = f" {words}" if words else ""
    if not count.counted:
        return f"All {count.all:,} volumes{where} are left out on purpose"
    share = f"{100 * count.bad / count.counted:.1f} %"
    return f"{count.bad:,} of {count.counted:,} volumes{where} are not protected ({share}{ago})"


def _reasons(count: Count, bad: Sequence[Line], elsewhere: int) -> list[Part]:
    told = ", ".join(f"{_WORDS[state]} {number:,}" for state, number in Counter(b.state for b in bad).most_common())
    share = f"{count.share:.1%}".replace("%", " %") if count.share is not None else "none"
    parts: list[Part] = [Text(f"{share} compliant" + (f"; not protected: {told}" if told else ""))]
    also = [f"{count.of(state):,} {_WORDS[state]}" for state in ("late", "unknown", "excluded") if count.of(state)]
    if also:
        parts.append(Text(f"Beside them {', '.join(also)}.", "note"))
    if elsewhere:
        parts.append(Text(f"{elsewhere:,} of those left out are {ELSEWHERE}.", "note"))
    if count.of("unknown"):
        parts.append(Text("Unknown: the data of their source are too old to tell. Say: freshness", "warning"))
    return parts


def _chart(bad: Sequence[Line]) -> list[Part]:
    by = Counter(one.held.facts.project or one.held.facts.project_id or "—" for one in bad)
    if len(by) < 2:
        return []
    bars = tuple(Bar(name, float(number)) for name, number in by.most_common(_BARS))
    return [Chart("Not protected, by project", bars, "", ", ".join(f"{bar.label} {bar.value:.0f}" for bar in bars))]


_COLUMNS = (Column("volume", "volume"), Column("size_gib", "size", "gib"), Column("vm", "VM"),
            Column("project", "project"), Column("domain", "domain"), Column("policy", "policy"),
            Column("state", "state"), Column("newest", "last good", "time"), Column("why", "reason"))  # fmt: skip


def _tables(ask: Ask, lines: Sequence[Line], best: Sequence[Line], bad: Sequence[Line]) -> list[Part]:
    """The largest that are not protected; for an export every volume with every policy."""
    if ask.rows > _LARGEST * 10:
        shown: Sequence[Line] = lines
    else:
        shown = bad[:_LARGEST]
    if not shown:
        return []
    title = "All volumes" if shown is lines else ("The largest" if len(bad) > _LARGEST else "")
    cells = tuple(_cells(one) for one in shown[: ask.rows])
    opens = tuple(show("volume", o.held.facts.name, o.held.facts.source, o.held.facts.id) for o in shown[: ask.rows])
    return [Table(_COLUMNS, cells, len(lines) if shown is lines else len(bad), title, opens)]


def _cells(one: Line) -> tuple[object, ...]:
    facts = one.held.facts
    return (
        facts.name or facts.id, facts.size_gib, ", ".join(facts.vms) or None, facts.project or None,
        facts.domain or None, one.policy or None, one.state.replace("_", " "),
        one.newest.isoformat() if one.newest else None, one.why or None,
    )  # fmt: skip


def _buttons(bad: Sequence[Line], project: Name | None) -> list[Part]:
    """Only what can be said as one sentence and means all of them."""
    choices = [Choice("policies", "snapshot policies")]
    none = [one for one in bad if one.state == "unprotected"]
    named = {one.held.facts.project for one in none}
    if none and project is not None and named == {project.name}:
        choices.insert(0, Choice("assign daily_5 to the project…", f"assign daily_5 to project {project.name}"))
    if any(one.state == "quota_blocked" for one in bad):
        choices.append(Choice("quota needed", "snapshot quota forecast"))
    return [Choices(tuple(choices))]


_FORECAST = (Column("project", "project"), Column("due", "due", "int"),
             Column("replaced", "in place of older ones", "int"),
             Column("grows_gib", "new", "gib"), Column("free_gib", "free", "gib"),
             Column("short_gib", "lacking", "gib"), Column("blocked", "would be blocked", "int"),
             Column("told", "quota"))  # fmt: skip


@answers("snapshot_forecast")
async def snapshot_forecast(ask: Ask, project: Name | None) -> Reply:
    where = Where("volume", projects=refs(project))
    held = await gathering.volumes(ask.conn, ask.who.scope, where, ask.now)
    copies = await kept.copies(ask.conn, ask.who.scope)
    quotas = await inventory.rows(ask.conn, ask.who.scope, Where("quota", projects=refs(project)))
    found = outlook(held, copies, quotas, ask.now)
    words = f"in {project.name}" if project else "everywhere"
    parts: list[Part] = [Text(_forecast_lead(found, words), "heading")]
    if found:
        cells = tuple(
            (one.project, one.due, one.replaced, one.grows_gib, one.free_gib, one.short_gib or None,
             one.blocked or None, "known" if one.known else "its use is not known")
            for one in found[: ask.rows]
        )  # fmt: skip
        parts.append(Table(_FORECAST, cells, len(found)))
    if any(not one.known for one in found):
        parts.append(Text("Where the use of a quota is not known, the run itself finds out.", "warning"))
    return await reply(ask, parts, {"volume", "snapshot", "quota"}, scope=f"snapshots of the next 24 hours {words}",
                       sources=sources_of(project))  # fmt: skip


def _forecast_lead(found: Sequence[Outlook], words: str) -> str:
    due = sum(one.due for one in found)
    if not due:
        return f"No snapshot is due in the next 24 hours {words}"
    short = [one for one in found if not one.fits]
    if not short:
        return f"Yes, the {due:,} snapshots of the next 24 hours {words} fit, as far as is known"
    lacking = ", ".join(f"{one.project} {_lack(one)}" for one in short[:3])
    more = f" and {len(short) - 3} more projects" if len(short) > 3 else ""
    return f"No: {sum(one.blocked for one in short):,} of {due:,} snapshots would not fit: {lacking}{more}"


def _lack(one: Outlook) -> str:
    return f"+{one.short_gib:,} GiB" if one.short_gib else f"+{one.short_count:,} snapshots"
