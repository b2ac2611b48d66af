"""How well volumes are protected: each volume under each of its policies, against the policy's own period.

    late    = age of the newest good copy - period of the policy
    state   = excluded | unprotected | quota_blocked | never
              | compliant if late ≤ grace | late if late ≤ period | missing
    share   = compliant / (all - excluded)

Data that are too old tell what was, so what they show as not compliant is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.snapshots import gathering
from engines.snapshots.assigning import Under
from engines.snapshots.gathering import Held
from engines.snapshots.metadata import read_volume
from engines.snapshots.planning import PLATFORM
from storage import snapshot_coverage as kept
from storage import snapshot_runs
from storage.filters import Where
from storage.scopes import EVERYTHING, Scope
from storage.snapshot_coverage import Copies
from storage.snapshot_runs import Record

State = Literal["compliant", "late", "missing", "never", "quota_blocked", "excluded", "unknown", "unprotected"]
STATES: tuple[State, ...] = (
    "compliant", "late", "unknown", "quota_blocked", "missing", "never", "unprotected", "excluded"
)  # fmt: skip
"""Best first: a volume counts by the best of its policies."""
BAD: frozenset[State] = frozenset({"missing", "never", "quota_blocked", "unprotected"})
OLD_AFTER = timedelta(hours=2)
"""Older data are not trusted to say that a copy is missing."""


@dataclass(frozen=True, slots=True)
class Line:
    """One volume under one policy; policy '' for one that is under none. `why` is the reason in words."""

    held: Held
    policy: str
    state: State
    newest: datetime | None = None
    why: str = ""
    copies: int = 0
    retention: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What coverage is judged by, beside the volumes."""

    copies: Mapping[tuple[str, str, str], Copies] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str, str], Record] = field(default_factory=dict)
    ages: Mapping[str, datetime | None] = field(default_factory=dict)


ELSEWHERE = "not in OpenStack: nothing is snapshotted there"


def lines(volumes: Iterable[Held], known: Known, now: datetime, policy: str = "") -> list[Line]:
    """With `policy` only what is under it, else every volume at least once."""
    found: list[Line] = []
    for held in volumes:
        verdict = held.verdict
        if policy:
            found += [_line(held, one, known, now) for one in verdict.under if one.policy.name == policy]
        elif verdict.excluded:
            found.append(Line(held, "", "excluded", why=verdict.excluded))
        elif not verdict.under and held.platform != PLATFORM:
            found.append(Line(held, "", "excluded", why=ELSEWHERE))
        elif not verdict.under:
            why = "; ".join((*(words for _, words in verdict.denied), *verdict.problems)) or "no policy"
            found.append(Line(held, "", "excluded" if verdict.denied else "unprotected", why=why))
        else:
            found += [_line(held, one, known, now) for one in verdict.under]
    return found


def _line(held: Held, under: Under, known: Known, now: datetime) -> Line:
    key = (*held.ref, under.policy.name)
    copies, attempt = known.copies.get(key), known.attempts.get(key)
    newest = copies.newest if copies else None
    state, why = _state(held, under, newest, attempt, now)
    if state not in ("compliant", "quota_blocked") and _is_old(known, held.facts.source, now):
        state, why = "unknown", "the data of its source are too old to tell"
    return Line(held, under.policy.name, state, newest, why, copies.count if copies else 0, under.retention)


def _state(
    held: Held, under: Under, newest: datetime | None, attempt: Record | None, now: datetime
) -> tuple[State, str]:
    tried = attempt is not None and (newest is None or attempt.begun_at > newest)
    if attempt is not None and tried and attempt.state == "quota_blocked":
        return "quota_blocked", attempt.detail
    failed = f"the last try failed: {attempt.detail}" if attempt is not None and tried else ""
    if newest is None:
        return "never", failed or _never(held, under, now)
    period = under.policy.period(now)
    late = now - newest - period
    if late <= _grace(held, under, now):
        return "compliant", ""
    return (
        "late" if late <= period else "missing"
    ), failed or f"the newest good copy is of {newest:%Y-%m-%d %H:%M} UTC"


