"""How far a job is and what came of it, in words."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.replies import Part, Progress, Text
from engines.changes.freezes import stamp
from storage.requests import JobRow

_MOST_LEFT = 8
_MOST_WORDS = 500


def progress_of(job: JobRow, now: datetime) -> Iterator[Part]:
    """The bar, with the step, counts and an estimate; nothing of a job that has ended."""
    if job.ended_at is not None:
        return
    if job.started_at is None:
        why = str(job.progress.get("note") or "") if job.progress else ""
        yield Text(f"It waits: {why}." if why else "It waits for a worker.", "note")
        return
    told = job.progress
    step, steps = _number(told, "step"), _number(told, "steps") or len(job.plan.get("steps", ()))
    done, of = _number(told, "done"), _number(told, "of")
    label = str(told.get("name") or "Steps")
    which = f"step {min(step, steps)} of {steps}" if steps and step else ""
    whole, part = (of, min(done, of)) if of else (steps, max(step - 1, 0))
    words = (
        which,
        _counts(told.get("counts")),
        str(told.get("note") or "")[:_MOST_WORDS],
        _left(job, part, whole, now),
    )
    yield Progress(label, part, whole, " · ".join(word for word in words if word))
    if job.cancel_at is not None:
        yield Text(f"It was asked to stop: it does as soon as it can. {stopping(job.plan)}", "note")


def stopping(plan: Mapping[str, Any]) -> str:
    """What becomes of that which a job has made when it is stopped."""
    undone = any(step.get("undo") for step in plan.get("steps") or ())
    return "What it made is undone." if undone else "What it made is kept."


def _number(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _counts(counts: object) -> str:
    if not isinstance(counts, Mapping):
        return ""
    return ", ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items() if isinstance(value, int))


def _left(job: JobRow, done: int, of: int, now: datetime) -> str:
    """In whole minutes, so that the message is not edited for a second less."""
    if job.started_at is None or not 0 < done < of:
        return ""
    seconds = max((now - job.started_at).total_seconds(), 0) / done * (of - done)
    return f"about {round(seconds / 60)} min left" if seconds >= 90 else "about a minute left"


def came_of(job: JobRow) -> Iterator[Part]:
    """How long it took, the outcome, what was left, what to do."""
    took = f" in {duration(job.ended_at - job.started_at)}" if job.ended_at and job.started_at else ""
    told, counts = str(job.outcome.get("words") or "")[:_MOST_WORDS], _counts(job.outcome.get("counts"))
    words = "; ".join(word.rstrip(".") for word in (told, counts) if word)
    match job.state:
        case "done":
            yield Text(f"Done{took}{f': {words}' if words else ''}.")
            said = str(job.outcome.get("said") or "")[:_MOST_WORDS]
            if said.rstrip(".") not in words:
                yield Text(said)
        case "cancelled":
            by = f" by {job.cancel_by}" if job.cancel_by else ""
            yield Text(f"Stopped{by}{took}{f': {words}' if words else ''}.")
            if job.error:
                yield Text(job.error[:_MOST_WORDS], "warning")
        case "unsure":
            yield Text(f"It is not known whether this took effect: {job.error[:_MOST_WORDS]}", "warning")
            yield Text(f"Look: {job.fix[:_MOST_WORDS] or 'in the cloud itself'}. It is not tried again by itself.")
        case _:
            yield Text(f"Failed{took}: {job.error[:_MOST_WORDS] or 'no reason was given'}", "warning")
            if job.fix:
                yield Text(f"To do: {job.fix[:_MOST_WORDS]}")
            if words:
                yield Text(f"{words}.")
    yield from _left_behind(job.outcome.get("left"))


def _left_behind(left: object) -> Iterator[Part]:
    if not isinstance(left, list) or not left:
        return
    lines = [f"- {_left_line(one)[:_MOST_WORDS]}" for one in left[:_MOST_LEFT]]
    more = [f"{len(left) - _MOST_LEFT} more"] if len(left) > _MOST_LEFT else []
    yield Text("\n".join(["These could not be undone, and are still there:", *lines, *more]), "warning")


def _left_line(one: object) -> str:
    """What was made by which step, why it is still there, what to do about it."""
    if not isinstance(one, Mapping):
        return str(one)
    made = one.get("made")
    ids = ", ".join(f"{name} {value}" for name, value in made.items()) if isinstance(made, Mapping) else ""
    parts = (f"{one.get('does') or one.get('step')}{f' ({ids})' if ids else ''}", one.get("what"), one.get("fix"))
    return ": ".join(str(part) for part in parts if part)


def duration(took: timedelta) -> str:
    seconds = max(round(took.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def when(job: JobRow) -> str:
    return stamp(job.ended_at or job.started_at or job.created_at)
