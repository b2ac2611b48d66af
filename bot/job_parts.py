"""Jobs as parts of replies: a line in a table, or one whole with its steps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.replies import Choice, Choices, Column, Fields, Part, Progress, Table, Text
from storage.jobs import JobState, StepState

_MOST_LEFT = 20
COLUMNS = (
    Column("job", "job"),
    Column("what", "what"),
    Column("state", "state"),
    Column("progress", "progress"),
    Column("asked_by", "asked by"),
    Column("since", "since", "time"),
    Column("took", "took"),
)
_STEP_COLUMNS = (
    Column("number", "step", "int"),
    Column("does", "what"),
    Column("state", "state"),
    Column("attempts", "attempts", "int"),
    Column("took", "took"),
    Column("error", "error"),
)
_STATES = {
    "waiting": "waits", "running": "is running", "done": "is done", "failed": "failed", "cancelled": "was stopped",
    "unsure": "ended, and nobody knows whether one step took effect", "expired": "did not begin in time",
}  # fmt: skip
_STEP_STATES = {"begun": "under way", "given_up": "failed", "undo_failed": "could not be undone", "unsure": "unknown"}


def table(jobs: Sequence[JobState], now: datetime, title: str) -> Table:
    rows = tuple(
        (
            job.name,
            job.title,
            f"{job.state}, stopping" if job.cancel_by and not job.ended else job.state,
            how_far(job) or None,
            job.asked_by,
            (job.started_at or job.created_at).isoformat(),
            took(job.started_at, job.ended_at, now) or None,
        )
        for job in jobs
    )
    return Table(COLUMNS, rows, len(rows), title, opens=tuple(f"status of {job.name}" for job in jobs))


def whole(job: JobState, plan: Mapping[str, Any], steps: Sequence[StepState], now: datetime) -> list[Part]:
    """All that is known of one job."""
    parts: list[Part] = [Text(f"{job.name} {_STATES.get(job.state, job.state)}: {job.title}", "heading")]
    parts += _wrong(job)
    if job.state == "running":
        parts.append(bar(job))
    parts += [Fields(_pairs(job, now)), _steps(plan, steps, now), *cancel_button(job)]
    return parts


def bar(job: JobState) -> Progress:
    """How far the step is where it says so, else how many steps there are."""
    told = job.progress
    note = ", ".join(part for part in (str(told.get("note") or ""), _counts(told.get("counts"))) if part)
    label = f"{told.get('name') or 'begins'}"
    if told.get("of"):
        return Progress(label, int(told.get("done") or 0), int(told["of"]), note)
    return Progress(label, max(int(told.get("step") or 1) - 1, 0), int(told.get("steps") or 1), note)


def cancel_button(job: JobState) -> list[Part]:
    if job.ended or job.cancel_by:
        return []
    return [Choices((Choice(f"cancel {job.name}", f"cancel {job.name}"),))]


def how_far(job: JobState) -> str:
    told = job.progress if job.state == "running" else {}
    if not told:
        return _counts(job.outcome.get("counts"))
    step = f"step {told.get('step', 1)} of {told.get('steps', 1)}"
    within = f", {told.get('done', 0):,} of {told['of']:,}" if told.get("of") else ""
    return f"{step}{within}"


def took(begin: datetime | None, end: datetime | None, now: datetime) -> str:
    if begin is None:
        return ""
    seconds = max(round(((end or now) - begin).total_seconds()), 0)
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


def _counts(counts: object) -> str:
    found = counts if isinstance(counts, Mapping) else {}
    return ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in found.items())


def _wrong(job: JobState) -> list[Part]:
    parts: list[Part] = []
    if job.error:
        parts.append(Text(f"{job.error}{f' To do: {job.fix}' if job.fix else ''}", "warning"))
    left = list(job.outcome.get("left") or [])
    for one in left[:_MOST_LEFT]:
        made = ", ".join(f"{name} {value}" for name, value in dict(one.get("made") or {}).items())
        ids = f" ({made})" if made else ""
        parts.append(Text(f"Left: {one.get('does')}{ids}: {one.get('what')}. To do: {one.get('fix')}", "warning"))
    if len(left) > _MOST_LEFT:
        parts.append(Text(f"{len(left) - _MOST_LEFT} more are left: see its steps.", "warning"))
    return parts


def _pairs(job: JobState, now: datetime) -> tuple[tuple[str, str], ...]:
    said = (
        ("asked by", job.asked_by),
        ("request", f"REQ-{job.request_id}" if job.request_id else ""),
        ("asked for", f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("begins by", f"{job.run_by:%H:%M} UTC" if job.run_by and job.state == "waiting" else ""),
        ("took", took(job.started_at, job.ended_at, now)),
        ("outcome", " ".join((str(job.outcome.get("words") or ""), _counts(job.outcome.get("counts")))).strip()),
        ("to be stopped, by", job.cancel_by or ""),
    )
    return tuple((label, value) for label, value in said if value)


def _steps(plan: Mapping[str, Any], steps: Sequence[StepState], now: datetime) -> Table:
    known = {step.number: step for step in steps}
    rows = []
    for number, given in enumerate(plan.get("steps") or (), 1):
        step = known.get(number)
        state = _STEP_STATES.get(step.state, step.state) if step else "to come"
        span = took(step.began_at, step.ended_at, now) if step else None
        rows.append((number, given.get("does"), state, step.attempts if step else None, span, _error(step)))
    return Table(_STEP_COLUMNS, tuple(rows), len(rows), "Steps")


def _error(step: StepState | None) -> str | None:
    return (step.error or None) if step else None
