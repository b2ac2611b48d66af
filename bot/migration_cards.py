"""An export as a reply: on its way in, assessed, or refused; the same on every surface."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot import formats
from bot.migrating import plan_link, schedule_of, stale_parts
from bot.replies import Bar, Chart, Choice, Choices, Column, Fields, Part, Progress, Reply, Table, Text
from engines.migration.keeping import JobRow
from engines.migration.scope import REASONS
from storage import migration_pages as pages
from storage import migration_vms as vms
from storage.migration_imports import ABANDONED_AFTER, Import
from storage.migration_projects import Project
from storage.migration_projects import by_id as project_by_id
from storage.migration_sights import Sight

_MIB = 2**20
_SHEETS = 17  # that an export of all sheets is read for
_SHOWN = 5
_SHORT = {
    "template": "template", "vcls": "vCLS", "srm_placeholder": "SRM placeholder", "orphaned": "orphaned",
    "inaccessible": "inaccessible", "invalid": "invalid", "disconnected": "disconnected",
    "vmware_appliance": "VMware appliance", "backup_proxy": "backup proxy", "by_hand": "by hand",
    "tenant": "in tenants that are out",
}  # fmt: skip
_COUNTABLE = frozenset({"template", "srm_placeholder", "vmware_appliance"})


async def import_reply(conn: AsyncConnection, one: Import, now: datetime) -> tuple[Reply, bool, bool]:
    """What is to be said of an export; whether that is the end of it, and whether it ended well."""
    if one.state == "reading":
        if now - one.seen_at > ABANDONED_AFTER:
            return _refused(one.file, "reading it was interrupted", "send the file again"), True, False
        return progress(one), False, False
    project = await project_by_id(conn, one.migration_id) if one.migration_id else None
    if one.state != "done" or project is None:
        return _refused(one.file, one.what, one.fix), True, False
    return await assessment(conn, Sight(project), one), True, True


def progress(one: Import) -> Reply:
    """`follows` keeps it going."""
    doing = {"": "begins", "grading": "grading every VM", "keeping": "keeping what was found"}.get(one.step)
    note = doing or f"{one.step} read, {one.rows:,} rows so far"
    bar = Progress("sheets", min(one.sheets, _SHEETS), _SHEETS, note)
    lead = Text(f"{one.file}: reading …", "heading")
    return Reply((lead, bar), follows=(f"migration/{one.id}",), intent="migration_summary")


def _refused(file: str, what: str, fix: str) -> Reply:
    lead = Text(f"{file} was not taken.", "heading")
    why = Text(f"{_sentence(what)} {_sentence(fix)} Nothing was kept of it.".strip())
    return Reply((lead, why), "failed", intent="migration_summary")


def not_allowed(file: str, needs: str) -> Reply:
    lead = Text(f"{file} was not read: you may not begin a migration project.", "heading")
    return Reply((lead, Text(f"It needs the role {needs}. Say: who am I")), "not_allowed", private=True)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:].rstrip('.')}." if words else ""


async def assessment(conn: AsyncConnection, sight: Sight, came: Import | None = None) -> Reply:
    """The card of a project: what is to be moved, how risky, how long, what was left out, what is not known.

    For whoever sees some tenants alone it is made of these.
    """
    project = sight.project
    counts = await vms.counts(conn, project.id, sight.only)
    tenants = [one for one in await vms.tenants(conn, project.id, sight.only) if one.name and not one.is_out]
    reasons = await vms.reasons(conn, project.id, "red", 4, sight.only)
    if sight.is_whole:
        times = time_words(project.settings, await schedule_of(conn, project))
        news, notes = [*_news(came), *stale_parts(project.name, project.stale)], _notes(project)
    else:
        times, notes = await _waves_words(conn, sight), []
        news = [Text("Something was decided since the waves were built: they may change.", "note")] * bool(
            project.stale
        )
    parts: list[Part] = [Text(_lead(project, counts, len(tenants)), "heading"), *news]
    parts += [Fields(tuple(_fields(sight, counts, times, reasons))), _risk_chart(project, counts)]
    parts += [*notes, plan_link(project), Choices(_choices(sight, counts))]
    made = project.export_at or project.uploaded_at
    scope = f"migration {project.name}, {project.file}, export of {formats.stamp(made)}"
    return Reply(tuple(parts), scope=scope, intent="migration_summary", slots={"migration": project.name})


def _lead(project: Project, counts: vms.Counts, tenants: int) -> str:
    where = f" in {tenants:,} tenant{'s' if tenants != 1 else ''}" if tenants else ""
    return (
        f"{project.name}: {counts.vms:,} VM{'s' if counts.vms != 1 else ''}{where},"
        f" {formats.size(counts.move_mib * _MIB)} to move{_left_out(counts)}"
    )


def _left_out(counts: vms.Counts) -> str:
    """ "(13 left out: 10 templates, 3 vCLS)"; the reasons that are not shown are counted."""
    total = sum(counts.left_out.values())
    if not total:
        return ""
    told = [_counted(reason, count) for reason, count in list(counts.left_out.items())[:4]]
    more = len(counts.left_out) - len(told)
    return f" ({total:,} left out: {', '.join(told)}{f', {more} more reasons' if more > 0 else ''})"


def _counted(reason: str, count: int) -> str:
    word = _SHORT.get(reason, reason)
    return f"{count:,} {word}{'s' if count != 1 and reason in _COUNTABLE else ''}"


def _news(came: Import | None) -> list[Part]:
    """What a newer export changed."""
    if came is None:
        return []
    if came.what:
        return [Text(_sentence(came.what), "note")]
    if came.difference is None:
        return []
    return list(difference(came.difference))


def difference(found: Mapping[str, Any]) -> Sequence[Part]:
    """How a newer export differs from the one before: counts of all, the first changes."""
    came, went, changed = found["came"], found["went"], found["changed"]
    if not came and not went and not changed:
        return (Text("Nothing has changed since the export before."),)
    lead = f"Since the export before: {came:,} came, {went:,} went, {changed:,} changed."
    names = [f"{what}: {_few(found[key], found[count])}" for what, key, count in
             (("Came", "names_came", "came"), ("Went", "names_went", "went")) if found[key]]  # fmt: skip
    parts: list[Part] = [Text(" ".join((lead, *(f"{one}." for one in names))))]
    if found["changes"]:
        columns = (Column("vm", "VM"), Column("what", "what"), Column("before", "before"), Column("after", "now"))
        rows = tuple(tuple(row) for row in found["changes"][:_SHOWN])
        parts.append(Table(columns, rows, found["changes_total"], "What changed"))
    if found["lost"]:
        parts.append(Text(f"Decisions about {len(found['lost'])} VMs that are gone are kept, and wait.", "note"))
    return parts


def _few(names: Sequence[str], total: int) -> str:
    more = total - len(names[:_SHOWN])
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


async def _waves_words(conn: AsyncConnection, sight: Sight) -> str:
    """When those are moved that may be seen: of the rest, and so of the whole plan, nothing is told."""
    found = await pages.waves(conn, sight)
    if not found:
        return "no waves are built yet"
    begins = min((one.starts_at for one in found if one.starts_at), default=None)
    ends = max((one.ends_at for one in found if one.ends_at), default=None)
    when = f", {begins:%Y-%m-%d} to {ends:%Y-%m-%d}" if begins and ends else ""
    numbers = ", ".join(str(one.number) for one in found[:8]) + (" …" if len(found) > 8 else "")
    return f"in wave{'s' if len(found) != 1 else ''} {numbers}{when}"


def _fields(sight: Sight, counts: vms.Counts, times: str, reasons: Sequence[tuple[str, int]]) -> list[tuple[str, str]]:
    risk, mode = counts.risk, counts.mode
    found = [
        ("risk", f"{risk['green']:,} green, {risk['yellow']:,} yellow, {risk['red']:,} red"),
        ("mode", f"{mode['warm']:,} can go warm, {mode['cold']:,} only cold"),
        ("time", times),
    ]
    if reasons:
        found.append(("top reasons for red", "; ".join(f"{count:,} × {why}" for why, count in reasons)))
    missing = sight.project.summary.get("missing") if sight.is_whole else None
    if missing:
        found.append(("not checked", ", ".join(missing[:_SHOWN])))
    return found


def time_words(settings: Mapping[str, Any], schedule: Mapping[str, Any]) -> str:
    """With what it is reckoned, how long that takes, and what holds it back."""
    if not schedule["vms"]:
        return "nothing is to be moved"
    hours = settings["to_hour"] - settings["from_hour"]
    days = "Monday to Friday" if settings["weekdays"] == [0, 1, 2, 3, 4] else "every day"
    end = datetime.fromisoformat(schedule["end"])
    slow = f"; bottleneck: {schedule['bottleneck']}" if schedule["bottleneck"] else ""
    return (
        f"with {settings['link_gbps']:g} Gbit/s, {settings['agents']} agents and {hours:g} hours a day, {days}: about"
        f" {schedule['days']:,} working day{'s' if schedule['days'] != 1 else ''} from {settings['start']},"
        f" ends {end:%Y-%m-%d}{slow}"
    )


def _risk_chart(project: Project, counts: vms.Counts) -> Chart:
    bars = tuple(Bar(colour, counts.risk[colour]) for colour in ("green", "yellow", "red"))
    words = ", ".join(f"{counts.risk[c]:,} {c}" for c in ("green", "yellow", "red"))
    return Chart(f"Risk of {project.name}", bars, "VMs", f"VMs by risk: {words}")


def _notes(project: Project) -> list[Part]:
    """Rows that were not taken, with their reasons, and what the reading found odd."""
    rows = project.summary.get("rows_left_out") or {}
    told = [f"{count:,} rows: {reason}" for reason, count in list(rows.items())[:_SHOWN]]
    notes = [str(note) for note in (project.summary.get("read") or {}).get("notes", ())[:3]]
    if told:
        notes.insert(0, f"Read, and not taken: {'; '.join(told)}.")
    return [Text(note, "note") for note in notes]


def _choices(sight: Sight, counts: vms.Counts) -> tuple[Choice, ...]:
    project = sight.project
    of = f"the {project.name} migration"
    red = (Choice("red VMs", f"red vms in {project.name}", f"{counts.risk['red']:,}"),) if counts.risk["red"] else ()
    if not sight.is_whole:
        return (
            *red,
            Choice("waves", f"all waves of {project.name}"),
            Choice("gaps", f"readiness of {of}"),
            Choice("Excel", f"export the {project.name} plan to excel"),
            Choice("CSV", f"export the {project.name} plan as csv"),
        )
    return (
        *red,
        Choice("build cohorts", f"build 4 cohorts easiest first for {project.name}"),
        Choice("what if", f"how long for {project.name} with 16 hours a day"),
        Choice("gaps", f"readiness of {of}"),
        Choice("Excel", f"export the {project.name} plan to excel"),
        Choice("PDF", f"export the {project.name} plan as pdf"),
        Choice("CSV", f"export the {project.name} plan as csv"),
    )


def reason_words(reason: str) -> str:
    return REASONS.get(reason, reason)


def time_alone(job: JobRow, settings: Mapping[str, Any]) -> str:
    """How long one VM takes that has everything for itself, and how long it is down."""
    from engines.migration.keeping import jobs_from
    from engines.migration.projects import settings_from
    from engines.migration.times import times_of

    made = settings_from({**settings, "cohorts": None, "waves": None})
    times = times_of(jobs_from([job], {})[0], made.transfer, made.pace)
    return f"{_minutes(times.total_s)}, down for {_minutes(times.downtime_s)}; held back by {times.bottleneck}"


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
