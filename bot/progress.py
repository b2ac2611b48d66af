"""How far runs have come, as a reply: asked for, going on, ended, and what came of it."""

from collections.abc import Sequence
from datetime import datetime

from bot.replies import Part, Progress, Reply, Text
from storage.runs import RunState

_MOST_SOURCES = 12
_MOST_KINDS = 5
_MOST_WORDS = 300
_COUNTED = ("added", "changed", "returned", "deleted")


def progress(runs: Sequence[RunState]) -> Reply:
    """`runs` are all that were asked for together, at least one."""
    ended = [run for run in runs if run.ended]
    parts: list[Part] = [Text(_lead(runs, ended), "heading")]
    if len(ended) < len(runs):
        going = [_going(run) for run in runs if not run.ended]
        parts.append(Progress("Sources", len(ended), len(runs), "; ".join(_few(going, _MOST_SOURCES))))
    for run in ended[:_MOST_SOURCES]:
        parts += _came_of(run)
    if len(ended) > _MOST_SOURCES:
        parts.append(Text(f"{len(ended) - _MOST_SOURCES} more sources: say freshness.", "note"))
    return Reply(tuple(parts), demo=any(run.demo for run in runs))


def given_up(runs: Sequence[RunState]) -> Reply:
    """After so long nobody waits for it; `runs` may be empty when their record is gone."""
    late = ", ".join(_few([run.source for run in runs if not run.ended], _MOST_SOURCES))
    lead = f"The sync of {late} has not ended." if late else "How the sync went is not on record."
    todo = Text("I do not follow it any longer. Is a worker running? Say: freshness, or: status.", "warning")
    ended = [part for run in runs[:_MOST_SOURCES] if run.ended for part in _came_of(run)]
    return Reply((Text(lead, "heading"), todo, *ended), demo=any(run.demo for run in runs))


def _lead(runs: Sequence[RunState], ended: Sequence[RunState]) -> str:
    names = ", ".join(_few([run.source for run in runs], _MOST_SOURCES))
    if len(ended) < len(runs):
        return f"A sync of {names} is running."
    found = {run.state for run in runs}
    if found == {"done"}:
        return f"The sync of {names} is done."
    return f"The sync of {names} failed." if found == {"failed"} else f"The sync of {names} is done in part."


def _going(run: RunState) -> str:
    since = f"running since {_clock(run.started_at)}" if run.started_at else "waits for a worker"
    return f"{run.source} {since}"


def _came_of(run: RunState) -> list[Part]:
    rows = sum(int(kind.get("rows", 0)) for kind in run.kinds.values())
    counts = {name: sum(int(kind.get(name, 0)) for kind in run.kinds.values()) for name in _COUNTED}
    changes = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing changed"
    word = {"done": "done", "partial": "done in part"}.get(run.state, run.state)
    told = f"{run.source}: {word}{_took(run)}"
    parts: list[Part] = [Text(f"{told}; {rows:,} rows, {changes}." if run.kinds else f"{told}.")]
    bad = [_wrong(name, kind.get("outcome"), kind.get("detail"), kind.get("fix")) for name, kind in run.kinds.items()
           if kind.get("outcome") not in ("complete", "unsupported")]  # fmt: skip
    if not bad and run.state != "done" and run.detail:
        bad = [run.detail[:_MOST_WORDS]]
    parts += [Text(f"{run.source}: {line}", "warning") for line in _few(bad, _MOST_KINDS)]
    return parts


def _wrong(kind: str, outcome: object, detail: object, fix: object) -> str:
    """The source's own words, and what to do."""
    why = f": {str(detail)[:_MOST_WORDS]}" if detail else ""
    todo = f". To do: {str(fix)[:_MOST_WORDS]}" if fix else ""
    return f"{kind.replace('_', ' ')}: {outcome}{why}{todo}"


def _took(run: RunState) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    seconds = max(round((run.finished_at - run.started_at).total_seconds()), 0)
    return f" in {seconds // 60} min {seconds % 60} s" if seconds >= 60 else f" in {seconds} s"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"


def _few(items: Sequence[str], most: int) -> list[str]:
    return [*items[:most], *([f"and {len(items) - most} more"] if len(items) > most else [])]
