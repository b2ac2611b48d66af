"""How long a migration takes, other means side by side; and the plan as a file."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.handlers.asking import Ask, freshness
from bot.handlers.registry import answers
from bot.migrating import Meant, jobs_of, meant, told
from bot.migration_files import FORMATS, as_file, dossier_of
from bot.migration_in_part import file_in_part
from bot.migration_targets import KINDS
from bot.replies import Choice, Choices, Column, Part, Reply, Table, Text
from engines.exports import ExportError
from intents.readings import Name

if TYPE_CHECKING:
    from engines.migration.times import Job
    from engines.migration.what_if import Outcome

_MOST_AGENTS, _MOST_GBPS = 64, 1000.0
_ASKED = "as asked"
_CASES = (
    Column("case", "case"), Column("gbps", "Gbit/s", "float"), Column("agents", "agents", "int"),
    Column("hours", "hours a day", "float"), Column("days", "working days", "int"), Column("end", "ends", "time"),
    Column("bottleneck", "held back by"), Column("warnings", "warnings", "int"),
    Column("meets", "in time"),
)  # fmt: skip


@answers("migration_estimate")
async def migration_estimate(
    ask: Ask,
    migration: Name | None,
    bandwidth_gbps: float | None,
    agents: int | None,
    hours_per_day: float | None,
    until: datetime | None,
) -> Reply:
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    wrong = _impossible(bandwidth_gbps, agents, hours_per_day)
    if wrong:
        return told(ask, which, (Text(wrong, "heading"),), outcome="incomplete")
    jobs = await jobs_of(ask.conn, which.project.id, which.only)
    if not jobs:
        return told(ask, which, (Text(f"Nothing is to be moved in {which.project.name}.", "heading"),))
    kept = which.project.settings
    cases = _cases(kept, bandwidth_gbps, agents, hours_per_day)
    if until is not None and cases[-1][0] != _ASKED:
        cases = cases[:1]  # how many agents it takes is the answer, beside the plan as it is
    found = await asyncio.to_thread(_outcomes, jobs, cases, until)
    rows = tuple(
        (one.label, settings["link_gbps"], one.agents, one.hours_a_day, one.days, one.end_at.isoformat(),
         one.bottleneck or None, one.warnings, None if one.meets is None else "yes" if one.meets else "no")
        for one, (_, settings) in zip(found, cases, strict=True)
    )  # fmt: skip
    parts: list[Part] = [Text(_lead(which, found), "heading"), Table(_CASES, rows, len(rows), "Side by side")]
    if until is not None:
        parts.insert(1, Text(await asyncio.to_thread(_needed, jobs, cases[-1], until)))
    alone = "" if which.only is None else " They are reckoned as if nothing else was moved: a wave may come later."
    return told(ask, which, [*parts, Text(f"{len(jobs):,} VMs; from {kept['start']} on.{alone}", "note")])


def _impossible(gbps: float | None, agents: int | None, hours: float | None) -> str:
    if gbps is not None and not 0 < gbps <= _MOST_GBPS:
        return f"A line of {gbps:g} Gbit/s cannot be reckoned with: say 0.1 to {_MOST_GBPS:g}."
    if agents is not None and not 1 <= agents <= _MOST_AGENTS:
        return f"{agents} agents cannot be reckoned with: say 1 to {_MOST_AGENTS}."
    if hours is not None and not 0 < hours <= 24:
        return f"A day of {hours:g} hours cannot be reckoned with: say 1 to 24."
    return ""


Cases = Sequence[tuple[str, Mapping[str, Any]]]


def _cases(kept: Mapping[str, Any], gbps: float | None, agents: int | None, hours: float | None) -> Cases:
    """The plan as it is, and what was asked for; without anything asked, what would change it most."""
    asked = {
        **({"link_gbps": float(gbps)} if gbps is not None else {}),
        **({"agents": int(agents)} if agents is not None else {}),
        **(_window(kept, hours) if hours is not None else {}),
    }
    now = ("as planned", kept)
    if asked:
        return (now, (_ASKED, {**kept, **asked}))
    twice = min(_MOST_AGENTS, kept["agents"] * 2)
    return (
        now,
        (f"{twice} agents", {**kept, "agents": twice}),
        ("twice the line", {**kept, "link_gbps": kept["link_gbps"] * 2}),
        ("around the clock, every day", {**kept, "from_hour": 0.0, "to_hour": 24.0, "weekdays": list(range(7))}),
    )


def _window(kept: Mapping[str, Any], hours: float) -> dict[str, float]:
    """So many hours from the usual morning on, earlier where the day is too short."""
    begin = max(0.0, min(float(kept["from_hour"]), 24.0 - hours))
    return {"from_hour": begin, "to_hour": begin + float(hours)}


def _needed(jobs: "list[Job]", case: tuple[str, Mapping[str, Any]], until: datetime) -> str:
    """The fewest agents with which it is over by then, all other means as in the case."""
    from engines.migration.projects import settings_from
    from engines.migration.what_if import MOST_AGENTS, agents_needed

    label, kept = case
    settings = settings_from(kept)
    found = agents_needed(jobs, settings.transfer, settings.calendar, until)
    day = f"{until:%Y-%m-%d %H:%M}" if (until.hour or until.minute) else f"{until:%Y-%m-%d}"
    if found.agents is None:
        held = f", it is held back by {found.bottleneck}" if found.bottleneck else ""
        return (
            f"No number of agents up to {MOST_AGENTS} is over by {day} ({label}): {found.end_at:%Y-%m-%d %H:%M}{held}."
        )
    count = "1 agent is" if found.agents == 1 else f"{found.agents} agents are"
    return f"{count} needed to be over by {day} ({label}): {found.end_at:%Y-%m-%d %H:%M}."


def _outcomes(jobs: "list[Job]", cases: Cases, until: datetime | None) -> "Sequence[Outcome]":
    from engines.migration.projects import settings_from
    from engines.migration.what_if import Case, compare

    made = [(label, settings_from(kept)) for label, kept in cases]
    return compare(jobs, [Case(label, settings.transfer, settings.calendar) for label, settings in made], until)


def _lead(which: Meant, found: "Sequence[Outcome]") -> str:
    first, second = found[0], found[1] if len(found) == 2 else None  # one, two, or what would change it most
    name = which.project.name
    if second is None:
        return f"{name} takes {_days(first.days)}, to {first.end_at:%Y-%m-%d}"
    gain = first.days - second.days
    word = "the same as planned" if not gain else f"{_days(abs(gain))} {'less' if gain > 0 else 'more'} than planned"
    return f"{name} would take {_days(second.days)}, to {second.end_at:%Y-%m-%d}: {word}"


def _days(count: int) -> str:
    return f"{count:,} working day{'s' if count != 1 else ''}"


@answers("migration_export")
async def migration_export(ask: Ask, migration: Name | None, format: str | None) -> Reply:  # noqa: A002 - the slot
    return await exported(ask, migration, format)


async def exported(ask: Ask, migration: Name | None, form: str | None) -> Reply:
    """The whole of a migration as a file; a workbook unless another form is asked for."""
    which = await meant(ask, migration)
    if isinstance(which, Reply):
        return which
    form = form or "xlsx"
    if form not in FORMATS:
        lead = Text(f"A migration does not become {form}: {', '.join(FORMATS)} are what I write.", "heading")
        return told(ask, which, (lead, Choices(_forms(which.project.name))), outcome="incomplete")
    if which.only is not None:
        return await file_in_part(ask, which, form)
    found = await dossier_of(ask, which)
    if isinstance(found, Reply):
        return found
    try:
        file = await asyncio.to_thread(as_file, found, form)
    except ExportError as error:
        return told(ask, which, (Text(f"{error.what}.", "heading"), Text(f"{error.fix}.")), outcome="failed")
    parts: list[Part] = [Text(f"{found.title} of {found.name}, {len(found.plan.assessment.vms):,} VMs.", "heading")]
    if not found.is_plan:
        name = found.name
        parts.append(Text("Cohorts and waves were not built yet, so that they are not in it.", "note"))
        parts.append(Choices((Choice("build cohorts", f"build 4 cohorts easiest first for {name}"),)))
    fresh, demo = await freshness(ask, set(KINDS))
    return told(ask, which, [*parts, file], freshness=fresh, demo=demo)


def _forms(name: str) -> tuple[Choice, ...]:
    return tuple(Choice(form, f"export the {name} plan as {form}") for form in FORMATS)
