"""Restore drills as they are shown: each VM's proof against the targets, and what was drilled."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.formats import ago
from bot.replies import Column, Fields, File, Part, Reply, Table, Text
from engines.drills.records import Steps, as_csv, as_pdf, summary_words, target_words
from engines.drills.results import VERDICTS, Proof, old, proofs, summaries
from engines.restore.records import duration
from storage import drills
from storage.drills import Drilled, Window
from storage.filters import Ref
from storage.scopes import Scope

_COLUMNS = (
    Column("vm", "VM"), Column("project", "project"), Column("verdict", "verdict"), Column("why", "why"),
    Column("drilled", "last drill", "time"), Column("took", "restored in"), Column("age", "data age"),
    Column("drill", "drill"),
)  # fmt: skip
_HISTORY = (
    Column("drill", "drill"), Column("vm", "VM"), Column("at", "began", "time"), Column("took", "restored in"),
    Column("age", "data age"), Column("outcome", "outcome"), Column("why", "why"),
)  # fmt: skip
_MOST_PROJECTS = 20


async def proof(
    conn: AsyncConnection, scope: Scope, now: datetime, projects: Sequence[Ref] = (), rows: int = 50
) -> Reply:
    """Every VM of the scope with what its last drill proved, the projects, and all of it as CSV and PDF."""
    found = await proofs(conn, scope, projects)
    if not found:
        return Reply((Text("There is no VM there that could be drilled.", "heading"),), "not_found", scope="drills")
    steps: Steps = {
        (one.last.job_id, one.last.number): await drills.steps_of(conn, one.last.job_id, one.last.number)
        for one in found
        if one.last is not None
    }
    demo = any(one.last is not None and one.last.demo for one in found)
    by_project = summaries(found)
    parts: list[Part] = [Text(_lead(found, now), "heading")]
    parts.append(
        Fields(
            tuple(
                (one.project, f"{summary_words(one)}; targets: {target_words(one.target)}; "
                 + (f"last drill {ago(now - one.last_at)}" if one.last_at else "never drilled"))
                for one in by_project[:_MOST_PROJECTS]
            )
        )
    )  # fmt: skip
    if len(by_project) > _MOST_PROJECTS:
        parts.append(Text(f"{len(by_project) - _MOST_PROJECTS} more projects are in the files.", "note"))
    parts.append(Table(_COLUMNS, tuple(map(_cells, found[:rows])), len(found)))
    name = f"restore-drills-{now:%Y%m%d}"
    parts += [
        File(f"{name}.pdf", "application/pdf", as_pdf(found, by_project, steps, now, demo)),
        File(f"{name}.csv", "text/csv", as_csv(found, steps)),
    ]
    return Reply(tuple(parts), scope="restore drills", demo=demo, about=("vm",))


def _lead(found: Sequence[Proof], now: datetime) -> str:
    told = [(verdict, sum(1 for one in found if one.verdict == verdict)) for verdict in reversed(VERDICTS)]
    words = ", ".join(f"{number} {verdict}" for verdict, number in told if number)
    last = max((one.last.began_at for one in found if one.last is not None), default=None)
    when = f"the last drill was {ago(now - last)}" if last else "none was ever drilled"
    return f"Restore drills of {len(found)} VM{'s' if len(found) != 1 else ''}: {words}; {when}"


def _cells(one: Proof) -> tuple[object, ...]:
    last = one.last
    head = (one.vm.name, one.project, one.verdict, "; ".join(one.misses) or None)
    if last is None:
        return (*head, None, None, None, None)
    age = old(last.age_s) if last.age_s is not None else None
    return (*head, f"{last.began_at:%Y-%m-%dT%H:%M:%SZ}", duration(last.restored_s) or None, age, last.name)


async def drilled(conn: AsyncConnection, scope: Scope, window: Window, rows: int) -> tuple[list[Part], bool]:
    """The drills of a window as a table, and whether one of them was on an invented cloud; nothing where there are
    none."""
    found = await drills.history(conn, scope, window)
    if not found:
        return [], False
    table = Table(_HISTORY, tuple(map(_history_cells, found[:rows])), len(found), "Restore drills",
                  opens=tuple(f"status of {one.name}" for one in found[:rows]))  # fmt: skip
    return [table], any(one.demo for one in found)


def _history_cells(one: Drilled) -> tuple[object, ...]:
    why = [one.reason, *(f"left: {left.get('what', '')}" for left in one.left)]
    return (
        one.name, one.vm, f"{one.began_at:%Y-%m-%dT%H:%M:%SZ}", duration(one.restored_s) or None,
        old(one.age_s) if one.age_s is not None else None, one.outcome, "; ".join(filter(None, why)) or None,
    )  # fmt: skip
