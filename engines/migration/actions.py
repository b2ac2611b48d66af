"""The step of a change that moves a wave on."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.actions import Action, Doing, Result, StepError
from engines.migration.advancing import ACTION, progress_of
from engines.migration.lifecycles import MoveRefused, Progress, advance
from storage import migration_waves as rows
from storage.migration_projects import set_schedule


class MoveWave:
    """Its state in the database alone: no VM is touched."""

    @property
    def name(self) -> str:
        return ACTION

    async def look(self, doing: Doing) -> Result | None:
        """Always None: a wave that is there already is left as it is by `act`."""
        return None

    async def act(self, doing: Doing) -> Result:
        given = doing.step.arguments
        id_, wave, now = int(given["migration"]), int(given["wave"]), datetime.now(UTC)
        async with doing.database.begin() as conn:
            waves = await progress_of(conn, id_, wave)
            if wave not in waves:
                raise StepError("the wave is no longer there", "build the waves anew, then ask again")
            one = waves[wave]
            try:
                after = advance(one, given["move"], str(given["by"]), now, waves)
            except MoveRefused as refused:
                raise StepError(refused.what, refused.fix) from None
            moved = after is one or await rows.set_state(conn, id_, wave, after.state, one.state, after.changed_by, now)
            if not moved:
                raise StepError(f"{one.name} was moved by somebody else meanwhile", "look at it, then ask again")
            if after is not one:
                await _follow(conn, id_, after, str(given["move"]), now)
        return {"state": after.state, "was": one.state, "at": now.isoformat()}

    async def undo(self, doing: Doing, result: Result) -> None:
        """Back to where it was, unless somebody has moved it on since."""
        given, now = doing.step.arguments, datetime.now(UTC)
        id_, wave, by = int(given["migration"]), int(given["wave"]), str(given["by"])
        was, state, then = str(result["was"]), str(result["state"]), datetime.fromisoformat(result["at"])
        async with doing.database.begin() as conn:
            if await rows.set_state(conn, id_, wave, was, state, by, now) and state == "complete":
                await rows.set_vm_states(conn, id_, wave, "cut_over", "pending", by, now, since=then)


async def _follow(conn: AsyncConnection, id_: int, after: Progress, move: str, now: datetime) -> None:
    """What else a move is about: VMs, the preflight, and the schedule, which is made of waves that are to come."""
    if move == "complete":
        await rows.set_vm_states(conn, id_, after.wave, "pending", "cut_over", after.changed_by, now)
    if move == "reopen":
        await rows.clear_items(conn, id_, after.wave)
    if move in ("hold", "cancel", "reopen", "fail"):
        await set_schedule(conn, id_, None)


ACTIONS: tuple[Action, ...] = (MoveWave(),)
