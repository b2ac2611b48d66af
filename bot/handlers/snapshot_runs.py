"""Runs of snapshots: the last ones and those that go on, with what did not work in the cloud's own words."""

from bot.handlers.asking import Ask, reply
from bot.handlers.registry import answers
from bot.handlers.snapshot_asking import policy_named
from bot.replies import Choice, Choices, Column, Part, Progress, Reply, Table, Text
from intents.readings import Name
from storage import inventory, snapshot_runs
from storage.snapshot_runs import Record, Run

_RUNS = (Column("policy", "policy"), Column("started_at", "started", "time"), Column("state", "state"),
         Column("by", "by"), Column("made", "made", "int"), Column("failed", "failed", "int"),
         Column("blocked", "quota blocked", "int"), Column("skipped", "skipped", "int"),
         Column("pruned", "deleted", "int"))  # fmt: skip
_TROUBLES = (Column("volume", "volume"), Column("project", "project"), Column("state", "what"),
             Column("size_gib", "size", "gib"), Column("detail", "why"))  # fmt: skip
_GOING = frozenset({"waiting", "running"})


@answers("snapshot_status")
async def snapshot_status(ask: Ask, policy: Name | None) -> Reply:
    name = ""
    if policy is not None:
        found = await policy_named(ask, policy)
        if isinstance(found, Reply):
            return found
        name = found.name
    runs = await snapshot_runs.runs(ask.conn, ask.who.scope, policy=name, limit=min(ask.rows, 200))
    of = f" of {name}" if name else ""
    scope = f"snapshot runs{of}"
    if not runs:
        parts: list[Part] = [Text(f"No snapshot run{of} is on record.", "heading")]
        parts.append(Choices((Choice("policies", "snapshot policies"), Choice("coverage", "snapshot coverage"))))
        return await reply(ask, parts, {"volume"}, scope=scope)
    last = runs[0]
    troubles = await snapshot_runs.troubles(ask.conn, ask.who.scope, last.key, ask.rows)
    parts = [Text(_lead(last), "heading")]
    if last.job_state in _GOING and last.planned:
        parts.append(Progress(last.policy, _ended(last), last.planned))
    parts += await _troubles(ask, last, troubles)
    if len(runs) > 1:
        parts.append(Table(_RUNS, tuple(_cells(run) for run in runs), len(runs), "Runs, newest first"))
    parts += _retry(last, troubles)
    return await reply(ask, parts, {"volume"}, scope=scope)


def _ended(run: Run) -> int:
    return sum(number for state, number in run.counts.items() if state in snapshot_runs.FINAL)


def _lead(run: Run) -> str:
    """`daily_5 of 2026-11-24 02:00 UTC: 281 made, 2 failed, 6 quota-blocked`, with how long it took."""
    shown = (("made", "made"), ("failed", "failed"), ("quota_blocked", "quota-blocked"), ("unsure", "not known"),
             ("skipped", "skipped"), ("cancelled", "not tried"))  # fmt: skip
    told = ", ".join(f"{run.counts[state]:,} {words}" for state, words in shown if run.counts.get(state))
    gone = f", {run.pruned:,} expired deleted" if run.pruned else ""
    lost = f", {run.prune_failed:,} not deleted" if run.prune_failed else ""
    took = ""
    if run.ended_at is not None:
        seconds = (run.ended_at - run.started_at).total_seconds()
        took = f", in {seconds / 60:.0f} min" if seconds >= 90 else f", in {max(seconds, 0):.0f} s"
    state = " is running" if run.job_state in _GOING else ""
    return f"{run.policy} of {run.started_at:%Y-%m-%d %H:%M} UTC{state}: {told or 'nothing yet'}{gone}{lost}{took}"


async def _troubles(ask: Ask, run: Run, troubles: list[Record]) -> list[Part]:
    if not troubles and not run.prune_failed:
        return []
    parts: list[Part] = []
    if troubles:
        refs = sorted({(one.source, one.project_id) for one in troubles})
        projects = await inventory.names_of(ask.conn, ask.who.scope, "project", refs)
        names = {ref: found.name for ref, found in projects.items()}
        bad = ("failed", "quota_blocked", "unsure")
        cells = tuple(
            (one.volume_name or one.volume_id, names.get((one.source, one.project_id), one.project_id),
             one.state.replace("_", " "), one.size_gib, one.detail)
            for one in troubles
        )  # fmt: skip
        total = sum(run.counts.get(state, 0) for state in bad)
        parts.append(Table(_TROUBLES, cells, total, "What did not work"))
    for name, words in await snapshot_runs.failed_removals(ask.conn, ask.who.scope, run.key):
        parts.append(Text(f"{name} was not deleted: {words}", "warning"))
    return parts


def _cells(run: Run) -> tuple[object, ...]:
    state = run.job_state or "on record"
    return (
        run.policy, run.started_at.isoformat(), state, run.asked_by, run.counts.get("made", 0),
        run.counts.get("failed", 0) + run.counts.get("unsure", 0), run.counts.get("quota_blocked", 0),
        run.counts.get("skipped", 0), run.pruned,
    )  # fmt: skip


def _retry(run: Run, troubles: list[Record]) -> list[Part]:
    """The same policy again: volumes that have their copy are skipped, so only the others are tried."""
    again = sum(one.state in ("failed", "quota_blocked") for one in troubles)
    if not again or run.job_state in _GOING:
        return []
    return [Choices((Choice(f"retry {again}…", f"run {run.policy} snapshots"),))]
