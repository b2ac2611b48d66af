"""Background work: what runs, what came of it, what runs by itself; and how a job is stopped."""

from dataclasses import replace

from bot.handlers.asking import Ask
from bot.handlers.registry import answers
from bot.job_parts import table, took, whole
from bot.outcomes import stopping
from bot.replies import Choice, Choices, Column, Outcome, Part, Reply, Table, Text
from bot.restoring import open_of_vm, which
from bot.scheduling import schedules_part
from intents.readings import Name
from storage import jobs, runs
from storage.jobs import JobState
from storage.runs import RunState

_MOST_DIGITS = 18  # of a number that the database can hold
_RECENT = 10
_ADMINS = frozenset({"admin", "superadmin"})
_SYNC_COLUMNS = (Column("source", "source"), Column("state", "state"), Column("took", "took"))


@answers("jobs")
async def jobs_(ask: Ask, job: str | None) -> Reply:
    """One with its steps, or all that goes on, what ended last, and what runs by itself."""
    if job is not None:
        found = await _job(ask, job)
        return await _one(ask, found) if found else _no_job(job)
    going = await jobs.open_jobs(ask.conn, ask.who.scope, ask.rows)
    recent = await jobs.recent_jobs(ask.conn, ask.who.scope, _RECENT)
    scope = ask.who.scope
    syncs = await runs.going(ask.conn, None if scope.everything else scope.sources)
    parts: list[Part] = [Text(_lead(going, syncs), "heading")]
    if going:
        parts.append(table(going, ask.now, "Jobs"))
    if syncs:
        parts.append(_syncs(ask, syncs))
    if recent:
        parts.append(table(recent, ask.now, "Ended last"))
    parts += await schedules_part(ask.conn, ask.who, ask.now)
    demo = any(one.demo for one in (*going, *recent)) or any(one.demo for one in syncs)
    return Reply(tuple(parts), scope="background jobs", demo=demo)


def _lead(going: list[JobState], syncs: list[RunState]) -> str:
    if not going and not syncs:
        return "Nothing is running."
    running, waiting = (sum(1 for one in going if one.state == state) for state in ("running", "waiting"))
    counted = ((running, "running job"), (waiting, "waiting job"), (len(syncs), "sync"))
    return ", ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in counted if n) + "."


def _syncs(ask: Ask, syncs: list[RunState]) -> Table:
    rows = tuple((one.source, one.state, took(one.started_at, None, ask.now) or None) for one in syncs)
    return Table(_SYNC_COLUMNS, rows, len(rows), "Syncs")


async def _job(ask: Ask, said: str) -> JobState | None:
    digits = said.upper().removeprefix("JOB-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MOST_DIGITS:
        return None
    return await jobs.visible_job(ask.conn, ask.who.scope, int(digits))


async def _one(ask: Ask, job: JobState) -> Reply:
    plan = await jobs.plan_of(ask.conn, job.id)
    parts = whole(job, plan, await jobs.steps(ask.conn, job.id), ask.now)
    follows = () if job.ended else (f"job/{job.id}",)
    return Reply(tuple(parts), scope=job.name, demo=job.demo, follows=follows)


def _no_job(said: str) -> Reply:
    text = Text(f"There is no {said.upper()[:40]} that you may see.", "heading")
    return Reply((text, Choices((Choice("jobs", "jobs"),))), "not_found")


@answers("restore_cancel")
async def restore_cancel(ask: Ask, vm: Name | None, job: str | None) -> Reply:
    """Stop a job by its number. It undoes what it made, and whoever asked for it may, or an administrator there."""
    if job is None and vm is not None:
        going = await open_of_vm(ask, vm)
        if len(going) > 1:
            return which(going, "cancel")
        job = going[0].name if going else None
    if job is None:
        return await _which(ask, vm)
    found = await _job(ask, job)
    if found is None:
        return _no_job(job)
    if found.ended:
        return _told(f"{found.name} has ended already: it is {found.state}.", "Nothing is to be stopped.")
    if not await _may_stop(ask, found):
        return _told(f"You may not stop {found.name}.", f"{found.asked_by} can, or an administrator of its projects.",
                     "not_allowed")  # fmt: skip
    if not await jobs.ask_cancel(ask.conn, found.id, ask.who.id):
        return _told(f"{found.name} was asked to stop already.", f"By {found.cancel_by}: say status of {found.name}")
    kept = stopping(await jobs.plan_of(ask.conn, found.id))
    told = _told(f"{found.name} stops as soon as it can. {kept}", f"Say: status of {found.name}")
    return replace(told, follows=(f"job/{found.id}",), scope=found.name, demo=found.demo)


async def _may_stop(ask: Ask, job: JobState) -> bool:
    if job.asked_by == ask.who.id or ask.who.everywhere & _ADMINS:
        return True
    places = await jobs.projects_of(ask.conn, job.id)
    return bool(places) and all(
        project is not None and ask.who.roles_on(source, project) & _ADMINS for source, project in places
    )


async def _which(ask: Ask, vm: Name | None) -> Reply:
    going = await jobs.open_jobs(ask.conn, ask.who.scope, 10)
    lead = f"No restore of {vm.name} is running or waiting." if vm else "Which job?"
    buttons = tuple(Choice(f"cancel {one.name}", f"cancel {one.name}", one.title) for one in going)
    parts: list[Part] = [Text(lead, "heading"), Text("A job is stopped by its number, such as: cancel JOB-7")]
    if buttons:
        parts.append(Choices(buttons, "These go on:"))
    return Reply(tuple(parts), "not_found" if vm else "incomplete")


def _told(lead: str, more: str, outcome: Outcome = "answered") -> Reply:
    return Reply((Text(lead, "heading"), Text(more)), outcome)
