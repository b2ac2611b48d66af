"""What restores used, for whoever bills or plans by it: one row a restore, told the same at any time afterwards."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from engines.restore.records import safe
from storage.restores import RanStep, Restore

_COLUMNS = (
    "restore", "source", "project_id", "project", "vm", "vm_id", "mode", "asked_by", "approved_by", "asked_at",
    "began_at", "ended_at", "outcome", "seconds", "vms", "volumes", "gib", "ports", "snapshots", "demo", "steps",
)  # fmt: skip
_MADE = {
    "restore.server": "vms", "restore.volume": "volumes", "restore.port": "ports", "restore.safety": "snapshots",
}  # fmt: skip
_STAYS = ("done", "undo_failed")


@dataclass(frozen=True, slots=True)
class StepTime:
    """`seconds` None: it has not ended. `state` as in the record of jobs."""

    step: str
    state: str
    attempts: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Metered:
    """One restore. `vms`, `volumes`, `gib` (of the volumes), `ports` and `snapshots` are what it made and what stayed:
    nothing where it was undone. Times are ISO 8601 in UTC."""

    restore: str
    source: str
    project_id: str
    project: str
    vm: str
    vm_id: str
    mode: str
    asked_by: str
    approved_by: tuple[str, ...]
    asked_at: str
    began_at: str | None
    ended_at: str | None
    outcome: str
    seconds: float | None
    demo: bool
    vms: int = 0
    volumes: int = 0
    gib: int = 0
    ports: int = 0
    snapshots: int = 0
    steps: tuple[StepTime, ...] = field(default=())


def metered(one: Restore, plan: Mapping[str, Any], ran: Sequence[RanStep], project: str) -> Metered:
    return Metered(
        one.name,
        one.source or "",
        one.project_id or "",
        project,
        str(one.options.get("vm", "")),
        str(one.options.get("vm_id", "")),
        str(one.options.get("mode", "")),
        one.asked_by,
        one.approvers,
        _time(one.created_at) or "",
        _time(one.started_at),
        _time(one.ended_at),
        one.state,
        None if one.took_s is None else round(one.took_s, 3),
        one.demo,
        **_made(plan, {step.name: step for step in ran}),
        steps=tuple(StepTime(step.name, step.state, step.attempts, _seconds(step)) for step in ran),
    )


def _made(plan: Mapping[str, Any], ran: Mapping[str, RanStep]) -> dict[str, int]:
    """A port that went over from the original was not made."""
    made = dict.fromkeys((*_MADE.values(), "gib"), 0)
    for step in plan.get("steps", ()):
        what, there = _MADE.get(str(step["action"])), ran.get(str(step["name"]))
        if what is None or there is None or there.state not in _STAYS or there.result.get("reused"):
            continue
        made[what] += 1
        made["gib"] += int(step["arguments"].get("size_gib", 0)) if what == "volumes" else 0
    return made


def as_rows(found: Sequence[Metered]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(one) for one in found]


def as_csv(found: Sequence[Metered]) -> bytes:
    """One line a restore; a cell that a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for one in found:
        told = {**asdict(one), "approved_by": ", ".join(one.approved_by), "steps": "; ".join(map(_words, one.steps))}
        writer.writerow([safe("" if told[name] is None else told[name]) for name in _COLUMNS])
    return ("\ufeff" + out.getvalue()).encode()


def _words(step: StepTime) -> str:
    return f"{step.step} {step.state}" if step.seconds is None else f"{step.step} {step.seconds} s"


def _time(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at is not None else None


def _seconds(step: RanStep) -> float | None:
    return None if step.ended_at is None else round((step.ended_at - step.began_at).total_seconds(), 3)
