"""The record of one restore, for a customer's file: who asked, who approved, what, step by step, what came of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from storage.passwords import Reset
from storage.restores import RanStep, Restore

MODES = {"side_by_side": "side by side", "replace": "replace", "attach": "volumes only"}


def lines_of(one: Restore, plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of all that is said once."""
    return [*asked_of(one, plan), *came_of(one), *planned_of(plan)]


def asked_of(one: Restore, plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was asked for, by whom, and when it ran."""
    told = [
        ("restore", one.name),
        ("what", one.title),
        ("VM", f"{one.options.get('vm', '')} ({one.options.get('vm_id', '')})"),
        ("new VM", str(one.options.get("new_name", ""))),
        ("mode", MODES.get(str(one.options.get("mode")), "")),
        ("addresses", str(one.options.get("ip_strategy", "")).replace("_", " ")),
        ("source", one.source or ""),
        ("project", str(plan.get("blast", "")).removeprefix("1 VM of ") or one.project_id or ""),
        ("asked by", one.asked_by),
        ("approved by", ", ".join(one.approvers) or "nobody had to"),
        ("asked", stamp(one.created_at)),
        ("began", stamp(one.started_at)),
        ("ended", stamp(one.ended_at)),
        ("took", duration(one.took_s)),
    ]
    return [(label, value) for label, value in told if value]


def reset_words(reset: Reset, name: str) -> str:
    """What became of a new password, for the card and the record: whether it was set, and who was shown it when."""
    if reset.state == "refused" or reset.is_over:
        return "no"
    if reset.state == "trying":
        return "not yet"
    done = "yes" if reset.state == "set" else "nobody knows"
    return f"{done}, shown to {name} at {stamp(reset.shown_at)}" if reset.shown_at else f"{done}, not shown"


def came_of(one: Restore) -> list[tuple[str, str]]:
    """The outcome, and what is left to do."""
    words, said = str(one.outcome.get("words") or one.state), str(one.outcome.get("said", ""))
    told = [
        ("outcome", one.state),
        ("in words", words),
        ("what there is now", "" if said.rstrip(".") in words else said),
        ("password reset", reset_words(one.reset, one.reset.asker) if one.reset is not None else ""),
        ("error", one.error),
        *(
            ("left to do by hand", f"{left.get('what', '')}: {left.get('fix', '')}")
            for left in one.outcome.get("left", ())
        ),
    ]
    return [(label, value) for label, value in told if value]


def planned_of(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the plan showed before anybody decided."""
    return [(str(label), str(value)) for label, value in plan.get("facts", ()) if value]


def as_csv(one: Restore, plan: Mapping[str, Any], steps: Sequence[RanStep]) -> bytes:
    """Two tables, one below the other; a cell that a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("what", "value"))
    writer.writerows((safe(label), safe(value)) for label, value in lines_of(one, plan))
    writer.writerow(())
    writer.writerow(("number", "step", "what it does", "state", "attempts", "began", "seconds", "error"))
    does = does_of(plan)
    for step in steps:
        cells = (step.name, does.get(step.name, ""), step.state, step.attempts, stamp(step.began_at), seconds_of(step))
        writer.writerow((step.number, *(safe(cell) for cell in cells), safe(step.error)))
    return ("\ufeff" + out.getvalue()).encode()


def does_of(plan: Mapping[str, Any]) -> dict[str, str]:
    return {str(step["name"]): str(step["does"]) for step in plan.get("steps", ())}


def safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def stamp(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""


def seconds_of(step: RanStep) -> str:
    return "" if step.ended_at is None else f"{(step.ended_at - step.began_at).total_seconds():.1f}"


def duration(seconds: float | None) -> str:
    """5 min 40 s; empty for what has no end."""
    if seconds is None:
        return ""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
