"""Which policies there are, what they cover, and why a volume is under one."""

from collections import Counter
from collections.abc import Sequence

from bot.handlers.asking import Ask, reply
from bot.handlers.filtering import sources_of
from bot.handlers.registry import answers
from bot.handlers.snapshot_asking import object_named, policy_named
from bot.naming import show
from bot.replies import Choice, Choices, Column, Part, Reply, Table, Text
from engines.snapshots import coverage, gathering
from engines.snapshots.coverage import Line
from engines.snapshots.gathering import Held
from engines.snapshots.policies import Policy
from engines.snapshots.ticks import policies_in_use
from intents.readings import Name
from storage.filters import Where

_KINDS = {"volume", "snapshot"}


@answers("policy_show")
async def policy_show(ask: Ask, policy: Name | None, volume: Name | None, vm: Name | None) -> Reply:
    found: Policy | None = None
    if policy is not None:
        named = await policy_named(ask, policy)
        if isinstance(named, Reply):
            return named
        found = named
    if volume is not None or vm is not None:
        return await _of_object(ask, found, volume, vm)
    return await (_one(ask, found) if found else _all(ask))


_POLICIES = (Column("policy", "policy"), Column("when", "due"), Column("next", "next", "time"),
             Column("retention", "copies kept", "int"), Column("volumes", "volumes", "int"),
             Column("compliant", "compliant", "percent"))  # fmt: skip


async def _all(ask: Ask) -> Reply:
    """All in use, as far as the asker sees volumes under them."""
    lines = await coverage.cover(ask.conn, ask.who.scope, Where("volume"), ask.now)
    counts = coverage.rolled_up(lines, "policy")
    used = await policies_in_use(ask.conn) if ask.who.scope.everything else {}
    policies = await gathering.policies(ask.conn)
    names = sorted({*counts, *used})
    cells = []
    for name in names:
        one = policies.get(name)
        if one is not None:
            count = counts.get(name)
            share = round(100 * count.share, 1) if count and count.share is not None else None
            cells.append((name, _when(one), _next(one, ask), one.retention, count.all if count else 0, share))
    none = sum(line.state == "unprotected" for line in lines)
    lead = f"{len(cells)} snapshot polic{'y' if len(cells) == 1 else 'ies'} in use; {none:,} volumes are under none"
    parts: list[Part] = [Text(lead, "heading")]
    if cells:
        parts.append(Table(_POLICIES, tuple(cells[: ask.rows]), len(cells)))
    else:
        words = "Put something under one: assign daily_5 to a volume, a VM or a project. A number is how many are kept."
        parts.append(Text(words))
    parts.append(Choices((Choice("coverage", "snapshot coverage"),)))
    return await reply(ask, parts, _KINDS, scope="snapshot policies, everything you see")


def _when(policy: Policy) -> str:
    return policy.calendar.words


def _next(policy: Policy, ask: Ask) -> str | None:
    following = policy.calendar.next(ask.now)
    return following.isoformat() if following else None


async def _one(ask: Ask, policy: Policy) -> Reply:
    """What a policy covers, and by whose word."""
    lines = await coverage.cover(ask.conn, ask.who.scope, Where("volume"), ask.now, policy.name)
    count = coverage.count(lines)
    following = policy.calendar.next(ask.now)
    due = f", next {following:%Y-%m-%d %H:%M} UTC" if following else ""
    lead = f"{policy.name} keeps {policy.retention} copies, is due {_when(policy)}{due}"
    parts: list[Part] = [Text(lead, "heading")]
    if not lines:
        parts.append(Text("Nothing that you see is under it.", "plain"))
        return await reply(ask, parts, _KINDS, scope=f"policy {policy.name}")
    by = Counter(_by(line.held, policy.name) for line in lines)
    told = ", ".join(f"{number:,} by {words}" for words, number in by.most_common(4))
    share = f"{count.share:.0%} compliant" if count.share is not None else "none counted"
    parts += [Text(f"{len(lines):,} volumes are under it: {told}. {share}."), _lines(ask, lines, own=False)]
    return await reply(ask, parts, _KINDS, scope=f"policy {policy.name}, everything you see")


def _by(held: Held, policy: str) -> str:
    under = held.verdict.of(policy)
    return under.why if under else "nothing"


_LINES = (Column("volume", "volume"), Column("vm", "VM"), Column("project", "project"), Column("policy", "policy"),
          Column("retention", "kept", "int"), Column("copies", "copies", "int"), Column("newest", "last good", "time"),
          Column("state", "state"), Column("why", "because of"))  # fmt: skip


def _lines(ask: Ask, lines: Sequence[Line], *, own: bool) -> Table:
    shown = sorted(lines, key=lambda one: (one.held.facts.name, one.policy))[: ask.rows]
    cells = tuple(
        (
            one.held.facts.name or one.held.facts.id,
            ", ".join(one.held.facts.vms) or None,
            one.held.facts.project or None,
            one.policy or None,
            one.retention or None,
            one.copies if one.policy else None,
            one.newest.isoformat() if one.newest else None,
            one.state.replace("_", " "),
            _by(one.held, one.policy) if one.policy else one.why,
        )
        for one in shown
    )
    opens = tuple(show("volume", one.held.facts.name, one.held.facts.source, one.held.facts.id) for one in shown)
    return Table(_LINES, cells, len(lines), "" if own else "Volumes", opens)


async def _of_object(ask: Ask, policy: Policy | None, volume: Name | None, vm: Name | None) -> Reply:
    """Which policies a volume, or the volumes of a VM, are under, and which rule or word put them there."""
    kind, name = ("volume", volume) if volume is not None else ("vm", vm)
    assert name is not None
    of = await object_named(ask, kind, name)
    where = Where("volume", volumes=(of.ref,)) if kind == "volume" else Where("volume", vms=(of.ref,))
    lines = await coverage.cover(ask.conn, ask.who.scope, where, ask.now, policy.name if policy else "")
    names = sorted({line.policy for line in lines if line.policy})
    if not lines:
        under = f"under {policy.name}" if policy else "known to have volumes"
        parts: list[Part] = [Text(f"{of.name} is not {under}.", "heading")]
        return await reply(ask, parts, _KINDS, scope=f"policies of {of.name}", sources=sources_of(name))
    lead = f"{of.name} is under {', '.join(names) or f'no policy: {lines[0].why}'}"
    problems = [words for line in lines for words in line.held.verdict.problems]
    denied = [words for line in lines for _, words in line.held.verdict.denied]
    parts = [Text(lead, "heading"), _lines(ask, lines, own=True)]
    parts += [Text(words, "warning") for words in dict.fromkeys((*problems, *denied))]
    if not names:
        parts.append(Choices((Choice("assign daily_5…", f"assign daily_5 to {of.name}"),)))
    return await reply(ask, parts, _KINDS, scope=f"policies of {of.name}", sources=sources_of(name))