def _grace(held: Held, under: Under, now: datetime) -> timedelta:
    """A longer time that the volume itself allows (sla_days) counts; a shorter one than the period cannot be kept."""
    sla = read_volume(held.facts.metadata).sla_days
    grace = under.policy.grace(now)
    return grace if sla is None else max(grace, timedelta(days=sla) - under.policy.period(now))


def _never(held: Held, under: Under, now: datetime) -> str:
    if now - held.known_since < under.policy.period(now):
        due = under.policy.calendar.next(now)
        return f"new: due {due:%Y-%m-%d %H:%M} UTC" if due else "new"
    return "never succeeded"


def _is_old(known: Known, source: str, now: datetime) -> bool:
    oldest = known.ages.get(source)
    return oldest is None or now - oldest > OLD_AFTER


@dataclass(frozen=True, slots=True)
class Count:
    """Things by state, each counted once."""

    states: Mapping[str, int]

    def of(self, *states: str) -> int:
        return sum(self.states.get(state, 0) for state in states)

    @property
    def all(self) -> int:
        return sum(self.states.values())

    @property
    def counted(self) -> int:
        """Without what is left out on purpose."""
        return self.all - self.of("excluded")

    @property
    def bad(self) -> int:
        return self.of(*BAD)

    @property
    def share(self) -> float | None:
        """Compliant of all that shall be protected, as 0 to 1."""
        return self.of("compliant") / self.counted if self.counted else None


def best(found: Iterable[Line]) -> dict[tuple[str, str], Line]:
    """Each volume by the best of its lines."""
    kept_: dict[tuple[str, str], Line] = {}
    for line in found:
        held = kept_.get(line.held.ref)
        if held is None or STATES.index(line.state) < STATES.index(held.state):
            kept_[line.held.ref] = line
    return kept_


def count(found: Iterable[Line]) -> Count:
    """Volumes by their best state."""
    return Count(Counter(line.state for line in best(found).values()))


By = Literal["project", "domain", "policy", "vm"]


def rolled_up(found: Sequence[Line], by: By) -> dict[str, Count]:
    """Volumes counted by where they are; a policy counts its own lines, a VM is as well off as its worst volume."""
    groups: dict[str, list[Line]] = {}
    for line in found:
        for key in _keys(line, by):
            groups.setdefault(key, []).append(line)
    if by != "vm":
        return {key: count(group) for key, group in groups.items()}
    return {key: Count({_worst(group): 1}) for key, group in groups.items()}


def _keys(line: Line, by: By) -> tuple[str, ...]:
    facts = line.held.facts
    match by:
        case "project":
            return (facts.project or facts.project_id or "—",)
        case "domain":
            return (facts.domain or "—",)
        case "policy":
            return (line.policy,) if line.policy else ()
    return facts.vms


def _worst(group: Sequence[Line]) -> State:
    """What is left out on purpose does not make a VM worse."""
    states = [line.state for line in best(group).values()]
    return max(states, key=lambda state: -1 if state == "excluded" else STATES.index(state))


async def known(conn: AsyncConnection, scope: Scope) -> Known:
    return Known(
        await kept.copies(conn, scope), await snapshot_runs.last_attempts(conn, scope), await gathering.ages(conn)
    )


async def cover(conn: AsyncConnection, scope: Scope, where: Where, now: datetime, policy: str = "") -> list[Line]:
    return lines(await gathering.volumes(conn, scope, where, now), await known(conn, scope), now, policy)


async def record_day(conn: AsyncConnection, now: datetime) -> int:
    """Keep how today stands, one row a project and policy; the number of rows."""
    found = await cover(conn, EVERYTHING, Where("volume"), now)
    groups: dict[tuple[str, str, str], list[Line]] = {}
    domains = await kept.domains(conn)
    for line in found:
        source, project = line.held.facts.source, line.held.facts.project_id
        for policy in {"", line.policy}:
            groups.setdefault((source, project, policy), []).append(line)
    rows = [
        {"day": now.date(), "source": source, "project_id": project, "policy": policy, "at": now,
         "domain_id": domains.get((source, project)), "states": dict(count(group).states)}
        for (source, project, policy), group in groups.items()
    ]  # fmt: skip
    await kept.remember(conn, rows)
    return len(rows)
